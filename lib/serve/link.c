/* lib/serve/link.c - turn a raw score into a score in [0,1]. Every link rises, so no ranking
 * changes. */
#include <math.h>
#include <stddef.h>

#include "lib/model/model.h"
#include "recsys/recommend.h"

float recsys_link_score(const recsys_model *model, float raw)
{
    if (model == NULL || isnan(raw))
        return NAN;
    double x = (double)raw;
    switch (model->link) {
    case RECSYS_LINK_LINEAR:
        x = (x - (double)model->link_min) / ((double)model->link_max - (double)model->link_min);
        break;
    case RECSYS_LINK_CLIP:
        break;
    default:
        x = 1.0 / (1.0 + exp(-x));
        break;
    }
    return (float)(x < 0.0 ? 0.0 : x > 1.0 ? 1.0 : x);
}

/* daemon/models/webhook.c - the route that an MLflow server calls when something is published.
 *
 * Everybody may send to it, so all that its head tells is checked before the body is kept, the body
 * is small, and refused deliveries are counted as failed logins.
 *
 * A delivery is a hint and nothing else: it has the changers of models of that name poll now. The
 * registry's answer decides, so nothing in the body is believed, and a delivery that is lost costs
 * an interval. A delivery that was sent before, or long ago, wakes nobody.
 */
#include <string.h>
#include <time.h>

#include "daemon/auth/limit.h"
#include "daemon/http/body.h"
#include "daemon/http/reply.h"
#include "daemon/models/delivery.h"
#include "daemon/models/models.h"
#include "lib/base/json_write.h"

/* Is "models:/NAME…" a URI of the model `name`? */
static bool is_of(const char *source, const char *name)
{
    static const char scheme[] = "models:/";
    size_t size = strlen(name);

    if (strncmp(source, scheme, sizeof scheme - 1) != 0)
        return false;
    source += sizeof scheme - 1;
    while (*source == '/')
        source++;
    return strncmp(source, name, size) == 0 && (source[size] == '/' || source[size] == '@');
}

/* The member "name" of "data"; NULL if the body does not name a model: all are meant then. */
static const char *name_of(const struct rd_request *request)
{
    const json_t *data = json_object_get(request->json, "data");

    return json_string_value(json_object_get(data, "name"));
}

static size_t wake(const struct rd_models *models, const char *name)
{
    size_t n = 0;

    for (size_t place = 0; place < models->named->n; place++)
        if (name == NULL || is_of(models->named->all[place].source, name)) {
            rd_model_changer_poll(&models->changers[place]);
            n++;
        }
    return n;
}

static bool refuse(struct rd_request *request, const struct rd_models *models, const char *detail)
{
    return rd_limit_failed_login(request, models->auth) && rd_reply_error(request, 401, detail);
}

static struct rd_delivery read_head(const struct rd_request *request)
{
    const struct rd_headers *headers = &request->headers;

    return (struct rd_delivery){headers->delivery_id, headers->delivery_time,
                                headers->delivery_signature, NULL, 0};
}

bool rd_webhook_check(struct rd_request *request, const struct rd_models *models)
{
    const struct rd_delivery delivery = read_head(request);
    const char *refused;

    if ((request->route->access & RD_ACCESS_SIGNED) == 0)
        return true;
    if (models->webhook->secret_size == 0)
        return rd_reply_error(request, 404,
                              "Webhooks are switched off: set mlflow_webhook_secret_file");
    refused = rd_webhook_refuse_head(&delivery, (int64_t)time(NULL));
    return refused == NULL || refuse(request, models, refused);
}

void rd_post_webhook(struct rd_request *request)
{
    const struct rd_models *models = request->part;
    struct rd_delivery delivery = read_head(request);
    struct rd_problems problems = {request->out, 0};
    const char *refused;

    delivery.body = request->body->bytes;
    delivery.body_size = request->body->size;
    refused = rd_webhook_refuse(models->webhook, &delivery, (int64_t)time(NULL));
    if (refused != NULL) {
        (void)refuse(request, models, refused);
        return;
    }
    if (!rd_body_parse(request, &problems) && !rd_reply_problems(request, &problems))
        return;
    request->status = 200;
    rs_buffer_add_text(request->out, "{\"woken\":");
    rs_json_put_unsigned(request->out, wake(models, name_of(request)));
    rs_buffer_add(request->out, "}", 1);
}

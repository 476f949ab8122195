/* headers-0.1/program.c - a program of version 0.1, whose structs and numbers are others.
 *
 * It must not start with any later library: those have another soname, and none
 * has the version node RECSYS_0.1. */
#include <stdio.h>

#include "recsys/recsys.h"

int main(void)
{
    recsys_model_options options;
    recsys_model *model = NULL;
    recsys_error err;

    recsys_model_options_init(&options);
    recsys_status status = recsys_model_load("/nowhere", &options, &model, &err);
    printf("started, and got %d\n", (int)status);
    return status == RECSYS_E_IO ? 0 : 1;
}

/* daemon/inference/infer_body.c - reads tensors and parameters.
 *
 * A tensor of the protocol is flat or nested JSON with a shape that must agree with it. A request
 * may have parameters of others (content_type, headers …), which the protocol says to ignore.
 */
#include "daemon/inference/infer_body.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "daemon/http/body.h"
#include "daemon/http/fields.h"
#include "daemon/http/members.h"
#include "daemon/http/reply.h"
#include "daemon/inference/inference_model.h"

enum { ID, INPUTS, OUTPUTS, PARAMETERS };
enum { SEEN, ADULT };
static const struct rd_member flags[] = {
    [SEEN] = {.name = "exclude_seen",
              .type = RD_TYPE_BOOLEAN,
              .flags = RD_STRICT | RD_PRESET,
              .preset = 1},
    [ADULT] = {.name = "exclude_adult",
               .type = RD_TYPE_BOOLEAN,
               .flags = RD_STRICT | RD_PRESET,
               .preset = 1},
};
static const struct rd_shape flags_shape = {RD_MEMBERS(flags)};
enum { TOP_K, RATING };
static const struct rd_member numbers[] = {
    [TOP_K] = {.name = "top_k",
               .type = RD_TYPE_INTEGER,
               .flags = RD_PRESET | RD_NOT_NULL,
               .min = 1,
               .max = RD_TOP_K_MAX,
               .preset = 10},
    [RATING] = {.name = "min_rating", .type = RD_TYPE_NUMBER, .flags = RD_NOT_NULL, .max = 10},
};
static const struct rd_shape parameters_shape = {
    .name = "InferenceParameters", RD_MEMBERS(numbers), .also = &flags_shape};
static const struct rd_member members[] = {
    [ID] = {.name = "id", .type = RD_TYPE_TEXT},
    [INPUTS] = {.name = "inputs", .type = RD_TYPE_OTHER, .flags = RD_REQUIRED},
    [OUTPUTS] = {.name = "outputs", .type = RD_TYPE_OTHER},
    [PARAMETERS] = {.name = "parameters",
                    .type = RD_TYPE_OBJECT,
                    .flags = RD_NOT_NULL,
                    .shape = &parameters_shape},
};
const struct rd_shape rd_infer_shape = {.name = "InferenceRequest", RD_MEMBERS(members)};

const char *const rd_infer_output_names[RD_INFER_OUTPUTS] = {"item_id", "score", "count"};

static bool refuse(struct rd_request *request, const char *format, const char *name)
{
    char message[256];

    (void)snprintf(message, sizeof message, format, name);
    return rd_reply_error(request, 400, message);
}

/* A tensor as the client sends it. */
struct tensor {
    const char *name, *datatype;
    const json_t *data;
    size_t n; /* elements by the shape */
};

/* [n] or [n,1]. */
static bool read_shape(struct rd_request *request, const json_t *shape, struct tensor *tensor)
{
    size_t n_dims = json_array_size(shape);
    json_int_t n = json_integer_value(json_array_get(shape, 0));

    if ((n_dims != 1 && n_dims != 2) || !json_is_integer(json_array_get(shape, 0)) || n < 0 ||
        n > RD_USERS_MAX ||
        (n_dims == 2 && (!json_is_integer(json_array_get(shape, 1)) ||
                         json_integer_value(json_array_get(shape, 1)) != 1)))
        return refuse(request, "%s: the shape must be [n] or [n,1] with at most 1000 elements",
                      tensor->name);
    tensor->n = (size_t)n;
    return true;
}

static bool read_tensor(struct rd_request *request, const json_t *from, struct tensor *tensor)
{
    tensor->name = json_string_value(json_object_get(from, "name"));
    tensor->datatype = json_string_value(json_object_get(from, "datatype"));
    tensor->data = json_object_get(from, "data");
    if (tensor->name == NULL || strlen(tensor->name) > 64)
        return rd_reply_error(request, 400,
                              "inputs: every tensor needs a name of at most 64 bytes");
    if (json_object_get(json_object_get(from, "parameters"), "binary_data_size") != NULL)
        return refuse(request,
                      "%s: binary tensors are an extension that recsysd does not have; send JSON",
                      tensor->name);
    if (tensor->datatype == NULL || strlen(tensor->datatype) > 16)
        return refuse(request, "%s: the tensor needs a datatype", tensor->name);
    if (!json_is_array(tensor->data))
        return refuse(request, "%s: the tensor needs its data as a list", tensor->name);
    return read_shape(request, json_object_get(from, "shape"), tensor);
}

static bool is_datatype(const char *datatype, uint32_t id_kind)
{
    static const char *const integers[] = {"INT64",  "INT32",  "INT16",  "INT8",
                                           "UINT64", "UINT32", "UINT16", "UINT8"};

    if (id_kind == RECSYS_ID_KIND_TEXT)
        return strcmp(datatype, "BYTES") == 0;
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++)
        if (strcmp(datatype, integers[i]) == 0)
            return true;
    return false;
}

/* Element `i`, also of data that are nested like [[1],[2]]. */
static const json_t *element(const struct tensor *tensor, size_t i)
{
    const json_t *value = json_array_get(tensor->data, i);

    return json_is_array(value) && json_array_size(value) == 1 ? json_array_get(value, 0) : value;
}

static bool read_ids(struct rd_request *request, const struct tensor *tensor, uint32_t id_kind,
                     recsys_id *out, size_t *n_out)
{
    char bytes[512], message[192];

    if (!is_datatype(tensor->datatype, id_kind)) {
        (void)snprintf(message, sizeof message, "%s: the model's ids are %s, not %s", tensor->name,
                       rd_inference_datatype(id_kind), tensor->datatype);
        return rd_reply_error(request, 400, message);
    }
    if (json_array_size(tensor->data) != tensor->n)
        return refuse(request, "%s: there are not as many data as the shape says", tensor->name);
    for (size_t i = 0; i < tensor->n; i++) {
        struct rs_buffer unread = RS_BUFFER_FIXED(bytes);
        struct rd_problems problems = {&unread, 0};
        const json_t *value = element(tensor, i);

        if ((id_kind == RECSYS_ID_KIND_TEXT ? json_is_string(value) : json_is_integer(value)) &&
            rd_field_id(&problems, &rd_place_body, value, id_kind, &out[i]))
            continue;
        (void)snprintf(message, sizeof message, "%s: element %zu is no id of this model",
                       tensor->name, i);
        return rd_reply_error(request, 400, message);
    }
    *n_out = tensor->n;
    return true;
}

static bool read_inputs(struct rd_request *request, const recsys_model_info *info,
                        struct rd_predict_body *predict)
{
    const json_t *inputs = json_object_get(request->json, members[INPUTS].name);
    size_t n_exclude = 0;

    predict->n_users = 0;
    if (!json_is_array(inputs))
        return rd_reply_error(request, 400, "The request needs inputs, a list of tensors");
    for (size_t i = 0; i < json_array_size(inputs); i++) {
        struct tensor tensor;

        if (!read_tensor(request, json_array_get(inputs, i), &tensor))
            return false;
        if (strcmp(tensor.name, "user_id") == 0) {
            if (!read_ids(request, &tensor, info->user_id_kind, predict->users, &predict->n_users))
                return false;
        } else if (strcmp(tensor.name, "exclude") == 0) {
            if (!read_ids(request, &tensor, info->item_id_kind, predict->exclude, &n_exclude))
                return false;
        } else {
            return refuse(request, "%s: the model has the inputs user_id and exclude", tensor.name);
        }
    }
    if (predict->n_users == 0)
        return rd_reply_error(request, 400, "user_id: the input is missing or empty");
    predict->request.n_exclude = rd_ids_sort(predict->exclude, n_exclude);
    predict->request.exclude = predict->exclude;
    return true;
}

/* A boolean parameter sets a flag if it is not its preset. */
static bool read_flag(struct rd_request *request, const json_t *parameters,
                      const struct rd_member *row, uint32_t flag, uint32_t *to)
{
    const json_t *value = json_object_get(parameters, row->name);

    if (value == NULL || json_is_null(value))
        return true;
    if (!json_is_boolean(value))
        return refuse(request, "parameters: %s must be true or false", row->name);
    if (json_is_true(value) != (row->preset > 0.0))
        *to |= flag;
    return true;
}

static bool refuse_number(struct rd_request *request, const struct rd_member *row,
                          const char *words)
{
    char message[128];

    (void)snprintf(message, sizeof message, "parameters: %s must be %s %lld to %lld", row->name,
                   words, (long long)row->min, (long long)row->max);
    return rd_reply_error(request, 400, message);
}

static bool read_parameters(struct rd_request *request, recsys_request *to)
{
    const json_t *parameters = json_object_get(request->json, members[PARAMETERS].name);
    const struct rd_member *k_row = &numbers[TOP_K], *rating_row = &numbers[RATING];
    const json_t *top_k = json_object_get(parameters, k_row->name);
    const json_t *min_rating = json_object_get(parameters, rating_row->name);
    double rating = json_number_value(min_rating);

    *to = (recsys_request)RECSYS_REQUEST_INIT;
    to->k = (uint32_t)k_row->preset;
    if (parameters != NULL && !json_is_object(parameters))
        return rd_reply_error(request, 400, "parameters must be an object");
    if (top_k != NULL) {
        if (!json_is_integer(top_k) || json_integer_value(top_k) < k_row->min ||
            json_integer_value(top_k) > k_row->max)
            return refuse_number(request, k_row, "an integer from");
        to->k = (uint32_t)json_integer_value(top_k);
    }
    if (min_rating != NULL) {
        if (!json_is_number(min_rating) ||
            !(rating >= (double)rating_row->min && rating <= (double)rating_row->max))
            return refuse_number(request, rating_row, "from");
        to->min_rating = (float)rating;
    }
    return read_flag(request, parameters, &flags[SEEN], RECSYS_REQUEST_INCLUDE_SEEN, &to->flags) &&
           read_flag(request, parameters, &flags[ADULT], RECSYS_REQUEST_INCLUDE_ADULT, &to->flags);
}

static bool read_output(struct rd_request *request, const json_t *output,
                        struct rd_infer_body *body)
{
    const char *name = json_string_value(json_object_get(output, "name"));

    for (size_t i = 0; name != NULL && i < RD_INFER_OUTPUTS; i++)
        if (strcmp(name, rd_infer_output_names[i]) == 0) {
            if (!body->wanted[i])
                body->order[body->n_outputs++] = i;
            body->wanted[i] = true;
            return true;
        }
    return rd_reply_error(request, 400,
                          "outputs: the model has the outputs item_id, score and count");
}

static bool read_outputs(struct rd_request *request, struct rd_infer_body *body)
{
    const json_t *outputs = json_object_get(request->json, members[OUTPUTS].name);

    body->n_outputs = 0;
    memset(body->wanted, 0, sizeof body->wanted);
    if (outputs != NULL && !json_is_array(outputs))
        return rd_reply_error(request, 400, "outputs must be a list");
    for (size_t i = 0; i < json_array_size(outputs); i++)
        if (!read_output(request, json_array_get(outputs, i), body))
            return false;
    for (size_t i = 0; body->n_outputs < RD_INFER_OUTPUTS && json_array_size(outputs) == 0; i++)
        body->order[body->n_outputs++] = i;
    return true;
}

static bool read_id(struct rd_request *request, struct rd_infer_body *body)
{
    const json_t *id = json_object_get(request->json, members[ID].name);

    body->id = json_string_value(id);
    return id == NULL || json_is_null(id) || body->id != NULL ||
           rd_reply_error(request, 400, "id must be a string");
}

static bool is_binary(const struct rd_request *request)
{
    for (size_t i = 0; i < request->head->n_headers; i++)
        if (strcasecmp(request->head->headers[i].name, "Inference-Header-Content-Length") == 0)
            return true;
    return false;
}

bool rd_infer_body_read(struct rd_request *request, const recsys_model_info *info,
                        struct rd_predict_body *predict, struct rd_infer_body *body)
{
    struct rd_problems problems = {request->out, 0};

    if (is_binary(request))
        return rd_reply_error(
            request, 400,
            "Binary tensors are an extension that recsysd does not have; send the "
            "data as JSON, without Inference-Header-Content-Length");
    if (!rd_body_parse(request, &problems))
        return rd_reply_error(request, 400, "The body is no JSON object");
    return read_id(request, body) && read_parameters(request, &predict->request) &&
           read_outputs(request, body) && read_inputs(request, info, predict);
}

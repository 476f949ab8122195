/* daemon/http/file.c - see file.h. */
#include "daemon/http/file.h"

#include <string.h>

#include "daemon/http/reply.h"

void rd_reply_file(struct rd_request *request, const struct rd_file *files, size_t n_files,
                   const char *policy)
{
    for (const struct rd_file *file = files; file < files + n_files; file++)
        if (strcmp(request->param, file->path) == 0) {
            request->status = 200;
            request->content_type = file->type;
            request->content_policy = policy;
            request->is_packed = file->is_packed;
            rs_buffer_add(request->out, file->bytes, *file->size);
            return;
        }
    (void)rd_reply_error(request, 404, "Not Found");
}

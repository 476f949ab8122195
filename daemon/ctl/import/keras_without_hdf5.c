/* daemon/ctl/import/keras_without_hdf5.c - for builds without libhdf5: see keras_file.h. */
#include "daemon/ctl/import/keras_file.h"
#include "lib/base/error.h"

recsys_status ctl_keras_read(const struct ctl_keras_image *image, const char *path,
                             struct ctl_keras *out, recsys_error *err)
{
    (void)image;
    (void)out;
    return rs_error(err, RECSYS_E_UNSUPPORTED,
                    "%s: is Keras's; this recsysctl was built without libhdf5. Build it with "
                    "libhdf5-dev, or save the weights with numpy.savez()",
                    path);
}

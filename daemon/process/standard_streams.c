/* daemon/process/standard_streams.c - see standard_streams.h. */
#include "daemon/process/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

void rd_standard_streams_open(void)
{
    int fd;

    do
        fd = open("/dev/null", O_RDWR); /* the lowest number that is free */
    while (fd >= 0 && fd <= STDERR_FILENO);
    if (fd >= 0)
        (void)close(fd);
}

/* daemon/process/standard_streams.h - the descriptors 0, 1 and 2. */
#ifndef RECSYSD_STANDARD_STREAMS_H
#define RECSYSD_STANDARD_STREAMS_H

/* Before anything else is opened: those that the process was started without are /dev/null then.
 * Otherwise a file or socket would get such a number, and what is written to stderr would go there.
 */
void rd_standard_streams_open(void);

#endif

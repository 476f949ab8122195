/* daemon/process/notify.h - tells the service manager what recsysd does. */
#ifndef RECSYSD_NOTIFY_H
#define RECSYSD_NOTIFY_H

/* One of systemd's assignments, as "READY=1" (sd_notify(3)). Nothing happens if no service manager
 * asked for it with NOTIFY_SOCKET. */
void rd_notify(const char *assignment);
/* "RELOADING=1" with the time that systemd wants beside it. */
void rd_notify_reloading(void);

#endif

/* daemon/auth/access.h - who may call a route. */
#ifndef RECSYSD_ACCESS_H
#define RECSYSD_ACCESS_H

/* Bits of rd_route.access; 0: everybody, without a limit. */
enum {
    RD_ACCESS_KEY = 1 << 0,    /* needs an API key or a token, if they are set */
    RD_ACCESS_ADMIN = 1 << 1,  /* needs the admin token */
    RD_ACCESS_OWN = 1 << 2,    /* a user's token is accepted only if the {…} is that user */
    RD_ACCESS_STRICT = 1 << 3, /* has the stricter limit */
    RD_ACCESS_SIGNED = 1 << 4  /* needs the headers of a signed delivery; see models/webhook.c */
};

#endif

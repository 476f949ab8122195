/* tests/support/certificates.h - an authority and what it signs, in a directory of the test's own.
 *
 * One key for all: tests of TLS ask who is believed, not who has which key.
 * A failure ends the test.
 */
#ifndef TESTS_SUPPORT_CERTIFICATES_H
#define TESTS_SUPPORT_CERTIFICATES_H

#include <openssl/x509.h>

struct certificates {
    char directory[64];
    EVP_PKEY *key;   /* key.pem */
    X509 *authority; /* ca.pem; stranger.pem is another one */
    unsigned n_paths;
    char paths[16][96];
};

void certificates_create(struct certificates *all);
/* Remove the files. */
void certificates_destroy(struct certificates *all);

/* names as in subjectAltName ("DNS:localhost,IP:127.0.0.1"); valid from and to
 * so many seconds from now. */
void certificates_add(struct certificates *all, const char *file, const char *names, long from_s,
                      long to_s);

/* BORROWED from `all`. */
const char *certificates_path(const struct certificates *all, const char *file);

#endif

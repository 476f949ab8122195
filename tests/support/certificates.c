/* tests/support/certificates.c - see certificates.h. */
#include "tests/support/certificates.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "tests/support/check.h"

#define HOUR 3600

static FILE *create_file(struct certificates *all, const char *file)
{
    CHECK(all->n_paths < sizeof all->paths / sizeof all->paths[0]);
    char path[sizeof all->paths[0]];
    snprintf(path, sizeof path, "%s/%s", all->directory, file);
    memcpy(all->paths[all->n_paths++], path, sizeof path);
    FILE *out = fopen(path, "w");
    CHECK(out != NULL);
    return out;
}

static void add_extension(X509 *certificate, int kind, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, kind, value);

    CHECK(extension != NULL && X509_add_ext(certificate, extension, -1) == 1);
    X509_EXTENSION_free(extension);
}

/* names NULL: an authority, signed by itself. */
static X509 *write_certificate(struct certificates *all, const char *file, const char *names,
                               long from_s, long to_s)
{
    X509 *certificate = X509_new();

    CHECK(certificate != NULL);
    X509_NAME *subject = X509_get_subject_name(certificate);
    X509_NAME *issuer = names == NULL ? subject : X509_get_subject_name(all->authority);
    CHECK(X509_set_version(certificate, 2) == 1 &&
          ASN1_INTEGER_set(X509_get_serialNumber(certificate), (long)all->n_paths + 1) == 1 &&
          X509_gmtime_adj(X509_getm_notBefore(certificate), from_s) != NULL &&
          X509_gmtime_adj(X509_getm_notAfter(certificate), to_s) != NULL &&
          X509_set_pubkey(certificate, all->key) == 1 &&
          X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC, (const unsigned char *)file, -1,
                                     -1, 0) == 1 &&
          X509_set_issuer_name(certificate, issuer) == 1);
    if (names == NULL)
        add_extension(certificate, NID_basic_constraints, "critical,CA:TRUE");
    else
        add_extension(certificate, NID_subject_alt_name, names);
    CHECK(X509_sign(certificate, all->key, EVP_sha256()) > 0);
    FILE *out = create_file(all, file);
    CHECK(PEM_write_X509(out, certificate) == 1 && fclose(out) == 0);
    return certificate;
}

void certificates_create(struct certificates *all)
{
    memset(all, 0, sizeof *all);
    snprintf(all->directory, sizeof all->directory, "/tmp/recsys-tls-XXXXXX");
    CHECK(mkdtemp(all->directory) != NULL);
    all->key = EVP_EC_gen("P-256");
    CHECK(all->key != NULL);
    FILE *out = create_file(all, "key.pem");
    CHECK(PEM_write_PrivateKey(out, all->key, NULL, NULL, 0, NULL, NULL) == 1 && fclose(out) == 0);
    all->authority = write_certificate(all, "ca.pem", NULL, 0, HOUR);
    X509_free(write_certificate(all, "stranger.pem", NULL, 0, HOUR));
}

void certificates_destroy(struct certificates *all)
{
    for (unsigned i = 0; i < all->n_paths; i++)
        unlink(all->paths[i]);
    rmdir(all->directory);
    X509_free(all->authority);
    EVP_PKEY_free(all->key);
}

void certificates_add(struct certificates *all, const char *file, const char *names, long from_s,
                      long to_s)
{
    X509_free(write_certificate(all, file, names, from_s, to_s));
}

const char *certificates_path(const struct certificates *all, const char *file)
{
    for (unsigned i = 0; i < all->n_paths; i++)
        if (strcmp(all->paths[i] + strlen(all->directory) + 1, file) == 0)
            return all->paths[i];
    fprintf(stderr, "certificates: there is no %s\n", file);
    abort();
}

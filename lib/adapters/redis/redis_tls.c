/* lib/adapters/redis/redis_tls.c - see redis_tls.h.
 *
 * OpenSSL over a BIO that is defined here. hiredis's TLS is not used: it does not check
 * the server's name, waits for each read of a handshake instead of for the
 * whole, and writes in a way that lets a server kill the process by closing
 * the connection (SIGPIPE). The BIO sends with MSG_NOSIGNAL and never waits.
 *
 * A certificate must be valid, trusted and for the name or address that was
 * asked for; TLS 1.2 at least. The thread's error queue is left as empty as
 * it was found, since the host may use OpenSSL, too.
 */
#include "lib/adapters/redis/redis_tls.h"

#include "lib/base/alloc.h"
#include "lib/base/error.h"

#ifdef RECSYS_REDIS_HAS_TLS

#include <arpa/inet.h>
#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdint.h>
#include <sys/socket.h>

struct rs_redis_tls {
    SSL_CTX *context;
    BIO_METHOD *method;
};

static int descriptor_of(BIO *bio)
{
    return (int)(intptr_t)BIO_get_data(bio);
}

static int write_socket(BIO *bio, const char *bytes, int size)
{
    ssize_t n;

    BIO_clear_retry_flags(bio);
    do
        n = send(descriptor_of(bio), bytes, (size_t)size, MSG_DONTWAIT | MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_write(bio);
    return (int)n;
}

static int read_socket(BIO *bio, char *bytes, int room)
{
    ssize_t n;

    BIO_clear_retry_flags(bio);
    do
        n = recv(descriptor_of(bio), bytes, (size_t)room, MSG_DONTWAIT);
    while (n < 0 && errno == EINTR);
    if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
        BIO_set_retry_read(bio);
    return (int)n;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static int create_bio(BIO *bio)
{
    BIO_set_init(bio, 1);
    return 1;
}

/* OpenSSL's error of this thread as text; clears the thread's queue of errors. */
static const char *reason(void)
{
    unsigned long code = ERR_peek_last_error();
    const char *text = code == 0 ? NULL : ERR_reason_error_string(code);

    ERR_clear_error();
    return text == NULL ? "no reason given" : text;
}

static recsys_status load_files(SSL_CTX *context, const struct rs_redis_tls_files *files,
                                recsys_error *err)
{
    if (files->ca_file == NULL) {
        if (SSL_CTX_set_default_verify_paths(context) != 1)
            return rs_error(err, RECSYS_E_INVALID,
                            "%s: cannot find the system's trusted certificates: %s; name a ca_file",
                            files->where, reason());
    } else if (SSL_CTX_load_verify_locations(context, files->ca_file, NULL) != 1)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: cannot read trusted certificates from ca_file %.200s: %s",
                        files->where, files->ca_file, reason());
    if (files->cert_file == NULL)
        return RECSYS_OK;
    if (SSL_CTX_use_certificate_chain_file(context, files->cert_file) != 1)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: cannot read the client's certificate from cert_file %.200s: %s",
                        files->where, files->cert_file, reason());
    if (SSL_CTX_use_PrivateKey_file(context, files->key_file, SSL_FILETYPE_PEM) != 1)
        return rs_error(err, RECSYS_E_INVALID,
                        "%s: key_file %.200s has no key for the certificate in cert_file: %s",
                        files->where, files->key_file, reason());
    return RECSYS_OK;
}

recsys_status rs_redis_tls_create(const struct rs_redis_tls_files *files, struct rs_redis_tls **out,
                                  recsys_error *err)
{
    struct rs_redis_tls *tls = rs_alloc_array(1, sizeof *tls);
    recsys_status status;

    *out = NULL;
    if (tls == NULL)
        return rs_error_nomem(err, "TLS");
    ERR_clear_error();
    tls->context = SSL_CTX_new(TLS_client_method());
    tls->method = BIO_meth_new(BIO_TYPE_SOURCE_SINK, "recsys");
    if (tls->context == NULL || tls->method == NULL ||
        BIO_meth_set_write(tls->method, write_socket) != 1 ||
        BIO_meth_set_read(tls->method, read_socket) != 1 ||
        BIO_meth_set_ctrl(tls->method, control) != 1 ||
        BIO_meth_set_create(tls->method, create_bio) != 1 ||
        SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1) {
        ERR_clear_error();
        status = rs_error_nomem(err, "TLS");
        goto fail;
    }
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_mode(tls->context,
                     SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    status = load_files(tls->context, files, err);
    if (status != RECSYS_OK)
        goto fail;
    *out = tls;
    return RECSYS_OK;

fail:
    rs_redis_tls_destroy(tls);
    return status;
}

void rs_redis_tls_destroy(struct rs_redis_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    BIO_meth_free(tls->method);
    rs_free(tls);
}

static int expect_host(SSL *ssl, const char *host)
{
    struct in6_addr address; /* large enough for both */

    if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host);
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

void *rs_redis_tls_open(struct rs_redis_tls *tls, int descriptor, const char *host)
{
    SSL *ssl = SSL_new(tls->context);
    BIO *bio = BIO_new(tls->method);

    if (ssl == NULL || bio == NULL || !expect_host(ssl, host)) {
        BIO_free(bio);
        SSL_free(ssl);
        ERR_clear_error();
        return NULL;
    }
    BIO_set_data(bio, (void *)(intptr_t)descriptor);
    SSL_set_bio(ssl, bio, bio);
    SSL_set_connect_state(ssl);
    return ssl;
}

void rs_redis_tls_close(void *session)
{
    SSL_free(session);
}

static long outcome(SSL *ssl, int result, recsys_error *err)
{
    int system_error = errno;

    switch (SSL_get_error(ssl, result)) {
    case SSL_ERROR_WANT_READ:
        return RS_TLS_WANTS_READ;
    case SSL_ERROR_WANT_WRITE:
        return RS_TLS_WANTS_WRITE;
    case SSL_ERROR_ZERO_RETURN:
        return RS_TLS_CLOSED;
    case SSL_ERROR_SYSCALL:
        if (ERR_peek_error() != 0)
            break;
        if (system_error == 0)
            return RS_TLS_CLOSED;
        rs_error_sys(err, system_error, "the connection broke");
        return RS_TLS_FAILED;
    default:
        break;
    }
    long verified = SSL_get_verify_result(ssl);
    if (verified != X509_V_OK) {
        ERR_clear_error();
        rs_error(err, RECSYS_E_IO, "the server's certificate is not accepted: %s",
                 X509_verify_cert_error_string(verified));
    } else
        rs_error(err, RECSYS_E_IO, "TLS failed: %s", reason());
    return RS_TLS_FAILED;
}

long rs_redis_tls_shake(void *session, recsys_error *err)
{
    ERR_clear_error();
    errno = 0;
    int result = SSL_do_handshake(session);
    return result == 1 ? 1 : outcome(session, result, err);
}

long rs_redis_tls_send(void *session, const char *bytes, size_t size, recsys_error *err)
{
    size_t n = 0;

    ERR_clear_error();
    errno = 0;
    int result = SSL_write_ex(session, bytes, size, &n);
    return result == 1 ? (long)n : outcome(session, result, err);
}

long rs_redis_tls_receive(void *session, char *bytes, size_t room, recsys_error *err)
{
    size_t n = 0;

    ERR_clear_error();
    errno = 0;
    int result = SSL_read_ex(session, bytes, room, &n);
    return result == 1 ? (long)n : outcome(session, result, err);
}

int rs_redis_tls_has_pending(void *session)
{
    return SSL_has_pending(session);
}

#else

/* No session is ever created, so none of the other functions is called. */
recsys_status rs_redis_tls_create(const struct rs_redis_tls_files *files, struct rs_redis_tls **out,
                                  recsys_error *err)
{
    *out = NULL;
    return rs_error(err, RECSYS_E_UNSUPPORTED,
                    "%s: this librecsys-redis was built without TLS; build it where OpenSSL is "
                    "found, or connect through a TLS proxy",
                    files->where);
}

void rs_redis_tls_destroy(struct rs_redis_tls *tls)
{
    (void)tls;
}

void *rs_redis_tls_open(struct rs_redis_tls *tls, int descriptor, const char *host)
{
    (void)tls, (void)descriptor, (void)host;
    return NULL;
}

void rs_redis_tls_close(void *session)
{
    (void)session;
}

long rs_redis_tls_shake(void *session, recsys_error *err)
{
    (void)session, (void)err;
    return RS_TLS_CLOSED;
}

long rs_redis_tls_send(void *session, const char *bytes, size_t size, recsys_error *err)
{
    (void)session, (void)bytes, (void)size, (void)err;
    return RS_TLS_CLOSED;
}

long rs_redis_tls_receive(void *session, char *bytes, size_t room, recsys_error *err)
{
    (void)session, (void)bytes, (void)room, (void)err;
    return RS_TLS_CLOSED;
}

int rs_redis_tls_has_pending(void *session)
{
    (void)session;
    return 0;
}

#endif

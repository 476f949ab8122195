/* tests/support/proof_redis.c - see proof_redis.h. */
#include "tests/support/proof_redis.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check.h"
#include "tests/support/fake_redis.h"

#define MAX_ARGUMENTS 16

struct visitor {
    pthread_t thread;
    int socket;
    struct visitor *next;
};

static struct {
    int listener, stop[2];
    uint32_t port;
    pthread_t thread;
    struct visitor *visitors; /* of the listening thread */
    pthread_mutex_t lock;
    uint64_t random; /* protected by lock */
    pthread_rwlock_t frozen;
    atomic_uint per_mille, faults, delay_ms;
    atomic_uint_fast64_t counts[PROOF_N_FAULTS], n_shared;
} proof = {.lock = PTHREAD_MUTEX_INITIALIZER, .frozen = PTHREAD_RWLOCK_INITIALIZER};

struct text {
    char *bytes;
    size_t size, room;
};

static void add(struct text *text, const char *bytes, size_t size)
{
    if (text->size + size > text->room) {
        text->room = (text->size + size) * 2;
        text->bytes = realloc(text->bytes, text->room);
        CHECK(text->bytes != NULL);
    }
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
}

struct argument {
    const char *bytes;
    size_t size;
};

/* -- what a key has -- */

static size_t padding(const char *key, size_t size)
{
    char copy[32] = "";
    const char *at = memchr(key, '@', size);

    if (at == NULL || (size_t)(key + size - at) > sizeof copy)
        return 0;
    memcpy(copy, at + 1, (size_t)(key + size - at) - 1);
    size_t n = strtoul(copy, NULL, 10);
    CHECK(n <= PROOF_MAX_VALUE);
    return n;
}

int proof_redis_is_value(const char *key, size_t key_size, const char *bytes, size_t size)
{
    if (size != 2 * key_size + 1 + padding(key, key_size) || memcmp(bytes, key, key_size) != 0 ||
        bytes[key_size] != '=' || memcmp(bytes + key_size + 1, key, key_size) != 0)
        return 0;
    for (size_t i = 2 * key_size + 1; i < size; i++)
        if (bytes[i] != key[i % key_size])
            return 0;
    return 1;
}

static void add_value(struct text *out, struct argument key)
{
    char head[32];
    size_t more = padding(key.bytes, key.size), size = 2 * key.size + 1 + more;

    add(out, head, (size_t)snprintf(head, sizeof head, "$%zu\r\n", size));
    add(out, key.bytes, key.size);
    add(out, "=", 1);
    add(out, key.bytes, key.size);
    for (size_t i = 2 * key.size + 1; i < size; i++)
        add(out, &key.bytes[i % key.size], 1);
    add(out, "\r\n", 2);
}

/* -- commands -- */

static int is(struct argument argument, const char *text)
{
    return argument.size == strlen(text) && memcmp(argument.bytes, text, argument.size) == 0;
}

/* The size of the first whole command in the buffer, or 0. */
static size_t read_command(const char *bytes, size_t size, struct argument *arguments, size_t *n)
{
    size_t at = 0;

    *n = 0;
    for (size_t part = 0, n_parts = 0; part <= n_parts; part++) {
        const char *end = memchr(bytes + at, '\n', size - at);
        if (end == NULL)
            return 0;
        size_t number = strtoul(bytes + at + 1, NULL, 10);
        CHECK(bytes[at] == (part == 0 ? '*' : '$'));
        at = (size_t)(end - bytes) + 1;
        if (part == 0) {
            n_parts = number;
            continue;
        }
        if (at + number + 2 > size)
            return 0;
        CHECK(*n < MAX_ARGUMENTS);
        arguments[(*n)++] = (struct argument){bytes + at, number};
        at += number + 2;
    }
    return at;
}

static void add_answer(struct text *out, const struct argument *arguments, size_t n, int fault)
{
    int is_script = is(arguments[0], "EVALSHA") || is(arguments[0], "EVAL");
    struct argument key = arguments[is_script ? 3 : n > 1 ? 1 : 0];
    char head[64];

    if (is(arguments[0], "ASKING")) {
        add(out, "+OK\r\n", 5);
    } else if (fault == PROOF_ASK) {
        add(out, head, (size_t)snprintf(head, sizeof head, "-ASK 5 127.0.0.1:%u\r\n", proof.port));
    } else if (is(arguments[0], "INFO")) {
        const char *info = is(arguments[1], "server") ? FAKE_INFO_SERVER : FAKE_INFO_MEMORY;
        add(out, info, strlen(info));
    } else if (fault == PROOF_REFUSED) {
        add(out, "-ERR refused: ", 14);
        add(out, key.bytes, key.size);
        add(out, "\r\n", 2);
    } else if (fault == PROOF_NO_SCRIPT && is(arguments[0], "EVALSHA")) {
        add(out, "-NOSCRIPT No matching script.\r\n", 31);
    } else if (is(arguments[0], "GET") || is_script) {
        add_value(out, key);
    } else if (is(arguments[0], "MGET")) {
        add(out, head, (size_t)snprintf(head, sizeof head, "*%zu\r\n", n - 1));
        for (size_t i = 1; i < n; i++)
            add_value(out, arguments[i]);
    } else if (is(arguments[0], "UNLINK")) {
        add(out, head, (size_t)snprintf(head, sizeof head, ":%zu\r\n", n - 1));
    } else if (is(arguments[0], "PING")) {
        add(out, "+PONG\r\n", 7);
    } else {
        CHECK(is(arguments[0], "SET"));
        add(out, "+OK\r\n", 5);
    }
}

/* -- faults -- */

static uint64_t draw(uint64_t below) /* xorshift64* (Vigna 2016) */
{
    pthread_mutex_lock(&proof.lock);
    proof.random ^= proof.random >> 12;
    proof.random ^= proof.random << 25;
    proof.random ^= proof.random >> 27;
    uint64_t number = proof.random * UINT64_C(2685821657736338717);
    pthread_mutex_unlock(&proof.lock);
    return (number >> 33) % below;
}

/* -1 = none. */
static int draw_fault(void)
{
    unsigned faults = atomic_load(&proof.faults);

    if (faults == 0 || draw(1000) >= atomic_load(&proof.per_mille))
        return -1;
    for (;;) {
        unsigned fault = (unsigned)draw(PROOF_N_FAULTS);
        if ((faults >> fault & 1u) != 0) {
            atomic_fetch_add(&proof.counts[fault], 1u);
            return (int)fault;
        }
    }
}

static void pause_for(unsigned ms)
{
    struct pollfd stop = {.fd = proof.stop[0], .events = POLLIN};

    poll(&stop, 1, (int)ms);
}

static int send_bytes(int client, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t n = send(client, bytes, size, MSG_NOSIGNAL);
        if (n <= 0)
            return 0;
        bytes += n;
        size -= (size_t)n;
    }
    return 1;
}

/* 0: the connection is over. */
static int send_answers(int client, const struct text *out, int fault)
{
    struct linger hard = {1, 0};
    size_t half = out->size / 2;
    int on = 1;

    switch (fault) {
    case PROOF_LATE:
        pause_for(atomic_load(&proof.delay_ms));
        return send_bytes(client, out->bytes, out->size);
    case PROOF_HALF_LATE:
        if (!send_bytes(client, out->bytes, half))
            return 0;
        pause_for(atomic_load(&proof.delay_ms));
        return send_bytes(client, out->bytes + half, out->size - half);
    case PROOF_CLOSED:
        return 0;
    case PROOF_HALF_CLOSED:
        (void)send_bytes(client, out->bytes, half);
        setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
        return 0;
    case PROOF_IN_PIECES:
        setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        for (size_t at = 0, n; at < out->size; at += n) {
            n = out->size - at < 7 || at > 300 ? out->size - at : 7;
            if (!send_bytes(client, out->bytes + at, n))
                return 0;
        }
        return 1;
    case PROOF_FROZEN:
        pthread_rwlock_wrlock(&proof.frozen);
        pause_for(atomic_load(&proof.delay_ms));
        pthread_rwlock_unlock(&proof.frozen);
        return send_bytes(client, out->bytes, out->size);
    default:
        return send_bytes(client, out->bytes, out->size);
    }
}

static void *serve(void *argument)
{
    static const char wrong[] = "$5\r\nWRONG\r\n", unknown[] = "+UNKNOWN\r\n";
    int client = *(int *)argument, goes_on = 1;
    struct argument arguments[MAX_ARGUMENTS];
    struct text in = {NULL, 0, 0}, out = {NULL, 0, 0};
    char bytes[65536];

    while (goes_on) {
        ssize_t got = recv(client, bytes, sizeof bytes, 0);
        if (got <= 0)
            break;
        pthread_rwlock_rdlock(&proof.frozen); /* while the server stands still */
        pthread_rwlock_unlock(&proof.frozen);
        add(&in, bytes, (size_t)got);
        size_t n, size, n_commands = 0, last = 0, at = 0;
        int fault = -1;
        out.size = 0;
        while ((size = read_command(in.bytes + at, in.size - at, arguments, &n)) > 0) {
            int is_asking = is(arguments[0], "ASKING");
            int is_greeting = is(arguments[0], "INFO");
            if (n_commands == 0 && !is_greeting)
                fault = draw_fault();
            if (is_asking && fault == PROOF_ASK)
                fault = -1; /* once is enough */
            n_commands += !is_greeting && !is_asking;
            last = out.size;
            add_answer(&out, arguments, n, fault);
            at += size;
        }
        memmove(in.bytes, in.bytes + at, in.size - at);
        in.size -= at;
        if (out.size == 0)
            continue;
        if (n_commands > 1)
            atomic_fetch_add(&proof.n_shared, 1u);
        if (fault == PROOF_ONE_TOO_MANY)
            add(&out, wrong, sizeof wrong - 1);
        if (fault == PROOF_WRONG_TYPE) {
            out.size = last;
            add(&out, unknown, sizeof unknown - 1);
        }
        goes_on = send_answers(client, &out, fault);
    }
    free(in.bytes);
    free(out.bytes);
    shutdown(client, SHUT_RDWR);
    close(client);
    return NULL;
}

static void *listen_for_clients(void *argument)
{
    struct pollfd both[] = {{.fd = proof.listener, .events = POLLIN},
                            {.fd = proof.stop[0], .events = POLLIN}};

    (void)argument;
    for (;;) {
        CHECK(poll(both, 2, -1) > 0);
        if (both[1].revents != 0)
            break;
        struct visitor *visitor = calloc(1, sizeof *visitor);
        CHECK(visitor != NULL);
        visitor->socket = accept(proof.listener, NULL, NULL);
        CHECK(visitor->socket >= 0);
        visitor->next = proof.visitors;
        proof.visitors = visitor;
        CHECK(pthread_create(&visitor->thread, NULL, serve, &visitor->socket) == 0);
    }
    return NULL;
}

uint32_t proof_redis_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    proof.listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK(proof.listener >= 0 && pipe(proof.stop) == 0);
    CHECK(bind(proof.listener, (const struct sockaddr *)&address, size) == 0);
    CHECK(getsockname(proof.listener, (struct sockaddr *)&address, &size) == 0);
    CHECK(listen(proof.listener, 128) == 0);
    CHECK(pthread_create(&proof.thread, NULL, listen_for_clients, NULL) == 0);
    proof.port = ntohs(address.sin_port);
    return proof.port;
}

/* The clients must have closed their connections. */
void proof_redis_stop(void)
{
    CHECK(write(proof.stop[1], "", 1) == 1);
    pthread_join(proof.thread, NULL);
    while (proof.visitors != NULL) {
        struct visitor *visitor = proof.visitors;
        proof.visitors = visitor->next;
        pthread_join(visitor->thread, NULL);
        free(visitor);
    }
    close(proof.listener);
    close(proof.stop[0]);
    close(proof.stop[1]);
}

void proof_redis_misbehave(unsigned per_mille, unsigned faults, unsigned delay_ms, uint64_t seed)
{
    pthread_mutex_lock(&proof.lock);
    proof.random = seed | 1u;
    pthread_mutex_unlock(&proof.lock);
    atomic_store(&proof.per_mille, per_mille);
    atomic_store(&proof.delay_ms, delay_ms);
    atomic_store(&proof.faults, faults);
}

uint64_t proof_redis_count(enum proof_fault fault)
{
    return atomic_load(&proof.counts[fault]);
}

uint64_t proof_redis_count_shared(void)
{
    return atomic_load(&proof.n_shared);
}

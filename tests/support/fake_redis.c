/* tests/support/fake_redis.c - see fake_redis.h. */
#include "tests/support/fake_redis.h"

#include <arpa/inet.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "tests/support/check.h"

static struct {
    pthread_mutex_t lock;
    /* protected by lock */
    const char *hello, *reply;
    size_t hello_size, reply_size;
    enum fake_manner hello_manner, manner;
    int surplus_socket; /* of the client that asked last; -1 = gone */
    /* never change */
    int listener, stop[2];
    uint32_t port;
    pthread_t thread;
} fake = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* 0 if the client has gone. */
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

/* Whether the client may ask again. */
static int answer(int client, const char *bytes, size_t size, enum fake_manner manner)
{
    static const char endless[4096] = {'x'};
    struct linger hard = {1, 0};
    int goes_on = 1;

    if (manner == FAKE_BYTE_BY_BYTE || manner == FAKE_SLOWLY) {
        for (size_t i = 0; i < size && goes_on; i++) {
            goes_on = send_bytes(client, bytes + i, 1);
            if (manner == FAKE_SLOWLY)
                poll(NULL, 0, 10);
        }
        return goes_on;
    }
    goes_on = send_bytes(client, bytes, size);
    while (manner == FAKE_FOR_EVER && goes_on)
        goes_on = send_bytes(client, endless, sizeof endless);
    if (manner == FAKE_THEN_RESET)
        setsockopt(client, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    return manner == FAKE_AT_ONCE && goes_on;
}

/* The size of the first whole command in the buffer, or 0. */
static size_t find_command(const char *bytes, size_t size)
{
    size_t at = 0;
    long n_left = 1, number = 0;

    for (long part = 0; part <= n_left; part++) { /* the head, then each argument */
        const char *end = memchr(bytes + at, '\n', size - at);
        if (end == NULL)
            return 0;
        number = strtol(bytes + at + 1, NULL, 10);
        at = (size_t)(end - bytes) + 1;
        if (part == 0)
            n_left = number;
        else
            at += (size_t)number + 2;
        if (at > size)
            return 0;
    }
    return at;
}

/* Wait until the client has something to say; 0 if it is gone or all is over. */
static int wait_for_client(int client)
{
    struct pollfd both[] = {{.fd = client, .events = POLLIN},
                            {.fd = fake.stop[0], .events = POLLIN}};

    CHECK(poll(both, 2, -1) > 0);
    return both[1].revents == 0;
}

static void serve(int client)
{
    static char copy[1 << 17]; /* the test may go on to the next reply while this one is sent */
    char buffer[65536];
    size_t n = 0, size;
    int n_infos = 0, goes_on = 1;

    while (goes_on && wait_for_client(client)) {
        ssize_t got = recv(client, buffer + n, sizeof buffer - n, 0);
        if (got <= 0)
            return;
        n += (size_t)got;
        while (goes_on && (size = find_command(buffer, n)) > 0) {
            int is_info = size == 26 || size == 24; /* INFO server, INFO memory */
            is_info = is_info && memcmp(buffer + 8, "INFO", 4) == 0;
            n -= size;
            memmove(buffer, buffer + size, n);
            pthread_mutex_lock(&fake.lock);
            const char *bytes = is_info ? fake.hello : fake.reply;
            size_t n_bytes = is_info ? fake.hello_size : fake.reply_size;
            CHECK(n_bytes <= sizeof copy);
            memcpy(copy, bytes, n_bytes);
            enum fake_manner manner = is_info ? fake.hello_manner : fake.manner;
            fake.surplus_socket = client;
            pthread_mutex_unlock(&fake.lock);
            if (!is_info || n_infos++ == 0) /* one answer is for both */
                goes_on = answer(client, copy, n_bytes, manner);
        }
    }
}

static void *run_fake(void *argument)
{
    int client;

    (void)argument;
    while (wait_for_client(fake.listener)) {
        client = accept(fake.listener, NULL, NULL);
        CHECK(client >= 0);
        serve(client);
        pthread_mutex_lock(&fake.lock);
        fake.surplus_socket = -1;
        pthread_mutex_unlock(&fake.lock);
        close(client);
    }
    return NULL;
}

uint32_t fake_redis_start(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    fake.listener = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(bind(fake.listener, (const struct sockaddr *)&address, size), 0);
    CHECK_EQ(listen(fake.listener, 16), 0);
    CHECK_EQ(getsockname(fake.listener, (struct sockaddr *)&address, &size), 0);
    fake.port = ntohs(address.sin_port);
    CHECK_EQ(pipe(fake.stop), 0);
    CHECK_EQ(pthread_create(&fake.thread, NULL, run_fake, NULL), 0);
    return fake.port;
}

void fake_redis_stop(void)
{
    CHECK_EQ(write(fake.stop[1], "x", 1), 1);
    pthread_join(fake.thread, NULL);
    close(fake.stop[0]);
    close(fake.stop[1]);
    close(fake.listener);
}

static void set_greeting(const char *hello, size_t size, enum fake_manner manner)
{
    fake.hello = hello;
    fake.hello_size = size;
    fake.hello_manner = manner;
}

void fake_redis_say(const char *reply, size_t size, enum fake_manner manner)
{
    pthread_mutex_lock(&fake.lock);
    fake.reply = reply;
    fake.reply_size = size;
    fake.manner = manner;
    set_greeting(FAKE_HELLO, sizeof FAKE_HELLO - 1, FAKE_AT_ONCE);
    pthread_mutex_unlock(&fake.lock);
}

void fake_redis_greet(const char *hello, size_t size, enum fake_manner manner)
{
    pthread_mutex_lock(&fake.lock);
    set_greeting(hello, size, manner);
    pthread_mutex_unlock(&fake.lock);
}

void fake_redis_say_unasked(const char *bytes)
{
    int n_on_the_way = 1;

    pthread_mutex_lock(&fake.lock);
    CHECK(fake.surplus_socket >= 0);
    CHECK(send_bytes(fake.surplus_socket, bytes, strlen(bytes)));
    while (n_on_the_way > 0)
        CHECK_EQ(ioctl(fake.surplus_socket, SIOCOUTQ, &n_on_the_way), 0);
    pthread_mutex_unlock(&fake.lock);
}

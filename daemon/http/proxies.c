/* daemon/http/proxies.c - reads Forwarded and X-Forwarded-For from their end.
 *
 * Only entries that proxies of the setting have written are believed: the walk from the last entry
 * to the first ends at the first address that is not a proxy's. It ends at the proxy itself if an
 * entry is no address, because RFC 7239 allows names such as "unknown".
 */
#include "daemon/http/proxies.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool read_address(const char *text, unsigned char out[16])
{
    memset(out, 0, 10);
    memset(out + 10, 0xff, 2);
    return inet_pton(AF_INET, text, out + 12) == 1 || inet_pton(AF_INET6, text, out) == 1;
}

static bool read_network(char *text, struct rd_network *out)
{
    char *slash = strchr(text, '/'), *end = NULL;
    unsigned long n_bits = 128, most;

    if (slash != NULL)
        *slash = '\0';
    if (!read_address(text, out->address))
        return false;
    most = strchr(text, ':') != NULL ? 128 : 32;
    if (slash != NULL) {
        n_bits = strtoul(slash + 1, &end, 10);
        if (slash[1] < '0' || slash[1] > '9' || *end != '\0' || n_bits > most)
            return false;
        n_bits += 128 - most;
    }
    out->n_bits = (unsigned)n_bits;
    return true;
}

const char *rd_proxies_parse(struct rd_proxies *out, const char *text)
{
    out->n = 0;
    out->unix_sockets = false;
    for (text += strspn(text, ", "); *text != '\0'; text += strspn(text, ", ")) {
        char entry[RD_ADDRESS_SIZE + 4];
        size_t size = strcspn(text, ", ");

        if (size == sizeof RD_UNIX_ADDRESS - 1 && strncmp(text, RD_UNIX_ADDRESS, size) == 0) {
            out->unix_sockets = true;
            text += size;
            continue;
        }
        if (size >= sizeof entry || out->n == RD_MAX_PROXIES)
            return text;
        memcpy(entry, text, size);
        entry[size] = '\0';
        if (!read_network(entry, &out->networks[out->n++]))
            return text;
        text += size;
    }
    return NULL;
}

static bool is_in(const struct rd_network *network, const unsigned char address[16])
{
    unsigned n_bytes = network->n_bits / 8, rest = network->n_bits % 8;
    unsigned char mask = (unsigned char)(0xff00u >> rest);

    return memcmp(network->address, address, n_bytes) == 0 &&
           (rest == 0 || ((network->address[n_bytes] ^ address[n_bytes]) & mask) == 0);
}

static bool is_proxy(const struct rd_proxies *proxies, const unsigned char address[16])
{
    for (size_t i = 0; i < proxies->n; i++)
        if (is_in(&proxies->networks[i], address))
            return true;
    return false;
}

static void write_address(const unsigned char address[16], char out[RD_ADDRESS_SIZE])
{
    static const unsigned char v4[12] = {[10] = 0xff, [11] = 0xff};

    if (memcmp(address, v4, sizeof v4) == 0)
        (void)inet_ntop(AF_INET, address + 12, out, RD_ADDRESS_SIZE);
    else
        (void)inet_ntop(AF_INET6, address, out, RD_ADDRESS_SIZE);
}

/* An address, perhaps with a port and then in brackets if it is of IPv6, perhaps in quotes. */
static bool read_node(const char *text, size_t size, unsigned char out[16])
{
    char address[RD_ADDRESS_SIZE];
    const char *end;

    if (size >= 2 && text[0] == '"' && text[size - 1] == '"') {
        text++;
        size -= 2;
    }
    if (size > 0 && text[0] == '[') {
        end = memchr(text, ']', size);
        text++;
    } else {
        end = memchr(text, ':', size);
        if (end == NULL || memchr(end + 1, ':', size - (size_t)(end + 1 - text)) != NULL)
            end = text + size; /* no port: one colon only stands in front of one */
    }
    if (end == NULL || (size_t)(end - text) >= sizeof address)
        return false;
    memcpy(address, text, (size_t)(end - text));
    address[end - text] = '\0';
    return read_address(address, out);
}

/* The value of for= in an element of Forwarded. */
static bool find_for(const char **text, size_t *size)
{
    const char *at = *text, *end = *text + *size;

    while (at < end) {
        size_t n = 0;
        bool quoted = false;

        while (at + n < end && (quoted || at[n] != ';'))
            quoted ^= at[n++] == '"';
        while (n > 0 && (*at == ' ' || *at == '\t')) {
            at++;
            n--;
        }
        if (n > 4 && strncasecmp(at, "for=", 4) == 0) {
            *text = at + 4;
            *size = n - 4;
            return true;
        }
        at += n + 1;
    }
    return false;
}

struct walk {
    const struct rd_proxies *proxies;
    unsigned char address[16]; /* found last; at first the sender's */
};

/* False: the walk ends. */
static bool take(struct walk *walk, const char *text, size_t size)
{
    unsigned char address[16];

    while (size > 0 && (*text == ' ' || *text == '\t')) {
        text++;
        size--;
    }
    while (size > 0 && (text[size - 1] == ' ' || text[size - 1] == '\t'))
        size--;
    if ((walk->proxies->use_forwarded && !find_for(&text, &size)) ||
        !read_node(text, size, address))
        return false;
    memcpy(walk->address, address, sizeof address);
    return is_proxy(walk->proxies, address);
}

/* The elements of one header, from the last on. Quoted texts have no commas that matter: an address
 * has none. */
static bool walk_value(struct walk *walk, const char *value)
{
    const char *end = value + strlen(value);

    for (;;) {
        const char *begin = end;

        while (begin > value && begin[-1] != ',')
            begin--;
        if (!take(walk, begin, (size_t)(end - begin)))
            return false;
        if (begin == value)
            return true;
        end = begin - 1;
    }
}

/* Has a proxy sent the request? If so, where the walk begins. */
static bool begin(struct walk *walk, const char *sender)
{
    memset(walk->address, 0, sizeof walk->address);
    if (strcmp(sender, RD_UNIX_ADDRESS) == 0)
        return walk->proxies->unix_sockets;
    return walk->proxies->n > 0 && read_address(sender, walk->address) &&
           is_proxy(walk->proxies, walk->address);
}

void rd_proxies_find_client(const struct rd_proxies *proxies, const struct rd_head *head,
                            char out[RD_ADDRESS_SIZE])
{
    static const unsigned char nobody[16];
    struct walk walk = {.proxies = proxies};
    const char *name = proxies->use_forwarded ? "Forwarded" : "X-Forwarded-For";

    if (!begin(&walk, out))
        return;
    for (size_t i = head->n_headers; i-- > 0;)
        if (strcasecmp(head->headers[i].name, name) == 0 &&
            !walk_value(&walk, head->headers[i].value))
            break;
    if (memcmp(walk.address, nobody, sizeof nobody) != 0)
        write_address(walk.address, out);
}

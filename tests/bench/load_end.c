#define _GNU_SOURCE /* accept4 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "load.h"

enum { EVENTS = 256, BACKLOG = 4096, TICKET_KEYS = 80 };

static int poll_fd = -1;
static int listen_fd = -1;
static SSL_CTX *context;
static struct end *dead;
static char cipher[64];
static uint64_t resumed;

static void ends_load_tls(void)
{
    int group = NID_X9_62_prime256v1;
    bool serves = !options.from_server && options.serial < 0;
    context = SSL_CTX_new(serves ? TLS_server_method() : TLS_client_method());
    if (context == NULL || SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set1_groups(context, &group, 1) != 1 ||
        SSL_CTX_use_certificate_chain_file(context, options.certificate) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, options.key, SSL_FILETYPE_PEM) != 1 ||
        SSL_CTX_load_verify_locations(context, options.ca, NULL) != 1) {
        load_fail("the certificates cannot be used", "");
    }
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
    (void)SSL_CTX_set_session_id_context(context, (const unsigned char *)"bench", 5);
    /* The leaf alone, as a well set up server sends it: the root is at the peer already. */
    (void)SSL_CTX_set_mode(context, SSL_MODE_NO_AUTO_CHAIN | SSL_MODE_ENABLE_PARTIAL_WRITE |
                                        SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                        SSL_MODE_RELEASE_BUFFERS);
}

static struct sockaddr_in at_port(unsigned port)
{
    return (struct sockaddr_in){.sin_family = AF_INET,
                                .sin_port = htons((uint16_t)port),
                                .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static void watch(int operation, struct end *e, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = e};
    if (epoll_ctl(poll_fd, operation, fd, &event) != 0) {
        load_fail("epoll", strerror(errno));
    }
}

void ends_open(void)
{
    poll_fd = epoll_create1(EPOLL_CLOEXEC);
    ends_load_tls();
    if (options.serial >= 0) {
        return;
    }
    const int on = 1;
    struct sockaddr_in here = at_port(options.far_port);
    listen_fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    (void)setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (bind(listen_fd, (const struct sockaddr *)&here, sizeof here) != 0 ||
        listen(listen_fd, BACKLOG) != 0) {
        load_fail("cannot listen", strerror(errno));
    }
    watch(EPOLL_CTL_ADD, NULL, listen_fd, EPOLLIN);
}

static struct end *end_new(int fd, bool is_caller)
{
    struct end *e = calloc(1, sizeof *e);
    if (e == NULL) {
        load_fail("no memory", "");
    }
    e->fd = fd;
    e->is_caller = is_caller;
    e->is_secure = !options.plain && is_caller == (options.from_server || options.serial >= 0);
    if (e->is_secure) {
        e->ssl = SSL_new(context);
        if (e->ssl == NULL || SSL_set_fd(e->ssl, fd) != 1) {
            load_fail("no memory", "");
        }
        if (is_caller) {
            SSL_set_connect_state(e->ssl);
        } else {
            SSL_set_accept_state(e->ssl);
        }
    }
    return e;
}

static void end_set_up(int fd)
{
    const int on = 1;
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

struct end *end_of_fd(int fd)
{
    struct end *e = end_new(fd, false);
    watch(EPOLL_CTL_ADD, e, fd, EPOLLIN);
    return e;
}

void end_call(struct link *l)
{
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
    struct sockaddr_in there = at_port(options.near_port + l->number % options.near_ports);
    if (fd < 0) {
        load_fail("cannot make a socket", strerror(errno));
    }
    end_set_up(fd);
    if (connect(fd, (const struct sockaddr *)&there, sizeof there) != 0 && errno != EINPROGRESS) {
        load_fail("cannot dial", strerror(errno));
    }
    l->near = end_new(fd, true);
    l->near->link = l;
    l->near->connecting = true;
    l->near->wants_write = true;
    watch(EPOLL_CTL_ADD, l->near, fd, EPOLLIN | EPOLLOUT);
}

static void ends_accept(void)
{
    for (;;) {
        int fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
        if (fd < 0) {
            if (errno != EAGAIN && errno != ECONNABORTED) {
                load_fail("cannot accept", strerror(errno));
            }
            return;
        }
        end_set_up(fd);
        watch(EPOLL_CTL_ADD, end_new(fd, false), fd, EPOLLIN);
    }
}

void end_close(struct end *e, bool cut)
{
    if (e->closed) {
        return;
    }
    e->closed = true;
    if (e->ssl != NULL) {
        if (!cut) {
            (void)SSL_shutdown(e->ssl);
        }
        SSL_free(e->ssl);
    }
    ERR_clear_error();
    (void)close(e->fd);
    free(e->late);
    /* Events of this turn may still name it. */
    e->next = dead;
    dead = e;
}

static void end_want_write(struct end *e, bool wanted)
{
    if (e->wants_write != wanted) {
        e->wants_write = wanted;
        watch(EPOLL_CTL_MOD, e, e->fd, EPOLLIN | (wanted ? (uint32_t)EPOLLOUT : 0U));
    }
}

/* Bytes done; 0: not now; -1: it is over. */
static ssize_t end_result(struct end *e, ssize_t result)
{
    if (result > 0) {
        return result;
    }
    if (e->ssl == NULL) {
        return result < 0 && errno == EAGAIN ? 0 : -1;
    }
    int error = SSL_get_error(e->ssl, (int)result);
    return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

static ssize_t end_write(struct end *e, const uint8_t *data, size_t len)
{
    ERR_clear_error();
    return end_result(e,
                      e->ssl != NULL ? SSL_write(e->ssl, data, (int)len) : write(e->fd, data, len));
}

void end_send(struct end *e, const uint8_t *data, size_t len)
{
    ssize_t done = e->late_len == 0 ? end_write(e, data, len) : 0;
    if (done < 0) {
        return; /* reading tells that it is over */
    }
    if ((size_t)done == len) {
        return;
    }
    size_t rest = len - (size_t)done;
    uint8_t *more = realloc(e->late, e->late_len + rest);
    if (more == NULL) {
        load_fail("no memory", "");
    }
    memcpy(more + e->late_len, data + done, rest);
    e->late = more;
    e->late_len += rest;
    end_want_write(e, true);
}

void end_stream(struct end *e)
{
    while (e->sent < e->to_send) {
        uint64_t rest = e->to_send - e->sent;
        ssize_t done = end_write(e, pattern + e->sent % PATTERN, rest < IO_MAX ? rest : IO_MAX);
        if (done <= 0) {
            break;
        }
        e->sent += (uint64_t)done;
    }
    end_want_write(e, e->sent < e->to_send);
}

static void end_flush(struct end *e)
{
    if (e->late_len > 0) {
        ssize_t done = end_write(e, e->late, e->late_len);
        if (done > 0) {
            e->late_len -= (size_t)done;
            memmove(e->late, e->late + done, e->late_len);
        }
    }
    if (e->late_len == 0) {
        end_stream(e); /* or nothing: then no more events for writing */
    }
}

/* A caller is connected, and secure if it has to be: it says which link it is. */
static void end_greet(struct end *e)
{
    uint8_t hello[GREETING] = "bnch";
    memcpy(hello + 4, &e->link->number, sizeof e->link->number);
    e->connecting = false;
    end_want_write(e, false);
    if (options.work != WORK_MODBUS) {
        end_send(e, hello, sizeof hello);
    } else {
        work_data(e, hello, sizeof hello); /* nobody would answer a greeting */
    }
}

static void end_note_tls(struct end *e)
{
    resumed += SSL_session_reused(e->ssl) != 0 ? 1U : 0U;
    const char *name = SSL_get_cipher_name(e->ssl);
    memcpy(cipher, name, strnlen(name, sizeof cipher - 1));
}

/* True once bytes may pass. */
static bool end_shake(struct end *e)
{
    if (e->ssl != NULL && SSL_in_init(e->ssl)) {
        ERR_clear_error();
        int done = SSL_do_handshake(e->ssl);
        if (done != 1) {
            int error = SSL_get_error(e->ssl, done);
            if (error == SSL_ERROR_WANT_READ) {
                end_want_write(e, false);
            } else {
                work_gone(e);
            }
            return false;
        }
        end_note_tls(e);
    }
    if (e->connecting) {
        end_greet(e);
    }
    return true;
}

static void end_read(struct end *e)
{
    static uint8_t in[IO_MAX];
    while (!e->closed) {
        ERR_clear_error();
        ssize_t got = end_result(e, e->ssl != NULL ? SSL_read(e->ssl, in, sizeof in)
                                                   : read(e->fd, in, sizeof in));
        if (got < 0) {
            work_gone(e);
            return;
        }
        if (got > 0) {
            work_data(e, in, (size_t)got);
        }
        /* A plain socket that gave less than was asked for is empty. */
        if (got == 0 || (e->ssl == NULL && (size_t)got < sizeof in)) {
            return;
        }
    }
}

static void end_event(struct end *e, uint32_t events)
{
    if (e->closed || !end_shake(e) || e->closed) {
        return;
    }
    if ((events & EPOLLOUT) != 0) {
        end_flush(e);
    }
    if (!e->closed && (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0) {
        end_read(e);
    }
}

void ends_turn(int timeout_ms)
{
    struct epoll_event events[EVENTS];
    int count = epoll_wait(poll_fd, events, EVENTS, timeout_ms);
    for (int i = 0; i < count; i++) {
        if (events[i].data.ptr == NULL) {
            ends_accept();
        } else {
            end_event(events[i].data.ptr, events[i].events);
        }
    }
    while (dead != NULL) {
        struct end *e = dead;
        dead = e->next;
        free(e);
    }
}

const char *ends_cipher(void)
{
    return cipher;
}

void ends_forget_tickets(void)
{
    unsigned char keys[TICKET_KEYS];
    if (RAND_bytes(keys, sizeof keys) != 1 ||
        SSL_CTX_set_tlsext_ticket_keys(context, keys, sizeof keys) != 1) {
        load_fail("there are no new keys for tickets", "");
    }
    resumed = 0;
}

uint64_t ends_resumed(void)
{
    return resumed;
}

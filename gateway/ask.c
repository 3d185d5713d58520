#include "gateway/ask.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "certs/mem.h"
#include "conf/conf.h"
#include "gateway/command.h"
#include "gateway/control.h"
#include "protocols/bytes.h"

/* 10,000 devices take about 12 MB. */
enum { ANSWER_FIRST = 16384, ANSWER_MAX = 64 * 1024 * 1024 };

static int fail_connect(const char *path, int error, struct fault *f)
{
    if (error == ENOENT || error == ECONNREFUSED) {
        return fault_set(f, FAULT_REFUSED, FAULT_SIDE_SELF, "no gateway runs with control socket ",
                         path);
    }
    if (error == EACCES || error == EPERM) {
        (void)fault_set(f, FAULT_OPEN, FAULT_SIDE_SELF, "not allowed to open ", path);
        fault_add(f, "; its owner and group may");
        return FAULT_OPEN;
    }
    (void)fault_set(f, error == EAGAIN ? FAULT_TIMEOUT : FAULT_IO, FAULT_SIDE_SELF, path, ": ");
    fault_add(f, strerror(error));
    return f->code;
}

static int fail_io(const char *path, int error, struct fault *f)
{
    if (error == EAGAIN || error == EWOULDBLOCK) {
        return fault_set(f, FAULT_TIMEOUT, FAULT_SIDE_SELF, "the gateway does not answer at ",
                         path);
    }
    (void)fault_set(f, FAULT_IO, FAULT_SIDE_SELF, path, ": ");
    fault_add(f, strerror(error));
    return FAULT_IO;
}

/* Connect with time limits. The descriptor, or -1. */
static int dial(const char *path, unsigned wait_s, struct fault *f)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    struct timeval limit = {.tv_sec = (time_t)wait_s};
    if (strlen(path) >= sizeof(to.sun_path)) {
        (void)fault_set(f, FAULT_OPEN, FAULT_SIDE_CONFIGURATION,
                        "the control socket's path is too long: ", path);
        return -1;
    }
    memcpy(to.sun_path, path, strlen(path) + 1);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        (void)fail_io(path, errno, f);
        return -1;
    }
    if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) != 0 ||
        setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) != 0 ||
        connect(fd, (const struct sockaddr *)&to, sizeof(to)) != 0) {
        (void)fail_connect(path, errno, f);
        (void)close(fd); /* nothing was written */
        return -1;
    }
    return fd;
}

static int send_request(int fd, const char *path, const char *request, struct fault *f)
{
    char line[CONTROL_REQUEST_MAX + 1];
    size_t len = strlen(request) + 1;
    if (len > CONTROL_REQUEST_MAX) {
        return fault_set(f, FAULT_TOO_LONG, FAULT_SIDE_SELF, "the request is too long", NULL);
    }
    (void)snprintf(line, sizeof(line), "%s\n", request);
    /* A request is shorter than any socket buffer: it goes as a whole or not at all. */
    if (send(fd, line, len, MSG_NOSIGNAL) != (ssize_t)len) {
        return fail_io(path, errno, f);
    }
    return 0;
}

/* Append; the NUL behind is always there, because memory comes zeroed. 0, or a fault. */
static int put_piece(struct room *to, struct span piece, struct fault *f)
{
    while (room_left(to) < piece.len + 1) {
        size_t more = to->cap == 0 ? ANSWER_FIRST : 2 * to->cap;
        if (more > ANSWER_MAX) {
            return fault_set(f, FAULT_TOO_LONG, FAULT_SIDE_SELF, "the answer is far too long",
                             NULL);
        }
        void *longer = to->cap == 0 ? mem_new(more, 1) : mem_grow(to->data, to->cap, more, 1);
        if (longer == NULL) {
            return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "out of memory", NULL);
        }
        to->data = longer;
        to->cap = more;
    }
    (void)room_put(to, piece); /* there is room */
    return 0;
}

static char *read_answer(int fd, const char *path, struct fault *f)
{
    char piece[4096];
    struct room text = room_of(NULL, 0);
    ssize_t n = 0;
    for (;;) {
        n = recv(fd, piece, sizeof(piece), 0);
        if (n <= 0) {
            break;
        }
        if (put_piece(&text, span_of(piece, (size_t)n), f) != 0) {
            goto free_text;
        }
    }
    uint8_t last = 0;
    if (n < 0) {
        (void)fail_io(path, errno, f);
        goto free_text;
    }
    if (text.len == 0 || !span_at(room_span(&text), text.len - 1, &last) || last != '\n') {
        (void)fault_set(f, FAULT_CLOSED, FAULT_SIDE_SELF, "the gateway ended while it was asked",
                        NULL);
        goto free_text;
    }
    return (char *)text.data;
free_text:
    mem_free(text.data);
    return NULL;
}

char *ask_path(const char *path, const char *request, unsigned wait_s, struct fault *f)
{
    int fd = dial(path, wait_s, f);
    if (fd < 0) {
        return NULL;
    }
    char *answer = NULL;
    if (send_request(fd, path, request, f) == 0) {
        answer = read_answer(fd, path, f);
    }
    (void)close(fd); /* nothing is on its way any more */
    return answer;
}

char *ask_gateway(const char *conf_path, const char *command, const char *request, unsigned wait_s,
                  int *exit_code)
{
    struct fault f = {.code = FAULT_NONE};
    struct problems *problems = problems_new();
    char *path = problems != NULL ? conf_find_control(conf_path, problems) : NULL;
    char *answer = NULL;
    if (path == NULL) {
        for (size_t i = 0; problems != NULL && i < problems_count(problems); i++) {
            (void)fprintf(stderr, "%s\n", problems_text(problems, i));
        }
        *exit_code = problems != NULL ? COMMAND_CONFIG : COMMAND_INTERNAL;
        goto free_problems;
    }
    answer = ask_path(path, request, wait_s, &f);
    if (answer == NULL) {
        const char *advice = f.code == FAULT_REFUSED ? "; start it with 'systemctl start wardgate'"
                                                     : "";
        (void)fprintf(stderr, "wardgate %s: %s%s\n", command, f.note, advice);
        *exit_code = f.code == FAULT_MEMORY ? COMMAND_INTERNAL : COMMAND_UNAVAILABLE;
    }
free_problems:
    mem_free(path);
    problems_free(problems);
    return answer;
}

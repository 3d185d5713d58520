#include "tests/unit/gateway/capture.h"

#include <stdio.h>
#include <unistd.h>

#include <criterion/criterion.h>

void capture_start(struct capture *c, int fd)
{
    int ends[2];
    cr_assert_eq(pipe(ends), 0);
    (void)fflush(stdout);
    c->fd = fd;
    c->reader = ends[0];
    c->saved = dup(fd);
    c->len = 0;
    cr_assert_geq(dup2(ends[1], fd), 0);
    close(ends[1]);
}

const char *capture_end(struct capture *c)
{
    (void)fflush(stdout);
    dup2(c->saved, c->fd);
    close(c->saved);
    ssize_t n = 0;
    do {
        c->len += (size_t)n;
        n = read(c->reader, c->text + c->len, sizeof(c->text) - 1 - c->len);
    } while (n > 0);
    c->text[c->len] = '\0';
    close(c->reader);
    return c->text;
}

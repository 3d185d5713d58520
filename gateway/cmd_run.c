#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "certs/mem.h"
#include "certs/tls.h"
#include "conf/conf.h"
#include "gateway/command.h"
#include "gateway/log.h"
#include "gateway/service.h"

static int exit_code_of(enum fault_code code)
{
    return code == FAULT_MEMORY || code == FAULT_INTERNAL ? COMMAND_INTERNAL : COMMAND_UNAVAILABLE;
}

static struct conf *load(const char *path, int *exit_code)
{
    struct problems *problems = problems_new();
    struct conf *conf = problems != NULL ? conf_load(path, io_wall_s(), problems) : NULL;
    *exit_code = problems != NULL ? COMMAND_CONFIG : COMMAND_INTERNAL;
    for (size_t i = 0; conf == NULL && i < problems_count(problems); i++) {
        const struct log_field fields[] = {LOG_TEXT("problem", problems_text(problems, i))};
        log_event(CONF_LOG_ERROR, NULL, "configuration", fields, 1);
    }
    problems_free(problems);
    return conf;
}

/* Names are resolved on libuv's threads, each for seconds when a name server is silent, and a
 * reload reads its files there: with libuv's usual 4 the ones would wait for the others. The pool
 * is made at its first use; an administrator's own value is kept. */
static void size_pool(const struct conf *conf)
{
    enum { POOL_MIN = 4, POOL_MAX = 64 };

    char text[16];
    size_t threads = POOL_MIN;
    for (size_t i = 0; i < conf->device_count && threads < POOL_MAX; i++) {
        const struct conf_device *d = &conf->devices[i];
        threads += !d->listens || d->port.kind == CONF_PORT_TCP;
    }
    (void)snprintf(text, sizeof(text), "%zu", threads);
    (void)setenv("UV_THREADPOOL_SIZE", text, 0); /* fails without memory: then libuv's own value */
}

static int run(struct io *io, const char *path)
{
    struct fault f;
    int exit_code = COMMAND_OK;
    struct conf *conf = load(path, &exit_code);
    if (conf == NULL) {
        return exit_code;
    }
    log_setup(conf->gateway.log_format, conf->gateway.log_level);
    log_warnings(conf->warnings);
    size_pool(conf);
    if (service_run(io, conf, &f) != 0) {
        log_fault(CONF_LOG_ERROR, NULL, "cannot-start", &f);
        return exit_code_of(f.code);
    }
    log_event(CONF_LOG_INFO, NULL, "stopped", NULL, 0);
    return COMMAND_OK;
}

int cmd_run(const struct command_options *options)
{
    struct fault f;
    struct io *io = mem_new(1, sizeof(*io));
    if (io == NULL || io_init(io, &f) != 0) {
        (void)fprintf(stderr, "wardgate run: no memory for the event loop\n");
        mem_free(io);
        return COMMAND_INTERNAL;
    }
    int exit_code = COMMAND_INTERNAL;
    /* A peer that went away is an error of one write, not the end of the process. */
    (void)signal(SIGPIPE, SIG_IGN); /* cannot fail for this signal */
    /* Who asks for a reload while we still read the file must not end us. */
    (void)signal(SIGHUP, SIG_IGN); /* cannot fail either */
    if (tls_init(&f) != 0) {
        log_fault(CONF_LOG_ERROR, NULL, "cannot-start", &f);
    } else {
        exit_code = run(io, options->conf_path);
        tls_deinit();
    }
    if (io_deinit(io) != 0) {
        log_event(CONF_LOG_ERROR, NULL, "internal-error",
                  (const struct log_field[]){LOG_TEXT("note", "a handle was left open")}, 1);
        exit_code = COMMAND_INTERNAL;
    }
    mem_free(io);
    return exit_code;
}

#include "gateway/service.h"

#include <signal.h>
#include <stdio.h>

#include <uv.h>

#include "certs/mem.h"
#include "gateway/control.h"
#include "gateway/gateway.h"
#include "gateway/log.h"
#include "gateway/notify.h"
#include "gateway/orders.h"
#include "gateway/reload.h"
#include "gateway/stall.h"
#include "gateway/status_desk.h"

enum { SIGNALS = 3 };

static const int signal_numbers[SIGNALS] = {SIGTERM, SIGINT, SIGHUP};

struct service {
    struct io *io;
    struct gateway *gateway;
    struct control *control;
    struct control_path path;
    struct notify notify;
    struct reload reload;
    uv_signal_t signals[SIGNALS];
    uv_timer_t watchdog;
    struct stall stall;
    struct status_desk status;
    bool stopping;
    bool stopped; /* the gateway is; what is left closes */
};

/* ---- the end ---- */

static void on_control_closed(void *owner)
{
    (void)owner; /* the loop ends by itself when the last handle is closed */
}

static void on_gateway_stopped(void *owner)
{
    struct service *s = owner;
    s->stopped = true;
    if (s->control != NULL) {
        control_close(s->control);
    }
    status_desk_close(&s->status);
    for (size_t i = 0; i < SIGNALS; i++) {
        uv_close((uv_handle_t *)&s->signals[i], NULL);
    }
    uv_close((uv_handle_t *)&s->watchdog, NULL);
    stall_close(&s->stall);
}

/* The first time: drain. Again: at once. */
static void stop_service(struct service *s)
{
    if (s->stopped) {
        return;
    }
    if (!s->stopping) {
        s->stopping = true;
        notify_send(&s->notify, "STOPPING=1\nSTATUS=draining");
        reload_abandon(&s->reload);
    }
    gateway_stop(s->gateway, on_gateway_stopped, s);
}

/* ---- reload ---- */

static void tell_state(const struct service *s, const char *first)
{
    char lines[160];
    (void)snprintf(lines, sizeof(lines), "%sSTATUS=generation %llu", first,
                   (unsigned long long)gateway_generation(s->gateway));
    notify_send(&s->notify, lines);
}

static void on_reloaded(void *owner)
{
    struct service *s = owner;
    if (!s->stopping) {
        tell_state(s, "READY=1\n");
    }
}

/* client: who asked, or NULL for a signal. */
static void start_reload(struct service *s, struct control_client *client)
{
    if (s->stopping) {
        reload_refuse(client, "the gateway is stopping");
        return;
    }
    if (reload_start(&s->reload, s->gateway, client)) {
        notify_reloading(&s->notify);
    }
}

/* ---- what comes from outside ---- */

static void on_signal(uv_signal_t *handle, int number)
{
    struct service *s = handle->data;
    if (uv_is_closing((uv_handle_t *)handle) != 0) {
        return;
    }
    if (number == SIGHUP) {
        start_reload(s, NULL);
        return;
    }
    const struct log_field fields[] = {
        LOG_TEXT("signal", number == SIGTERM ? "TERM" : "INT"),
        LOG_TEXT("how", s->stopping ? "at-once" : "drain"),
    };
    log_event(CONF_LOG_INFO, NULL, "stop", fields, 2);
    stop_service(s);
}

static void on_watchdog(uv_timer_t *timer)
{
    const struct service *s = timer->data;
    if (uv_is_closing((uv_handle_t *)timer) == 0) {
        notify_send(&s->notify, "WATCHDOG=1");
    }
}

/* What would carry an order out is ending, too. */
static void take_order(struct service *s, struct control_client *client, enum control_request what,
                       struct span arguments)
{
    if (s->stopping) {
        orders_refuse(client, what, "the gateway is stopping");
    } else {
        orders_take(gateway_revocation(s->gateway), client, what, arguments);
    }
}

static void on_request(void *owner, struct control_client *client, enum control_request what,
                       struct span arguments)
{
    struct service *s = owner;
    switch (what) {
    case CONTROL_STATUS:
        status_desk_ask(&s->status, client);
        return;
    case CONTROL_RELOAD:
        start_reload(s, client);
        return;
    case CONTROL_REFRESH:
    case CONTROL_BLOCK:
    case CONTROL_UNBLOCK:
    case CONTROL_BREAK_GLASS:
        take_order(s, client, what, arguments);
        return;
    }
}

static const struct control_events control_events = {on_request, on_control_closed};

/* ---- the beginning ---- */

/* 0, or a fault; the handles are to be closed either way. */
static int start_handles(struct service *s, struct fault *f)
{
    int error = 0;
    stall_open(&s->stall, s->io, NULL, NULL);
    status_desk_open(&s->status, s->io, s->gateway, &s->stall);
    for (size_t i = 0; i < SIGNALS; i++) {
        int failed = uv_signal_init(&s->io->loop, &s->signals[i]);
        s->signals[i].data = s;
        failed = failed == 0 ? uv_signal_start(&s->signals[i], on_signal, signal_numbers[i])
                             : failed;
        error = error == 0 ? failed : error;
    }
    (void)uv_timer_init(&s->io->loop, &s->watchdog); /* cannot fail */
    s->watchdog.data = s;
    if (s->notify.watchdog_ms > 0) {
        (void)uv_timer_start(&s->watchdog, on_watchdog, s->notify.watchdog_ms,
                             s->notify.watchdog_ms); /* fails for a closing handle only */
    }
    if (error != 0) {
        return fault_set(f, FAULT_IO, FAULT_SIDE_SELF, "signals: ", uv_strerror(error));
    }
    return 0;
}

static int start_control(struct service *s, struct fault *f)
{
    s->control = control_open(s->io, &s->path, &control_events, s);
    if (s->control == NULL) {
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory for the control socket",
                         NULL);
    }
    return 0;
}

static void log_start(const struct conf *conf)
{
    const struct log_field fields[] = {
        LOG_TEXT("name", conf->gateway.name),       LOG_TEXT("version", WARDGATE_VERSION),
        LOG_NUMBER("devices", conf->device_count),  LOG_TEXT("config", conf->path),
        LOG_TEXT("control", conf->gateway.control),
    };
    log_event(CONF_LOG_INFO, NULL, "start", fields, sizeof(fields) / sizeof(fields[0]));
}

/* The gateway exists: everything around it, and then the loop until all is closed. */
static int run_gateway(struct service *s, struct fault *f)
{
    notify_open(&s->notify);
    reload_init(&s->reload, s->io, on_reloaded, s);
    int code = start_handles(s, f);
    code = code == 0 ? start_control(s, f) : code;
    if (code == 0) {
        gateway_start(s->gateway);
        tell_state(s, "READY=1\n");
    } else {
        stop_service(s);
    }
    (void)uv_run(&s->io->loop, UV_RUN_DEFAULT); /* ends when nothing is open: see io_deinit */
    control_free(s->control);
    notify_close(&s->notify);
    return code;
}

int service_run(struct io *io, struct conf *conf, struct fault *f)
{
    struct service *s = mem_new(1, sizeof(*s));
    if (s == NULL) {
        conf_free(conf);
        return fault_set(f, FAULT_MEMORY, FAULT_SIDE_SELF, "no memory", NULL);
    }
    /* First of all: who starts a second gateway by mistake should read that, not "address in use".
     */
    int code = control_path_take(&s->path, conf->gateway.control, f);
    if (code != 0) {
        conf_free(conf);
        mem_free(s);
        return code;
    }
    s->io = io;
    log_start(conf);
    s->gateway = gateway_new(io, conf, f);
    code = s->gateway != NULL ? run_gateway(s, f) : (int)f->code;
    if (s->control == NULL) {
        control_path_remove(&s->path);
        control_path_release(&s->path);
    }
    gateway_free(s->gateway);
    mem_free(s);
    return code;
}

/* Whether the right device is on the port: until that is known, it has no TLS identity. */
#include <stdio.h>
#include <string.h>

#include "gateway/device_private.h"
#include "gateway/log.h"
#include "gateway/usb_serial.h"

static void device_binding_on_change(void *owner);
static void device_binding_on_closed(void *owner);

bool device_binding_start(struct device *d)
{
    const struct conf_device *conf = d->host.conf;
    if (conf->expect_count == 0) {
        return true;
    }
    const struct binding_settings settings = {
        .io = d->settings.io,
        .conf = conf,
        .bus = d->host.bus,
        .sysfs = d->settings.sysfs != NULL ? d->settings.sysfs : USB_SERIAL_SYSFS,
        .on_change = device_binding_on_change,
        .on_closed = device_binding_on_closed,
        .owner = d,
    };
    d->binding = binding_new(&settings);
    if (d->binding == NULL) {
        return false;
    }
    d->binding_open = true;
    /* A line that others use already tells nothing new. */
    if (d->host.bus != NULL && bus_device_fault(d->host.bus) == NULL) {
        device_binding_on_port(d, true);
    }
    return true;
}

/* End the links for which `which` is true. */
static void device_binding_cut(struct device *d, bool (*which)(const struct session *s),
                               const struct fault *f)
{
    struct session *next = NULL;
    for (struct session *s = d->sessions; s != NULL; s = next) {
        next = *session_next_slot(s);
        if (which(s)) {
            session_break(s, f);
        }
    }
}

/* On its way up: it has shown the certificate to nobody who matters, and shall not now. */
static bool is_coming_up(const struct session *s)
{
    return session_is_alive(s) && session_state(s) != SESSION_STATE_UP;
}

static void device_binding_unbind(struct device *d)
{
    d->host.is_unbound = true;
    if (d->host.bus != NULL) {
        bus_device_hold(d->host.bus, true);
    }
}

/* Links that are up stay while it is asked, and the bus lets none of their requests pass: a device
 * that closes an idle connection is back in a moment. */
void device_binding_on_port(struct device *d, bool is_up)
{
    if (d->binding == NULL) {
        return;
    }
    device_binding_unbind(d);
    if (is_up) {
        binding_port_up(d->binding);
        return;
    }
    binding_port_down(d->binding);
    d->was_stranger = false;
    struct fault f = {0};
    fault_set(&f, FAULT_GONE, FAULT_SIDE_DEVICE, "the device is not there", NULL);
    device_binding_cut(d, is_coming_up, &f);
}

void device_binding_doubt(struct device *d)
{
    if (d->binding != NULL) {
        device_binding_unbind(d);
        binding_doubt(d->binding);
    }
}

const struct fault *device_binding_fault(const struct device *d)
{
    static const struct fault away = {
        .code = FAULT_GONE, .side = FAULT_SIDE_DEVICE, .note = "the device is not there"};
    bool has_fault = d->binding != NULL && binding_fault(d->binding)->code != FAULT_NONE;
    return has_fault ? binding_fault(d->binding) : &away;
}

/* The device is there: its links may come up. A back-off that runs is waited out. */
static void device_binding_resume(struct device *d)
{
    struct session *next = NULL;
    if (d->port != NULL) {
        device_port_use(d);
        return;
    }
    for (struct session *s = d->sessions; s != NULL; s = next) {
        next = *session_next_slot(s);
        enum session_state state = session_state(s);
        if (state == SESSION_STATE_DOWN ||
            (state == SESSION_STATE_WAITING && session_wait_left_ms(s) == 0)) {
            session_start(s);
        }
    }
}

static void device_binding_on_bound(struct device *d)
{
    struct endpoint *ep = d->port != NULL ? port_endpoint(d->port) : NULL;
    if (ep != NULL && d->was_stranger) {
        d->host.up.lost += endpoint_discard_input(ep);
    }
    d->was_stranger = false;
    d->host.is_unbound = false;
    if (d->host.bus != NULL) {
        bus_device_hold(d->host.bus, false);
    }
    log_event(CONF_LOG_INFO, d->host.conf->name, "device-identified", NULL, 0);
    device_binding_resume(d);
}

static void device_binding_on_change(void *owner)
{
    struct device *d = owner;
    if (d->stopping) {
        return;
    }
    if (binding_state(d->binding) == BINDING_BOUND) {
        device_binding_on_bound(d);
        return;
    }
    struct fault f = *device_binding_fault(d);
    d->was_stranger = true;
    device_binding_unbind(d);
    device_note_fault(d, &f);
    log_fault(CONF_LOG_WARNING, d->host.conf->name,
              f.code == FAULT_STRANGER ? "device-stranger" : "device-unidentified", &f);
    device_binding_cut(d, session_is_alive, &f);
}

static void device_binding_on_closed(void *owner)
{
    struct device *d = owner;
    d->binding_open = false;
    device_check_stopped(d);
}

void device_binding_snapshot(const struct device *d, struct snapshot_device *out)
{
    const struct fault *f = device_binding_fault(d);
    if (f->code == FAULT_STRANGER) {
        (void)snprintf(out->state, sizeof(out->state), "stranger");
        (void)snprintf(out->words, sizeof(out->words), "%s: %.120s", fault_text(f), f->note);
    } else {
        (void)snprintf(out->state, sizeof(out->state), "unidentified");
        (void)snprintf(out->words, sizeof(out->words), "waiting for the device to identify itself");
    }
}

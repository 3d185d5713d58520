/* A device that is a Modbus master: its one link is always wanted, and it is answered without. */
#include "gateway/device_private.h"
#include "gateway/log.h"

static void device_master_on_port(void *owner, const struct fault *f)
{
    device_tell_port(owner, f);
}

static void device_master_on_note(void *owner, const char *event, const char *note)
{
    device_tell_note(owner, event, note);
}

static void device_master_on_closed(void *owner)
{
    struct device *d = owner;
    d->port_closed = true;
    device_check_stopped(d);
}

bool device_master_start(struct device *d)
{
    static const struct master_events events = {
        .on_port = device_master_on_port,
        .on_note = device_master_on_note,
        .on_closed = device_master_on_closed,
    };
    d->host.master = master_new(d->settings.io, d->host.conf, &events, d);
    d->port_closed = d->host.master == NULL;
    return d->host.master != NULL;
}

bool device_master_take(struct device *d, struct endpoint *local)
{
    if (!d->stopping && !d->broken && master_take(d->host.master, local)) {
        struct log_field field = LOG_TEXT("peer", endpoint_peer(local));
        log_event(CONF_LOG_INFO, d->host.conf->name, "master-there", &field, 1);
        return true;
    }
    device_log_refused(d, endpoint_peer(local), FAULT_LIMIT, FAULT_SIDE_DEVICE,
                       "max_links is reached");
    return false;
}

void device_master_snapshot(const struct device *d, struct snapshot_device *out)
{
    if (d->host.master != NULL) {
        out->is_master = true;
        out->masters = master_count(d->host.master);
        device_bus_snapshot_requests(master_counters(d->host.master), out);
    }
}

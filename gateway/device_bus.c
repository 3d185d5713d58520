/* A Modbus device at its bus: what it logs of each write, and what status shows of the line. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "gateway/device_private.h"
#include "gateway/log.h"
#include "protocols/modbus_pdu.h"

enum {
    DEVICE_BUS_WINDOW_MS = 10000, /* in so long at most */
    DEVICE_BUS_LINES = 10,        /* so many lines about writes that were not sent */
};

/* Sent writes are as few as the line lets through; a master can be refused without end. */
static bool device_bus_may_log(struct device *d, const struct bus_write *w, uint64_t *hidden)
{
    uint64_t now_ms = io_now_ms(d->settings.io);
    if (w->outcome != BUS_WRITE_UNSENT) {
        return true;
    }
    if (w->exception == MODBUS_ILLEGAL_FUNCTION) {
        return false; /* request-denied tells it, with the rule */
    }
    if (now_ms - d->unsent_since_ms >= DEVICE_BUS_WINDOW_MS) {
        d->unsent_since_ms = now_ms;
        d->unsent_lines = 0;
    }
    if (d->unsent_lines == DEVICE_BUS_LINES) {
        d->unsent_hidden++;
        return false;
    }
    d->unsent_lines++;
    *hidden = d->unsent_hidden;
    d->unsent_hidden = 0;
    return true;
}

static const char *device_bus_event(const struct bus_write *w)
{
    switch (w->outcome) {
    case BUS_WRITE_CONFIRMED:
        return "write-confirmed";
    case BUS_WRITE_REFUSED:
        return "write-refused";
    case BUS_WRITE_UNKNOWN:
        return "write-outcome-unknown";
    case BUS_WRITE_UNSENT:
        break;
    }
    return w->exception == 0 ? "write-dropped-unsent" : "write-unsent";
}

static bool device_bus_is_trouble(const struct bus_write *w)
{
    return w->outcome == BUS_WRITE_UNKNOWN || (w->outcome == BUS_WRITE_UNSENT && w->exception == 0);
}

void device_bus_on_write(void *owner, const struct bus_write *w)
{
    struct device *d = owner;
    uint64_t hidden = 0;
    if (!device_bus_may_log(d, w, &hidden)) {
        return;
    }
    char range[24] = "";
    if (w->count > 0) {
        (void)snprintf(range, sizeof range, "%u-%u", (unsigned)w->address,
                       (unsigned)w->address + w->count - 1U);
    }
    /* The values stay out of the log: they are patient data. */
    struct log_field fields[] = {
        LOG_NUMBER("unit", w->unit),
        LOG_NUMBER("function", w->function),
        LOG_TEXT("range", range),
        LOG_TEXT("peer", w->peer),
        LOG_NUMBER("exception", w->exception),
        LOG_NUMBER("not_logged", hidden),
    };
    log_event(device_bus_is_trouble(w) ? CONF_LOG_WARNING : CONF_LOG_INFO, d->host.conf->name,
              device_bus_event(w), fields, hidden > 0 ? 6 : 5);
}

bool device_bus_words(const struct device *d, struct snapshot_device *out)
{
    struct bus_silent silent[SNAPSHOT_SILENT_MAX];
    size_t count = d->host.bus != NULL ? bus_device_silent(d->host.bus, silent, SNAPSHOT_SILENT_MAX)
                                       : 0;
    if (count == 0) {
        return false;
    }
    uint64_t again_s = (silent[0].again_in_ms + 999) / 1000;
    char when[48] = "asked again with the next read";
    if (again_s > 0) {
        (void)snprintf(when, sizeof when, "asked again in %" PRIu64 " s", again_s);
    }
    (void)snprintf(out->words, sizeof out->words, "unit %u does not answer, %s", silent[0].unit,
                   when);
    if (count > 1) {
        size_t len = strlen(out->words);
        (void)snprintf(out->words + len, sizeof out->words - len, "; and %zu more", count - 1);
    }
    return true;
}

static void device_bus_snapshot_lease(const struct device *d, struct snapshot_device *out)
{
    uint64_t left_ms = 0;
    const char *holder = bus_device_lease(d->host.bus, &left_ms);
    if (holder != NULL) {
        (void)snprintf(out->lease_holder, sizeof out->lease_holder, "%s", holder);
        out->lease_until_s = io_wall_s() + (int64_t)((left_ms + 999) / 1000);
    }
}

void device_bus_snapshot_requests(const struct bus_counters *n, struct snapshot_device *out)
{
    out->requests = (struct snapshot_requests){.sent = n->requests,
                                               .answered = n->answers,
                                               .denied = n->denied,
                                               .malformed = n->malformed,
                                               .busy = n->busy,
                                               .unavailable = n->unavailable,
                                               .no_answer = n->no_answer};
    out->late_answers = n->late;
}

void device_bus_snapshot(const struct device *d, struct snapshot_device *out)
{
    struct bus_silent silent[SNAPSHOT_SILENT_MAX];
    if (d->host.bus == NULL) {
        return;
    }
    const struct bus_counters *n = bus_device_counters(d->host.bus);
    out->has_bus = true;
    out->writes = (struct snapshot_writes){.sent = n->writes_sent,
                                           .confirmed = n->writes_confirmed,
                                           .refused = n->writes_refused,
                                           .unknown = n->writes_unknown,
                                           .unsent = n->writes_unsent};
    device_bus_snapshot_requests(n, out);
    out->collisions = n->collisions;
    device_bus_snapshot_lease(d, out);
    out->silent_total = bus_device_silent(d->host.bus, silent, SNAPSHOT_SILENT_MAX);
    for (size_t i = 0; i < out->silent_total && i < SNAPSHOT_SILENT_MAX; i++) {
        out->silent[i] = (struct snapshot_silent){
            .unit = silent[i].unit, .again_in_s = (int64_t)((silent[i].again_in_ms + 999) / 1000)};
    }
}

#include "gateway/table_modbus.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "gateway/jsontext.h"

/* A note is cut there; names are shorter unless their owner wants trouble. */
enum { LINE_MAX_BYTES = 1024 };

/* ---- masters ---- */

/* "role Service", or why it has none. */
static void write_role(char *out, size_t size, const json_t *link)
{
    const char *roles = jsontext_get(link, "roles");
    const char *role = jsontext_get(link, "role");
    if (roles[0] != '\0') {
        (void)snprintf(out, size, "role %s", roles);
    } else if (role[0] != '\0') {
        (void)snprintf(out, size, "no role here (its certificate says %s)", role);
    } else {
        (void)snprintf(out, size, "no role (%s)", jsontext_get(link, "role_fault"));
    }
}

/* "10.1.1.5:4000, role Service: 12 requests, 3 denied, 1 failed" */
static void put_master(const struct pen *pen, const json_t *link)
{
    char text[LINE_MAX_BYTES];
    char role[LINE_MAX_BYTES / 2];
    int64_t requests = jsontext_get_number(link, "requests");
    int64_t denied = jsontext_get_number(link, "denied");
    bool has_role = jsontext_get(link, "roles")[0] != '\0';
    write_role(role, sizeof(role), link);
    (void)snprintf(text, sizeof(text),
                   "%s, %s: %" PRId64 " request%s, %" PRId64 " denied, %" PRId64 " failed",
                   jsontext_get(link, "peer"), role, requests, requests == 1 ? "" : "s", denied,
                   jsontext_get_number(link, "failed"));
    pen_put_note(pen, text, has_role && denied == 0 ? PEN_PLAIN : PEN_CARE);
}

static void put_masters(const struct pen *pen, const json_t *links)
{
    for (size_t i = 0; i < json_array_size(links); i++) {
        const json_t *link = json_array_get(links, i);
        /* Where no role counts, `roles` is null. */
        if (json_is_string(json_object_get(link, "roles"))) {
            put_master(pen, link);
        }
    }
}

/* ---- requests ---- */

static void put_asked(const struct pen *pen, const json_t *device, const json_t *requests)
{
    char text[LINE_MAX_BYTES];
    int64_t masters = jsontext_get_number(device, "masters");
    (void)snprintf(text, sizeof(text),
                   "asks: %" PRId64 " requests carried, %" PRId64 " answered; %" PRId64
                   " master%s connected",
                   jsontext_get_number(requests, "sent"), jsontext_get_number(requests, "answered"),
                   masters, masters == 1 ? "" : "s");
    pen_put_note(pen, text, PEN_PLAIN);
}

/* "requests refused: 3 denied (01), 1 not answered (0B)" */
static void put_refused(const struct pen *pen, const json_t *requests)
{
    static const struct {
        const char *key, *words;
    } kinds[] = {{"denied", "denied (01)"},
                 {"malformed", "malformed (03)"},
                 {"busy", "not sent in time (06)"},
                 {"unavailable", "without a way to the unit (0A)"},
                 {"no_answer", "sent and not answered (0B)"}};

    char text[LINE_MAX_BYTES];
    size_t len = (size_t)snprintf(text, sizeof(text), "requests refused:"); /* they all fit */
    size_t bare = len;
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        int64_t count = jsontext_get_number(requests, kinds[i].key);
        if (count > 0) {
            len += (size_t)snprintf(text + len, sizeof(text) - len, "%s %" PRId64 " %s",
                                    len > bare ? "," : "", count, kinds[i].words);
        }
    }
    if (len > bare) {
        pen_put_note(pen, text, PEN_CARE);
    }
}

/* ---- writes ---- */

static void put_writes(const struct pen *pen, const json_t *device)
{
    char text[LINE_MAX_BYTES];
    int64_t unknown = jsontext_get_number(json_object_get(device, "writes"), "unknown");
    const char *holder = jsontext_get(json_object_get(device, "write_lease"), "holder");
    if (unknown > 0) {
        (void)snprintf(text, sizeof(text),
                       "%" PRId64 " writes of which nobody knows whether they were done", unknown);
        pen_put_note(pen, text, PEN_CARE);
    }
    if (holder[0] != '\0') {
        (void)snprintf(text, sizeof(text), "only %s may write now", holder);
        pen_put_note(pen, text, PEN_PLAIN);
    }
}

void table_modbus_device(const struct pen *pen, const json_t *device)
{
    const json_t *requests = json_object_get(device, "requests");
    put_masters(pen, json_object_get(device, "links"));
    if (strcmp(jsontext_get(device, "side"), "master") == 0) {
        put_asked(pen, device, requests);
    }
    put_refused(pen, requests);
    put_writes(pen, device);
}

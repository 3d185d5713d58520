#include "gateway/table_revocation.h"

#include <inttypes.h>
#include <stdint.h>
#include <string.h>

#include "gateway/jsontext.h"

/* A note is cut at LINE_MAX_BYTES; names and places are shorter. */
enum { LINE_MAX_BYTES = 1024, MOMENT_MAX = 40, MODES_MAX = 64 };

/* "14:05Z" today, else "2026-11-23 14:05Z". at, now: RFC 3339 in UTC; "" for never. */
static const char *moment(const char *now, const char *at, char out[MOMENT_MAX])
{
    enum { DAY = 10, CLOCK = 5, SHORTEST = 17 };

    if (strlen(at) < SHORTEST) {
        (void)snprintf(out, MOMENT_MAX, "%s", at);
    } else if (strncmp(now, at, DAY) == 0) {
        (void)snprintf(out, MOMENT_MAX, "%.*sZ", CLOCK, at + DAY + 1);
    } else {
        (void)snprintf(out, MOMENT_MAX, "%.*s %.*sZ", DAY, at, CLOCK, at + DAY + 1);
    }
    return out;
}

/* "42 s", "7 min", "3 h", "12 days" */
static const char *age(int64_t age_s, char out[MOMENT_MAX])
{
    static const int64_t minute_s = 60, hour_s = 3600, day_s = 86400;

    if (age_s < 2 * minute_s) {
        (void)snprintf(out, MOMENT_MAX, "%" PRId64 " s", age_s);
    } else if (age_s < 2 * hour_s) {
        (void)snprintf(out, MOMENT_MAX, "%" PRId64 " min", age_s / minute_s);
    } else if (age_s < 2 * day_s) {
        (void)snprintf(out, MOMENT_MAX, "%" PRId64 " h", age_s / hour_s);
    } else {
        (void)snprintf(out, MOMENT_MAX, "%" PRId64 " days", age_s / day_s);
    }
    return out;
}

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

static void put_line(const struct pen *pen, const char *text, enum pen_colour colour)
{
    pen_put(pen, span_of_text(text), colour);
    (void)fprintf(pen->to, "\n");
}

/* ---- above the table ---- */

static bool is_off(const json_t *device)
{
    return strcmp(jsontext_get(device, "revocation"), "off") == 0;
}

static size_t count_off(const json_t *devices)
{
    size_t count = 0;
    for (size_t i = 0; i < json_array_size(devices); i++) {
        count += is_off(json_array_get(devices, i));
    }
    return count;
}

bool table_revocation_is_mixed(const json_t *devices)
{
    size_t off = count_off(devices);
    return off > 0 && off < json_array_size(devices);
}

/* Every mode that is in use, once: "hard, grace". There are four words at most. */
static void list_modes(const json_t *devices, char out[MODES_MAX])
{
    size_t len = 0;
    out[0] = '\0';
    for (size_t i = 0; i < json_array_size(devices); i++) {
        const char *mode = jsontext_get(json_array_get(devices, i), "revocation");
        if (strstr(out, mode) == NULL && len + strlen(mode) + sizeof(", ") < MODES_MAX) {
            len += (size_t)snprintf(out + len, MODES_MAX - len, "%s%s", len > 0 ? ", " : "", mode);
        }
    }
}

static void put_mode(const struct pen *pen, const json_t *devices)
{
    char text[MODES_MAX];
    size_t count = json_array_size(devices);
    size_t off = count_off(devices);
    if (off == count) {
        (void)snprintf(text, sizeof(text), "OFF");
    } else if (off > 0) {
        (void)snprintf(text, sizeof(text), "OFF for %zu of %zu devices", off, count);
    } else {
        list_modes(devices, text);
    }
    (void)fprintf(pen->to, "revocation: ");
    put_line(pen, text, off > 0 ? PEN_CARE : PEN_GOOD);
}

static void put_clock(const struct pen *pen, const json_t *gateway)
{
    const char *state = jsontext_get(gateway, "clock");
    bool is_trusted = json_is_true(json_object_get(gateway, "clock_trusted"));
    if (state[0] != '\0') {
        (void)fprintf(pen->to, "clock: ");
        pen_put(pen, span_of_text(state), is_trusted ? PEN_GOOD : PEN_BAD);
        put_line(pen, is_trusted ? "" : ", NOT TRUSTED: no link comes up but under break-glass",
                 PEN_BAD);
    }
}

void table_revocation_head(const struct pen *pen, const json_t *root)
{
    const json_t *gateway = json_object_get(root, "gateway");
    const json_t *devices = json_object_get(root, "devices");
    int64_t stall_ms = jsontext_get_number(gateway, "stall_ms");
    int64_t unchecked = jsontext_get_number(gateway, "unchecked");
    if (json_array_size(devices) > 0) {
        put_mode(pen, devices);
    }
    put_clock(pen, gateway);
    if (stall_ms > 0) {
        (void)fprintf(pen->to, "longest stall of the loop: %" PRId64 " ms\n", stall_ms);
    }
    if (unchecked > 0) {
        char text[LINE_MAX_BYTES];
        (void)snprintf(text, sizeof(text),
                       "links open without a verdict: %" PRId64
                       ", which must not be: please report it",
                       unchecked);
        put_line(pen, text, PEN_BAD);
    }
}

/* ---- below a device ---- */

static enum pen_colour colour_of(const char *verdict)
{
    if (strcmp(verdict, "good") == 0) {
        return PEN_PLAIN;
    }
    bool is_out = strcmp(verdict, "revoked") == 0 || strcmp(verdict, "blocked") == 0;
    return is_out ? PEN_BAD : PEN_CARE;
}

/* Length of the RFC 3339 moment that text begins with, or 0. */
static size_t moment_len(const char *text)
{
    static const char shape[] = "0000-00-00T00:00:00Z";

    for (size_t i = 0; i < sizeof(shape) - 1; i++) {
        bool is_digit = text[i] >= '0' && text[i] <= '9';
        if (shape[i] == '0' ? !is_digit : text[i] != shape[i]) {
            return 0;
        }
    }
    return sizeof(shape) - 1;
}

/* "CRL 1C of 2026-11-22T06:05:00Z, next 2026-11-22T18:05:00Z" becomes "CRL 1C of 06:05Z": when it
 * ends is said by "until", and in the list of CRLs. Cut when too long. */
static void shorten(const char *evidence, const char *now, char out[LINE_MAX_BYTES])
{
    static const char next[] = ", next ";
    const size_t next_len = sizeof(next) - 1;
    size_t len = 0;

    while (*evidence != '\0' && len + MOMENT_MAX < LINE_MAX_BYTES) {
        bool is_next = strncmp(evidence, next, next_len) == 0;
        size_t date = moment_len(is_next ? evidence + next_len : evidence);
        if (date > 0 && is_next) {
            evidence += next_len + date;
        } else if (date > 0) {
            char at[32], text[MOMENT_MAX];
            (void)snprintf(at, sizeof(at), "%.*s", (int)date, evidence);
            len += (size_t)snprintf(out + len, LINE_MAX_BYTES - len, "%s", moment(now, at, text));
            evidence += date;
        } else {
            out[len++] = *evidence++;
        }
    }
    out[len] = '\0';
}

/* "peer good until 14:05Z (CRL 1C of ...)". "not checked" is said above, by OFF; for what is not
 * known the end is only the time of the next try. */
static void put_verdict(const struct pen *pen, const char *whose, const json_t *object,
                        const char *now)
{
    char text[LINE_MAX_BYTES + 128], at[MOMENT_MAX];
    const char *verdict = jsontext_get(object, "verdict");
    bool is_stale = strcmp(verdict, "stale") == 0;
    bool has_end = is_stale || strcmp(verdict, "good") == 0;
    /* "own certificate unavailable" would be misread: the certificate is there. */
    bool is_vague = is_stale || strcmp(verdict, "unknown") == 0 ||
                    strcmp(verdict, "unavailable") == 0;
    const char *until = has_end ? jsontext_get(object, "verdict_until") : "";
    char evidence[LINE_MAX_BYTES];
    shorten(jsontext_get(object, "evidence"), now, evidence);
    if (verdict[0] == '\0' || strcmp(verdict, "not checked") == 0) {
        return;
    }
    (void)snprintf(text, sizeof(text), "%s %s%s%s%s%s%s%s", whose, is_vague ? "status " : "",
                   verdict, until[0] != '\0' ? " until " : "", moment(now, until, at),
                   evidence[0] != '\0' ? " (" : "", evidence, evidence[0] != '\0' ? ")" : "");
    pen_put_note(pen, text, colour_of(verdict));
}

static void put_glass(const struct pen *pen, const char *until, const char *now)
{
    char text[LINE_MAX_BYTES], at[MOMENT_MAX];
    (void)snprintf(text, sizeof(text), "BREAK-GLASS until %s: links come up without a verdict",
                   moment(now, until, at));
    pen_put_note(pen, text, PEN_BAD);
}

void table_revocation_device(const struct pen *pen, const json_t *device, const char *now,
                             bool is_mixed)
{
    const char *glass = jsontext_get(device, "break_glass_until");
    if (json_is_true(json_object_get(device, "blocked"))) {
        pen_put_note(pen, "BLOCKED: no link comes up until 'wardgate unblock'", PEN_BAD);
    }
    if (glass[0] != '\0') {
        put_glass(pen, glass, now);
    }
    if (is_mixed && is_off(device)) {
        pen_put_note(pen, "revocation OFF: nobody asks whether its peers are revoked", PEN_CARE);
    }
    put_verdict(pen, "peer", device, now);
    put_verdict(pen, "own certificate", json_object_get(device, "certificate"), now);
}

/* ---- below the table ---- */

/* "CRL 1C of CN=CA: 12 entries, 3 h old, next update 14:05Z, from /var/…" */
static void put_crl(const struct pen *pen, const json_t *crl, const char *now)
{
    char text[LINE_MAX_BYTES], next_text[MOMENT_MAX], age_text[MOMENT_MAX];
    const char *number = jsontext_get(crl, "number");
    const char *next = jsontext_get(crl, "next_update");
    bool is_verified = json_is_true(json_object_get(crl, "verified"));
    /* Moments of one form compare as texts. */
    bool is_late = next[0] != '\0' && strcmp(next, now) < 0;
    int64_t entries = jsontext_get_number(crl, "entries");
    (void)snprintf(text, sizeof(text), "%s %s%sof %s: %" PRId64 " entr%s, %s old, %s%s, from %s%s",
                   json_is_true(json_object_get(crl, "delta")) ? "delta CRL" : "CRL", number,
                   number[0] != '\0' ? " " : "", jsontext_get(crl, "issuer"), entries,
                   entries == 1 ? "y" : "ies", age(jsontext_get_number(crl, "age_s"), age_text),
                   is_late ? "ENDED " : (next[0] != '\0' ? "next update " : "no next update"),
                   moment(now, next, next_text), jsontext_get(crl, "source"),
                   is_verified ? "" : "; waits for its issuer and counts for nothing");
    pen_put_note(pen, text, is_late || !is_verified ? PEN_CARE : PEN_PLAIN);
}

/* Only those with trouble are told: the others show by their CRLs. */
static void put_trouble(const struct pen *pen, const json_t *source, const char *now)
{
    char text[LINE_MAX_BYTES], at[MOMENT_MAX];
    const char *good = jsontext_get(source, "last_good");
    const char *place = jsontext_get(source, "place");
    const char *trouble = jsontext_get(source, "trouble");
    bool is_named = strncmp(trouble, place, strlen(place)) == 0; /* a place is told once */
    (void)snprintf(text, sizeof(text), "%s %s%s%s; %s%s", jsontext_get(source, "kind"),
                   is_named ? "" : place, is_named ? "" : ": ", trouble,
                   good[0] != '\0' ? "last read " : "never read", moment(now, good, at));
    pen_put_note(pen, text, PEN_CARE);
}

static void put_trust(const struct pen *pen, const json_t *trust, const char *now)
{
    const json_t *crls = json_object_get(trust, "crls");
    const json_t *sources = json_object_get(trust, "sources");
    int64_t answers = jsontext_get_number(trust, "ocsp_answers");
    const char *mode = jsontext_get(trust, "revocation");
    const char *weak = jsontext_get(trust, "weak_algorithms");
    if (strcmp(mode, "off") == 0 && json_array_size(crls) == 0 && answers == 0 && weak[0] == '\0') {
        return;
    }
    (void)fprintf(pen->to, "\ntrust %s: revocation %s, %zu CRL%s, %" PRId64 " OCSP answer%s\n",
                  jsontext_get(trust, "name"), mode, json_array_size(crls),
                  plural(json_array_size(crls)), answers, plural((size_t)answers));
    if (weak[0] != '\0') {
        char text[LINE_MAX_BYTES];
        (void)snprintf(text, sizeof(text), "WEAK: its peers may use %s", weak);
        pen_put_note(pen, text, PEN_CARE);
    }
    for (size_t i = 0; i < json_array_size(crls); i++) {
        put_crl(pen, json_array_get(crls, i), now);
    }
    for (size_t i = 0; i < json_array_size(sources); i++) {
        const json_t *source = json_array_get(sources, i);
        if (jsontext_get(source, "trouble")[0] != '\0') {
            put_trouble(pen, source, now);
        }
    }
}

static void put_block(const struct pen *pen, const json_t *block, const char *now)
{
    char text[LINE_MAX_BYTES], at[MOMENT_MAX];
    (void)snprintf(text, sizeof(text), "%s %s since %s: %s", jsontext_get(block, "kind"),
                   jsontext_get(block, "value"), moment(now, jsontext_get(block, "at"), at),
                   jsontext_get(block, "reason"));
    pen_put_note(pen, text, PEN_BAD);
}

static void put_grant(const struct pen *pen, const json_t *grant, const char *now)
{
    char text[LINE_MAX_BYTES], at[MOMENT_MAX], until[MOMENT_MAX];
    (void)snprintf(text, sizeof(text), "%s until %s, since %s: %s", jsontext_get(grant, "device"),
                   moment(now, jsontext_get(grant, "until"), until),
                   moment(now, jsontext_get(grant, "at"), at), jsontext_get(grant, "reason"));
    pen_put_note(pen, text, PEN_BAD);
}

/* A heading and its notes; nothing for an empty list. */
static void put_list(const struct pen *pen, const char *heading, const json_t *list,
                     void (*put)(const struct pen *pen, const json_t *item, const char *now),
                     const char *now)
{
    if (json_array_size(list) > 0) {
        (void)fprintf(pen->to, "\n%s:\n", heading);
    }
    for (size_t i = 0; i < json_array_size(list); i++) {
        put(pen, json_array_get(list, i), now);
    }
}

void table_revocation_tail(const struct pen *pen, const json_t *root)
{
    const char *now = jsontext_get(json_object_get(root, "gateway"), "now");
    const json_t *trusts = json_object_get(root, "trusts");
    for (size_t i = 0; i < json_array_size(trusts); i++) {
        put_trust(pen, json_array_get(trusts, i), now);
    }
    put_list(pen, "blocked", json_object_get(root, "blocks"), put_block, now);
    put_list(pen, "break-glass", json_object_get(root, "grants"), put_grant, now);
}

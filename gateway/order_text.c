#include "gateway/order_text.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "conf/values.h"
#include "gateway/safetext.h"

static int refuse(struct fault *f, const char *what, const char *subject)
{
    return fault_set(f, FAULT_CONFIG, FAULT_SIDE_CONFIGURATION, what, subject);
}

static int check_subject(const char *subject, struct fault *f)
{
    static const char letters[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:";

    if (subject == NULL || subject[0] == '\0') {
        return refuse(f, "nothing is named", NULL);
    }
    if (strlen(subject) >= ORDER_TEXT_SUBJECT_MAX) {
        return refuse(f, "too long for a serial, a fingerprint or a device's name", NULL);
    }
    if (strspn(subject, letters) != strlen(subject)) {
        return refuse(f, "neither a serial, a fingerprint nor a device's name", NULL);
    }
    return 0;
}

/* It is shown in logs and tables for years: what would have to be escaped there is refused. */
static int check_reason(const char *reason, struct fault *f)
{
    uint8_t memory[ORDER_TEXT_REASON_MAX - 1];
    struct room safe = room_of(memory, sizeof(memory));

    if (reason == NULL || strspn(reason, " ") == strlen(reason)) {
        return refuse(f, "a reason is needed", NULL);
    }
    if (strlen(reason) > sizeof(memory)) {
        return refuse(f, "the reason is too long: 199 bytes at most", NULL);
    }
    if (!safetext_put(&safe, reason) || !span_equal(room_span(&safe), span_of_text(reason))) {
        return refuse(f, "the reason is not plain text (UTF-8, one line)", NULL);
    }
    return 0;
}

static int check_for(int64_t for_s, struct fault *f)
{
    if (for_s != 0 && (for_s < ORDER_TEXT_FOR_MIN_S || for_s > ORDER_TEXT_FOR_MAX_S)) {
        return refuse(f, "break-glass lasts from 1m to 24h; 0 ends it", NULL);
    }
    return 0;
}

static bool needs_reason(const struct order_text_parts *parts)
{
    return parts->what == CONTROL_BLOCK ||
           (parts->what == CONTROL_BREAK_GLASS && parts->for_s != 0);
}

int order_text_make(const struct order_text_parts *parts, struct order *out, struct fault *f)
{
    struct order made = {.what = parts->what, .for_s = parts->for_s};
    if (parts->what != CONTROL_REFRESH) {
        if (check_subject(parts->subject, f) != 0 || check_for(parts->for_s, f) != 0) {
            return FAULT_CONFIG;
        }
        (void)snprintf(made.subject, sizeof(made.subject), "%s", parts->subject); /* it fits */
    }
    if (parts->reason != NULL || needs_reason(parts)) {
        if (check_reason(parts->reason, f) != 0) {
            return FAULT_CONFIG;
        }
        (void)snprintf(made.reason, sizeof(made.reason), "%s", parts->reason); /* it fits */
    }
    *out = made;
    return 0;
}

/* The texts live as long as root. 0, or -1 for any other shape. */
static int unpack(json_t *root, struct order_text_parts *parts)
{
    json_int_t for_s = 0;
    int failed = -1;
    switch (parts->what) {
    case CONTROL_BLOCK:
        failed = json_unpack_ex(root, NULL, JSON_STRICT, "{s:s,s:s}", "what", &parts->subject,
                                "reason", &parts->reason);
        break;
    case CONTROL_UNBLOCK:
        failed = json_unpack_ex(root, NULL, JSON_STRICT, "{s:s}", "what", &parts->subject);
        break;
    case CONTROL_BREAK_GLASS:
        failed = json_unpack_ex(root, NULL, JSON_STRICT, "{s:s,s:I,s?s}", "device", &parts->subject,
                                "for_s", &for_s, "reason", &parts->reason);
        break;
    case CONTROL_STATUS:
    case CONTROL_RELOAD:
    case CONTROL_REFRESH:
        break;
    }
    parts->for_s = for_s;
    return failed;
}

int order_text_read(enum control_request what, struct span arguments, struct order *out,
                    struct fault *f)
{
    struct order_text_parts parts = {.what = what};
    if (what == CONTROL_REFRESH && arguments.len == 0) {
        return order_text_make(&parts, out, f);
    }
    json_t *root = json_loadb((const char *)arguments.data, arguments.len, JSON_REJECT_DUPLICATES,
                              NULL);
    int code = 0;
    if (root == NULL || unpack(root, &parts) != 0) {
        code = refuse(f, "these are not the arguments of ", control_word(what));
    } else {
        code = order_text_make(&parts, out, f);
    }
    json_decref(root);
    return code;
}

/* NULL: no memory. */
static json_t *arguments_object(const struct order *o)
{
    switch (o->what) {
    case CONTROL_BLOCK:
        return json_pack("{s:s,s:s}", "what", o->subject, "reason", o->reason);
    case CONTROL_UNBLOCK:
        return json_pack("{s:s}", "what", o->subject);
    case CONTROL_BREAK_GLASS:
        return json_pack("{s:s,s:I,s:s*}", "device", o->subject, "for_s", (json_int_t)o->for_s,
                         "reason", o->reason[0] != '\0' ? o->reason : NULL);
    case CONTROL_STATUS:
    case CONTROL_RELOAD:
    case CONTROL_REFRESH:
        break;
    }
    return NULL;
}

bool order_text_write(const struct order *o, char out[CONTROL_REQUEST_MAX])
{
    int len = snprintf(out, CONTROL_REQUEST_MAX, "%s ", control_word(o->what));
    size_t used = (size_t)len;
    if (o->what == CONTROL_REFRESH) {
        out[used - 1] = '\0';
        return true;
    }
    json_t *root = arguments_object(o);
    /* The longest text, each letter a quote that is escaped, has room by far. */
    size_t more = root != NULL
                      ? json_dumpb(root, out + used, CONTROL_REQUEST_MAX - 1 - used, JSON_COMPACT)
                      : 0;
    json_decref(root);
    if (more == 0 || more > CONTROL_REQUEST_MAX - 1 - used) {
        return false;
    }
    out[used + more] = '\0';
    return true;
}

int order_text_duration(const char *text, int64_t *for_s, struct fault *f)
{
    enum { MS = 1000 };

    static const struct keys_row row = {
        .type = KEYS_TYPE_DURATION,
        .floor = ORDER_TEXT_FOR_MIN_S * MS,
        .ceiling = ORDER_TEXT_FOR_MAX_S * MS,
    };
    struct values_error why;
    uint32_t for_ms = 0;
    if (strcmp(text, "0") != 0 && values_scalar(&row, text, &for_ms, &why) != 0) {
        return refuse(f, "--for is a duration from 1m to 24h, such as 90m or 2h, or 0, not ", text);
    }
    *for_s = for_ms / MS;
    return 0;
}

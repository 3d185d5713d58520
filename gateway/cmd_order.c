#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "gateway/ask.h"
#include "gateway/command.h"
#include "gateway/order_text.h"

/* A refresh waits for every source, and each has its own limit in the gateway. */
enum { ORDER_WAIT_S = 300 };

static int fail(const char *command, const char *why)
{
    (void)fprintf(stderr, "wardgate %s: %s\n", command, why);
    return COMMAND_INTERNAL;
}

static int misuse(const char *command, const char *why)
{
    (void)fprintf(stderr, "wardgate %s: %s; try 'wardgate %s --help'\n", command, why, command);
    return COMMAND_USAGE;
}

/* What a refusal of the gateway means for the exit code. */
static int code_of(const json_t *answer)
{
    const char *code = json_string_value(json_object_get(answer, "code"));
    if (code == NULL) {
        return COMMAND_UNAVAILABLE;
    }
    if (strcmp(code, fault_code_name(FAULT_CONFIG)) == 0) {
        return COMMAND_USAGE;
    }
    bool is_ours = strcmp(code, fault_code_name(FAULT_MEMORY)) == 0 ||
                   strcmp(code, fault_code_name(FAULT_INTERNAL)) == 0;
    return is_ours ? COMMAND_INTERNAL : COMMAND_UNAVAILABLE;
}

static void tell_cut(const char *subject, json_int_t cut)
{
    if (cut == 0) {
        (void)printf("%s is blocked; no link had to be cut\n", subject);
    } else {
        (void)printf("%s is blocked; %" JSON_INTEGER_FORMAT " link%s cut\n", subject, cut,
                     cut == 1 ? " was" : "s were");
    }
}

static void tell_done(const struct order *o, const json_t *answer)
{
    const char *until = json_string_value(json_object_get(answer, "until"));
    json_int_t read = json_integer_value(json_object_get(answer, "sources_read"));
    switch (o->what) {
    case CONTROL_BLOCK:
        tell_cut(o->subject, json_integer_value(json_object_get(answer, "links_cut")));
        return;
    case CONTROL_UNBLOCK:
        (void)printf("%s is not blocked any more\n", o->subject);
        return;
    case CONTROL_BREAK_GLASS:
        if (o->for_s == 0) {
            (void)printf("%s: break-glass has ended\n", o->subject);
        } else {
            (void)printf("%s: break-glass until %s; its links come up without a verdict, but never "
                         "with who is revoked or blocked\n",
                         o->subject, until != NULL ? until : "its end");
        }
        return;
    case CONTROL_REFRESH:
        (void)printf("%" JSON_INTEGER_FORMAT " source%s read; all verdicts are in force\n", read,
                     read == 1 ? "" : "s");
        return;
    case CONTROL_STATUS:
    case CONTROL_RELOAD:
        return; /* no orders */
    }
}

static int tell(const struct command_options *options, const char *command, const struct order *o,
                const char *text)
{
    json_t *answer = json_loads(text, 0, NULL);
    const char *error = json_string_value(json_object_get(answer, "error"));
    bool is_done = json_is_true(json_object_get(answer, "ok"));
    int code = is_done ? COMMAND_OK : code_of(answer);
    if (options->is_json && answer != NULL) {
        code = fputs(text, stdout) < 0 ? COMMAND_INTERNAL : code;
    } else if (is_done) {
        tell_done(o, answer);
    }
    if (!is_done) {
        (void)fail(command, error != NULL ? error : "the answer cannot be read");
    }
    json_decref(answer);
    return code;
}

/* Ask for what the order says; the whole of a command's rest. */
static int give(const struct command_options *options, const char *command, const struct order *o)
{
    char request[CONTROL_REQUEST_MAX];
    int code = COMMAND_OK;
    if (!order_text_write(o, request)) {
        return fail(command, "out of memory");
    }
    char *text = ask_gateway(options->conf_path, command, request, ORDER_WAIT_S, &code);
    if (text != NULL) {
        code = tell(options, command, o, text);
    }
    mem_free(text);
    return code;
}

int cmd_block(const struct command_options *options)
{
    struct order_text_parts parts = {CONTROL_BLOCK, options->subject, options->reason, 0};
    struct order o;
    struct fault f;
    if (options->reason == NULL) {
        return misuse("block", "a reason is needed: --reason TEXT");
    }
    if (order_text_make(&parts, &o, &f) != 0) {
        return misuse("block", f.note);
    }
    return give(options, "block", &o);
}

int cmd_unblock(const struct command_options *options)
{
    struct order_text_parts parts = {CONTROL_UNBLOCK, options->subject, NULL, 0};
    struct order o;
    struct fault f;
    if (order_text_make(&parts, &o, &f) != 0) {
        return misuse("unblock", f.note);
    }
    return give(options, "unblock", &o);
}

int cmd_break_glass(const struct command_options *options)
{
    static const char command[] = "break-glass";
    struct order_text_parts parts = {CONTROL_BREAK_GLASS, options->subject, options->reason, 0};
    struct order o;
    struct fault f;
    if (options->ends == (options->for_text != NULL)) {
        return misuse(command, "say for how long, --for 2h, or end it, --end");
    }
    if (!options->ends && order_text_duration(options->for_text, &parts.for_s, &f) != 0) {
        return misuse(command, f.note);
    }
    if (parts.for_s != 0 && options->reason == NULL) {
        return misuse(command, "a reason is needed: --reason TEXT");
    }
    if (order_text_make(&parts, &o, &f) != 0) {
        return misuse(command, f.note);
    }
    return give(options, command, &o);
}

int cmd_revocation(const struct command_options *options)
{
    struct order o = {.what = CONTROL_REFRESH};
    if (strcmp(options->subject, "refresh") != 0) {
        return misuse("revocation", "the only order is 'refresh'");
    }
    return give(options, "revocation refresh", &o);
}

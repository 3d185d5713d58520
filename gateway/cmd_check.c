#include <inttypes.h>
#include <stdio.h>

#include "certs/signature.h"
#include "certs/tls.h"
#include "conf/conf.h"
#include "conf/keys.h"
#include "gateway/command.h"
#include "gateway/io.h"
#include "gateway/utc.h"

static const char *plural(size_t count)
{
    return count == 1 ? "" : "s";
}

/* The device whose certificate ends first; NULL when there is no device. */
static const struct conf_device *first_to_expire(const struct conf *c)
{
    const struct conf_device *first = NULL;
    for (size_t i = 0; i < c->device_count; i++) {
        const struct conf_device *d = &c->devices[i];
        if (first == NULL || identity_facts(d->identity)->not_after_s <
                                 identity_facts(first->identity)->not_after_s) {
            first = d;
        }
    }
    return first;
}

static void print_summary(const struct conf *c, const char *path, int64_t now_s)
{
    enum { DAY_S = 86400 };

    const struct conf_device *first = first_to_expire(c);
    (void)printf("%s: good: %zu device%s, %zu trust%s", path, c->device_count,
                 plural(c->device_count), c->trust_count, plural(c->trust_count));
    if (first != NULL) {
        char day[UTC_TEXT_MAX];
        int64_t end_s = identity_facts(first->identity)->not_after_s;
        (void)printf("; first certificate to expire: %s in %" PRId64 " days, %.10s", first->name,
                     (end_s - now_s) / DAY_S, utc_text(end_s, day));
    }
    (void)printf("\n");
}

/* Good, but somebody should know: on the screen of who wrote it, and of who checks it years later.
 */
static void print_warnings(const struct conf *c, const char *path)
{
    for (size_t i = 0; i < c->trust_count; i++) {
        const char *weak = signature_allows_text(c->trusts[i].allows);
        if (weak[0] != '\0') {
            (void)printf("%s: warning: trust %s lets in %s: whoever can forge those comes in; ask "
                         "for new certificates\n",
                         path, c->trusts[i].name, weak);
        }
    }
    for (size_t i = 0; i < problems_count(c->warnings); i++) {
        (void)printf("warning: %s\n", problems_text(c->warnings, i));
    }
}

static void print_problems(const struct problems *problems)
{
    for (size_t i = 0; i < problems_count(problems); i++) {
        (void)fprintf(stderr, "%s\n", problems_text(problems, i));
    }
}

static int check_file(const char *path, struct problems *problems)
{
    int64_t now_s = io_wall_s();
    struct conf *c = conf_load(path, now_s, problems);
    if (c == NULL) {
        print_problems(problems);
        return COMMAND_CONFIG;
    }
    print_summary(c, path, now_s);
    print_warnings(c, path);
    conf_free(c);
    return COMMAND_OK;
}

int cmd_check(const struct command_options *options)
{
    struct fault f;
    if (options->shows_keys || options->shows_keys_roff) {
        int failed = options->shows_keys ? keys_print_text(stdout) : keys_print_roff(stdout);
        return failed == 0 ? COMMAND_OK : COMMAND_INTERNAL;
    }
    struct problems *problems = problems_new();
    if (problems == NULL) {
        (void)fprintf(stderr, "wardgate check: cannot begin: out of memory\n");
        return COMMAND_INTERNAL;
    }
    if (tls_init(&f) != 0) {
        (void)fprintf(stderr, "wardgate check: cannot begin: %s\n", f.note);
        problems_free(problems);
        return COMMAND_INTERNAL;
    }
    int code = check_file(options->conf_path, problems);
    problems_free(problems);
    tls_deinit();
    return code;
}

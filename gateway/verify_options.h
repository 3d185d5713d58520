/*
 * The arguments of `wardgate verify`.
 *
 * Floor 3. Nothing is opened here; texts are borrowed from argv.
 */
#ifndef WARDGATE_VERIFY_OPTIONS_H
#define WARDGATE_VERIFY_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/judge.h"
#include "protocols/fault.h"

enum { VERIFY_FILES_MAX = 1024 };

struct verify_list {
    const char *paths[VERIFY_FILES_MAX];
    size_t count;
};

struct verify_options {
    struct verify_list anchors, crls, responses;
    const char *chain;
    const char *conf_path; /* never NULL */
    const char *trust;     /* NULL: none */
    struct name_rule name; /* when has_name */
    bool has_name;
    int64_t at_s; /* when has_at; seconds since 1970, 0 or more */
    bool has_at;
    enum path_purpose purpose;
    enum judge_need need;
    enum judge_policy policy;
    bool has_policy; /* false: that of the trust, if one is named, else JUDGE_HARD */
    bool is_json;
    bool wants_help; /* then nothing else counts */
};

/* Read. argv[0] is the command's name. Returns 0, or FAULT_CONFIG with a note that says what is
 * wrong. Uses getopt: once per process (or after optind = 0). */
int verify_options_read(int argc, char **argv, struct verify_options *out, struct fault *f);

#endif

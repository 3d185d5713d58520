/*
 * What `wardgate verify` prints: the reasoning, line by line or as JSON.
 *
 * Floor 3, pure but for the stream.
 */
#ifndef WARDGATE_VERIFY_PRINT_H
#define WARDGATE_VERIFY_PRINT_H

#include <stdio.h>

#include "certs/judge.h"
#include "gateway/verify_options.h"

/* A CRL file that was given. */
struct verify_crl {
    const char *path;
    struct crl *crl; /* NULL: could not be parsed, which the reasons say */
};

struct verify_report {
    const struct verify_options *options;
    const struct judge_settings *settings;
    const struct judge_result *result;
    const struct reasons *why;
    struct span leaf;
    const struct verify_crl *crls;
    size_t crl_count;
};

/* Returns 0, or -1: the stream failed, or there was no memory. */
int verify_print_text(FILE *to, const struct verify_report *report);
int verify_print_json(FILE *to, const struct verify_report *report);

#endif

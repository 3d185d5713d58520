#include "ocsp_case.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <criterion/criterion.h>

enum { FILES = 64, FILE_CAP = 8192 };

struct span ocsp_case_file(const char *name)
{
    static uint8_t bytes[FILES][FILE_CAP];
    static size_t next;
    uint8_t *at = bytes[next % FILES];
    char path[128];
    size_t len;
    FILE *file;

    next++;
    (void)snprintf(path, sizeof(path), "build/pki-ocsp/%s", name);
    file = fopen(path, "rb");
    cr_assert_not_null(file, "%s", path);
    len = fread(at, 1, FILE_CAP, file);
    (void)fclose(file);
    cr_assert(len > 0 && len < FILE_CAP, "%s", path);
    return span_of(at, len);
}

int64_t ocsp_case_now_s(void)
{
    struct span text = ocsp_case_file("now");
    char number[32] = {0};

    cr_assert(text.len < sizeof(number));
    memcpy(number, text.data, text.len);
    return strtoll(number, NULL, 10);
}

struct ocsp_question ocsp_case_question(const char *cert, const char *issuer)
{
    struct ocsp_question q = {
        .cert = ocsp_case_file(cert),
        .issuer = ocsp_case_file(issuer),
        .now_s = ocsp_case_now_s(),
        .max_age_s = 3600,
        .strict_strength = true,
        .level = 0,
    };

    return q;
}

enum ocsp_answer ocsp_case_ask(struct span answer, const struct ocsp_question *q, const char **why)
{
    static struct reasons reasons;
    struct ocsp_evidence evidence;
    enum ocsp_answer result;

    reasons.count = 0;
    result = ocsp_judge(answer, q, &evidence, &reasons);
    cr_assert_eq(reasons.count, 1);
    *why = reasons.lines[0].text;
    return result;
}

enum ocsp_answer ocsp_case_judge(const char *answer, const char **why)
{
    struct ocsp_question q = ocsp_case_question("device.der", "ca.der");

    return ocsp_case_ask(ocsp_case_file(answer), &q, why);
}

/*
 * A path of three that a test spoils: Root (key 0) -> CA (key 1) -> leaf (key 9), judged by
 * path_validate. Each Criterion test has a process of its own, so all is as new each time.
 */
#ifndef WARDGATE_TESTS_BENCH_PATH_H
#define WARDGATE_TESTS_BENCH_PATH_H

#include <stdbool.h>

#include "certs/path.h"
#include "tests/unit/certs/forge.h"

enum { BENCH_PATH_NOW_S = 1700000000 };

struct bench_path {
    struct forge root;
    struct forge ca;
    struct forge leaf;
    struct path_settings settings;
    struct reasons why;
    struct path found;
};

extern struct bench_path bench_path;

/* Give the bench its usual recipes. For TestSuite(.init). */
void bench_path_set_up(void);

/* Forge and judge. */
bool bench_path_validate(void);

/* The path must be good; it must be refused with this text in the deciding sentence. */
void bench_path_good(void);
void bench_path_refused(const char *text);

#endif

/*
 * What the tests of conf/ share: texts become sections or configurations without files, and files
 * are written into a folder of the test's own.
 */
#ifndef WARDGATE_TESTS_FIXTURE_H
#define WARDGATE_TESTS_FIXTURE_H

#include <stdbool.h>
#include <stddef.h>

#include "conf/conf.h"
#include "conf/pool.h"
#include "conf/problems.h"
#include "conf/reader.h"

struct fixture {
    struct pool *pool;
    struct problems *problems;
    struct reader reader;
    struct conf conf; /* after fixture_build; holds no certificates */
};

/* A text fed in pieces of `cut` bytes. */
struct fixture_text {
    const char *text;
    size_t len;
    size_t cut;
};

size_t fixture_text_read(void *from, char *to, size_t cap);

void fixture_begin(struct fixture *f);
void fixture_end(struct fixture *f);

/* Read a text as the file "t.conf" of the folder "/etc/w"; without any file. */
void fixture_read(struct fixture *f, const char *text);
void fixture_read_bytes(struct fixture *f, const char *bytes, size_t len, size_t cut);

/* Begin, read, build, and check ports, binds and roles. */
void fixture_build(struct fixture *f, const char *text);

/* Is there a problem that reads exactly so? */
bool fixture_says(const struct fixture *f, const char *line);

/* Exactly these problems (a list that ends with NULL); asserts, and prints what there was. */
void fixture_expect(const struct fixture *f, const char *const *lines);

/* The same for warnings, after fixture_build. */
void fixture_expect_warnings(const struct fixture *f, const char *const *lines);

/* The one problem of a text that is read, built and checked; NULL: none at all. */
void fixture_expect_one(const char *text, const char *line);

/* Nine lines of a good beginning: [gateway], [trust t] and [device d] with certificate = c,
 * key = k, trust = t. The body follows in line 10. */
#define FIXTURE_DEVICE                                                                             \
    "[gateway]\nname = g\n[trust t]\nanchors = a\nrevocation = off\n[device d]\n"                  \
    "certificate = c\nkey = k\ntrust = t\n"

/* A good TCP device, dialled and dialling: for tests of something else. Lines 10 to 12. */
#define FIXTURE_MLLP "port = tcp:10.0.0.1:5\nprotocol = mllp\nconnect = h.example:1\n"

/* A folder of this test's own; the same each time in one process. */
const char *fixture_folder(void);

/* Write a file into it (folders on the way are made); returns its absolute path (static memory). */
const char *fixture_write(const char *name, const char *text);

/* The absolute path of a file of the test PKI ("": its folder); static memory, four at a time. */
const char *fixture_pki(const char *name);

/* Load a file of the folder with the wall clock's time. NULL with f->problems. Begins *f. */
struct conf *fixture_load(struct fixture *f, const char *path);

#endif

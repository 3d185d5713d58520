/*
 * PEM files: read one, take its blocks out.
 *
 * Floor 1. Every buffer here may hold a private key, so every one is wiped when it is given back.
 */
#ifndef WARDGATE_PEM_H
#define WARDGATE_PEM_H

#include <stddef.h>
#include <stdint.h>

#include "certs/stamp.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

enum {
    PEM_FILE_MAX = 256 * 1024, /* longer files are no certificates */
    PEM_LABEL_MAX = 40,
};

/* A file in memory. */
struct pem_file {
    uint8_t *data;
    size_t len;
    unsigned mode; /* permission bits */
    struct stamp stamp;
};

struct pem_block {
    char label[PEM_LABEL_MAX]; /* "CERTIFICATE" */
    uint8_t *der;
    size_t len;
};

/* Read a file. Returns 0, FAULT_OPEN (missing, unreadable, no regular file, over PEM_FILE_MAX) or
 * FAULT_MEMORY; the note is "PATH: why"; side FAULT_SIDE_CERTIFICATE. */
int pem_file_read(const char *path, struct pem_file *out, struct fault *f);

/* Wipe and give back. */
void pem_file_free(struct pem_file *file);

enum pem_result { PEM_BLOCK, PEM_END, PEM_BROKEN, PEM_MEMORY };

/* Take the next block off the front of `text`; what stands between blocks is skipped. With
 * PEM_BLOCK the caller owns *out (pem_block_free). */
enum pem_result pem_block_take(struct span *text, struct pem_block *out);

/* Wipe and give back. */
void pem_block_free(struct pem_block *block);

/* Gets one certificate of a file and owns the block, whatever comes of it. Not 0: the end, with *f.
 */
typedef int (*pem_take_fn)(void *owner, struct pem_block *block, struct fault *f);

/* Give each "CERTIFICATE" block of a file to `take`; others are skipped. 0, what `take` gave,
 * FAULT_OPEN, FAULT_BAD_CERT (broken PEM, no certificate in it) or FAULT_MEMORY, with a note "PATH:
 * why". */
int pem_certificates_read(const char *path, pem_take_fn take, void *owner, struct fault *f);

#endif

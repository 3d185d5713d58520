/*
 * Tests only: CRLs and OCSP answers of the PKI's authorities, made by openssl when a test wants
 * them, valid from and until whenever it wants.
 */
#ifndef WARDGATE_TEST_PRESS_H
#define WARDGATE_TEST_PRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "tests/unit/gateway/folder.h"

struct press {
    struct folder folder;
    uint8_t der[8192]; /* what was made last */
};

void press_open(struct press *p);
void press_close(struct press *p);

struct press_list {
    const char *ca; /* of the PKI: "root", "int" */
    unsigned number;
    const char *revokes;     /* NAME.pem of the PKI; NULL: nobody */
    int64_t from_s, until_s; /* seconds from now; both 0: an hour ago until tomorrow */
};

/* A CRL in DER; lives until the next call. */
struct span press_crl(struct press *p, const struct press_list *list);

/* The same in a file of the folder; its path. */
const char *press_crl_file(struct press *p, const struct press_list *list);

/* What the root says of NAME.pem by OCSP, for a day; lives until the next call. */
struct span press_answer(struct press *p, const char *name, bool is_revoked);

#endif

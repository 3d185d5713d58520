/*
 * The fields of a CRL. Inside of crl*.c and for their tests.
 *
 * Floor 1.
 */
#ifndef WARDGATE_CRL_INSIDE_H
#define WARDGATE_CRL_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/crl.h"
#include "certs/crl_scope.h"
#include "protocols/bytes.h"

enum {
    CRL_SERIAL_MAX = 20,   /* bytes; RFC 5280 4.1.2.2 */
    CRL_ISSUERS_MAX = 256, /* different certificateIssuer of one indirect CRL, and the CRL's own */
    CRL_REASON_HOLD = 6,
    CRL_REASON_REMOVE = 8,
};

/* One revoked certificate: 32 bytes. */
struct crl_entry {
    uint32_t hash;         /* of the serial number; the table is sorted by it */
    uint32_t revoked_at_s; /* since 1970; what does not fit is cut */
    uint16_t issuer;       /* index into crl.issuers */
    uint8_t reason;
    uint8_t serial_len;
    uint8_t serial[CRL_SERIAL_MAX];
};

struct crl_table {
    struct crl_entry *entries;
    size_t count;
    uint32_t *firsts; /* where each of the equal parts of all hashes begins, and one more */
    size_t part_count;
};

/* What stays of a CRL beside its table. */
struct crl_head {
    struct span issuer;
    struct span number; /* content of the INTEGER; empty: none */
    struct span base_number;
    struct span key_id;     /* of authorityKeyIdentifier; empty: none */
    struct span key_issuer; /* authorityCertIssuer, GeneralNames; empty: none */
    struct span key_serial;
    struct span scope_bytes; /* value of issuingDistributionPoint; empty: none */
};

struct crl {
    uint32_t holders;
    uint8_t *source; /* NULL after crl_forget_source, then: */
    size_t source_len;
    uint8_t *kept;
    struct span tbs; /* what is signed; empty after crl_forget_source */
    struct span algorithm;
    struct span signature;
    struct crl_head head;
    struct crl_scope scope;
    int64_t this_update_s;
    int64_t next_update_s;
    bool has_next_update;
    bool is_delta;
    const char *defect; /* why nobody may use it (a constant text), or NULL */
    size_t listed;      /* entries as they stand in the CRL */
    struct crl_table table;
    struct span *issuers; /* of indirect entries: GeneralNames; the first is empty: the CRL's own */
    size_t issuer_count;
    struct crl_memo *memo;
};

/* The key that is known to have signed it; changes under a const CRL. */
struct crl_memo {
    uint8_t *key_info; /* NULL: none yet */
    size_t key_info_len;
    bool is_weak;
};

/* Read the revoked certificates (content of the SEQUENCE OF, borrowed) into c->table, c->issuers
 * and c->defect. NULL, or what is broken; crl_table_memory when there is no memory. */
const char *crl_table_read(struct crl *c, struct span revoked, bool may_extend);
extern const char crl_table_memory[];
void crl_table_free(struct crl *c);

/* The strictest entry for a serial number (content of the INTEGER) of `issuer`, or NULL: a final
 * one before a hold before one that is removed. */
const struct crl_entry *crl_table_find(const struct crl *c, struct span serial, struct span issuer);

/* Is the content of an INTEGER in its shortest form? */
bool crl_table_is_integer(struct span integer);

/* "CRL 03e8 " (its number in hex), the beginning of every line about it. */
enum { CRL_LABEL_MAX = 64 };

void crl_label(const struct crl *c, char out[CRL_LABEL_MAX]);

/* Take one Extension off the front of a list. */
struct crl_extension {
    struct span oid;
    bool is_critical;
    struct span value;
};

bool crl_table_take_extension(struct span *list, struct crl_extension *out);

#endif

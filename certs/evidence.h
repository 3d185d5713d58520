/*
 * Evidence: what is known of revocation under one trust: the newest CRL of each issuer's key and
 * scope, the newest OCSP answer of each certificate, and the marks below which nothing is taken any
 * more (no roll-back, RFC 5280 5.2.3).
 *
 * Floor 1: no clock, no I/O. One owner, one thread. It does not judge: verdict.h does, and checks
 * every piece again. A verdict is made from what is verified; settle first, with the chain's path.
 */
#ifndef WARDGATE_EVIDENCE_H
#define WARDGATE_EVIDENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/crl.h"
#include "certs/crl_intake.h"
#include "certs/path.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

enum {
    EVIDENCE_CRLS_MAX = 1024, /* verified and pending together; what is verified has precedence */
    EVIDENCE_ANSWERS_MAX = 20480,
    EVIDENCE_MARKS_MAX = EVIDENCE_CRLS_MAX + EVIDENCE_ANSWERS_MAX,
    EVIDENCE_PENDING_MAX = 256,
    EVIDENCE_PENDING_SOURCE_MAX = CRL_INTAKE_MAX, /* of one source */
    EVIDENCE_PENDING_LEN_MAX = 4 * 1024 * 1024,   /* DER of one: it is hashed on the loop */
    EVIDENCE_PENDING_MEMORY_MAX = 32 * 1024 * 1024,
    EVIDENCE_ANSWER_LEN_MAX = 16 * 1024,
    EVIDENCE_ID_LEN = 32,
    EVIDENCE_NUMBER_MAX = 20,
    EVIDENCE_SOURCE_MAX = 256,
    EVIDENCE_ISSUER_MAX = 256,
};

struct evidence;

struct evidence *evidence_new(void);    /* NULL: no memory */
void evidence_free(struct evidence *e); /* NULL is fine */

enum evidence_taken {
    EVIDENCE_NEW,     /* it is the newest of its kind now: verdicts may change, store it */
    EVIDENCE_SAME,    /* exactly what is known already */
    EVIDENCE_PENDING, /* a CRL that no CA at hand has signed: kept (of each source, issuer, key and
                         scope the last that came), it counts when a valid path shows its signer */
    EVIDENCE_OLDER,   /* below the mark: refused, an alarm (*f says what is older than what) */
    EVIDENCE_REFUSED, /* dated ahead (FAULT_NOT_YET), broken (FAULT_BAD_CERT), no room
                         (FAULT_LIMIT), no memory (FAULT_MEMORY): *f says why */
};

/* The name under which a CRL or an answer is stored: SHA-256 over signer's key, issuer, scope
 * (issuingDistributionPoint) and base/delta of a CRL; the fingerprint of the certificate that an
 * answer is about. */
struct evidence_id {
    uint8_t bytes[EVIDENCE_ID_LEN];
};

/* A CRL that crl_intake_read made; the evidence takes a hold of its own. A verified one takes the
 * place of the one before it, raises its mark and ends a pending one of the same source. It is
 * OLDER with a lower crlNumber, with an earlier thisUpdate (whatever its number), and SAME with
 * both equal to what is held. source: where it came from, for people; copied, cut. *id: filled for
 * NEW, SAME and OLDER. For NEW its DER can be had from crl_der until the intake is cleared: store
 * the CRL first and the marks after it, so that a power cut leaves no mark without its CRL. */
enum evidence_taken evidence_put_crl(struct evidence *e, const struct crl_arrival *arrival,
                                     const char *source, struct evidence_id *id, struct fault *f);

/* An OCSP response that was judged (ocsp_judge said GOOD, REVOKED or UNKNOWN with `this_update_s`)
 * about a certificate. */
struct evidence_answer {
    struct span cert;     /* DER */
    struct span response; /* up to EVIDENCE_ANSWER_LEN_MAX bytes */
    int64_t this_update_s;
    int64_t until_s;    /* how long it holds */
    bool is_revoked;    /* what it says: of two answers of the same second this one counts */
    const char *source; /* for people */
};

/* Everything is copied. OLDER with an earlier thisUpdate than the mark; with the same it is NEW
 * when it is the first to say "revoked", or holds longer without taking that back, else SAME. When
 * all places are taken, an answer that had ended before this one began makes room, with its mark.
 */
enum evidence_taken evidence_put_answer(struct evidence *e, const struct evidence_answer *answer,
                                        struct evidence_id *id, struct fault *f);

/* The mark of an id: nothing with a lower crlNumber or an earlier thisUpdate is taken. Raised by
 * each NEW; set from what outlived a restart (only ever raised). It outlives its CRL. */
struct evidence_mark {
    struct evidence_id id;
    uint8_t number[EVIDENCE_NUMBER_MAX]; /* crlNumber, content of the INTEGER */
    size_t number_len;                   /* 0: none, or an OCSP answer */
    int64_t this_update_s;
};

/* False: no memory, no room, or number_len is beyond EVIDENCE_NUMBER_MAX. */
bool evidence_raise_mark(struct evidence *e, const struct evidence_mark *mark);

/* All marks, in the order of their ids (raising them in this order is quickest); lives until the
 * next call that changes. Returns how many. */
size_t evidence_marks(const struct evidence *e, const struct evidence_mark **out);

/* What is held, for the judge and for status. Lives until the next call that changes. */
struct evidence_crl {
    struct crl *crl;
    struct evidence_id id;
    bool is_verified; /* false: EVIDENCE_PENDING */
    char source[EVIDENCE_SOURCE_MAX];
    char issuer[EVIDENCE_ISSUER_MAX]; /* RFC 4514-like */
};

size_t evidence_crls(const struct evidence *e, const struct evidence_crl **out);

/* The stored response about this certificate; empty: none. Lives until the next call that changes,
 * like everything that the next two give. */
struct span evidence_answer_of(const struct evidence *e, struct span cert);
/* Its end; false: none. */
bool evidence_answer_until(const struct evidence *e, struct span cert, int64_t *until_s);
/* All of it, for status; out->cert is the caller's. False: none, *out is then unchanged. */
bool evidence_answer_look(const struct evidence *e, struct span cert, struct evidence_answer *out);
size_t evidence_answer_count(const struct evidence *e);

/* What became of one pending CRL. crl: as it is held now, or was about to be; crl_der
 * gives the DER to store for the time of the call. Must not change the evidence. */
typedef void (*evidence_tell_fn)(void *owner, enum evidence_taken taken,
                                 const struct evidence_crl *crl);

/* What a peer has shown, and what the trust adds to it. All borrowed. */
struct evidence_showing {
    const struct path *path;    /* of the peer, validated (path_validate) */
    const struct span *signers; /* the trust's CRL signers (trust_crl_signers), no others */
    size_t signer_count;
    unsigned allows; /* trust_allows */
    int64_t now_s;
};

/* CRLs that were pending and that one of the path's CAs or, in its place, a CRL signer has signed
 * take their place (NEW), or go (SAME, OLDER). Those dated ahead of now_s wait on. True: verdicts
 * may change; `tell` (may be NULL) is called for each that does not wait any more. The same showing
 * again costs some hashes and no signature. */
bool evidence_settle(struct evidence *e, const struct evidence_showing *shown,
                     evidence_tell_fn tell, void *owner);

/* Forget what came from this source (it was taken out of the configuration; a file of a drop folder
 * is gone): only pending ones. What is verified stays until it is replaced: that a file went is no
 * reason to forget that somebody is revoked. */
void evidence_forget_source(struct evidence *e, const char *source);

/* Every change that may change a verdict raises it: NEW, and PENDING (a path that is known already
 * may show its signer). */
uint64_t evidence_generation(const struct evidence *e);

#endif

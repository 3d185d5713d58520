/*
 * Judge: one verdict over a whole chain from path, CRLs, OCSP answers and the block list.
 *
 * Floor 1, pure. The one function behind every link (both roles, both TLS versions, live re-checks)
 * and behind `wardgate verify`.
 */
#ifndef WARDGATE_JUDGE_H
#define WARDGATE_JUDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/crl.h"
#include "certs/names.h"
#include "certs/path.h"
#include "certs/reasons.h"
#include "certs/verdict.h"

enum { JUDGE_EVIDENCE_MAX = 128 };

enum judge_policy {
    JUDGE_HARD,  /* only what is good passes */
    JUDGE_GRACE, /* also what was good at last, for grace_s past its end */
    JUDGE_SOFT,  /* also unknown, stale and unavailable; revoked never */
    JUDGE_OFF,   /* revocation is not asked */
};

/* For which certificates below the anchor a status is required. Evidence that one of the others is
 * revoked refuses the chain all the same. The anchor itself is not asked. */
enum judge_need { JUDGE_NEED_CHAIN, JUDGE_NEED_LEAF };

/* A certificate that somebody here has blocked: whatever anybody else says, it is revoked. */
enum judge_block_kind {
    JUDGE_BLOCK_SERIAL,      /* value: content of the INTEGER, without leading zero bytes */
    JUDGE_BLOCK_FINGERPRINT, /* value: SHA-256 over the DER, 32 bytes */
};

struct judge_block {
    enum judge_block_kind kind;
    struct span value;
    const char *reason; /* for people */
};

/* Evidence to judge by; all borrowed. What the judges refuse is no information and never helps. Who
 * signed a CRL without being of the path, or an OCSP answer without being the CA or carrying
 * id-pkix-ocsp-nocheck, is asked for its own status, by CRLs only: revoked makes the evidence void,
 * and where the chain is needed anything but good leaves it the right to say "revoked" alone. What
 * a blocked certificate has signed is void, too. */
struct judge_evidence {
    struct crl *const *crls; /* base and delta CRLs, any issuer, not yet verified */
    size_t crl_count;
    const struct span *ocsp; /* OCSP responses, DER */
    size_t ocsp_count;
    const struct span *signers; /* certificates that may sign CRLs besides the path's */
    size_t signer_count;
    const struct judge_block
        *blocks; /* the local block list: asked first, and under every policy */
    size_t block_count;
};

struct judge_settings {
    struct path_settings path;
    enum judge_policy policy;
    enum judge_need need;
    int64_t grace_s;               /* JUDGE_GRACE only; this and the next two are 0 or more */
    int64_t ocsp_max_age_s;        /* of an answer without nextUpdate */
    int64_t skew_s;                /* of an OCSP responder's clock */
    bool honours_must_staple;      /* a leaf with the TLS feature status_request (RFC 7633) needs an
                                      OCSP answer under JUDGE_HARD and JUDGE_GRACE: a CRL alone
                                      leaves it VERDICT_UNAVAILABLE */
    const struct name_rule *names; /* any of them must match; count 0: names are not asked */
    size_t name_count;
};

/* What is known of one certificate of the path. */
struct judge_level {
    enum verdict_kind kind; /* VERDICT_NOT_CHECKED: it was not asked */
    bool is_in_grace;       /* VERDICT_STALE, but still within the grace time of JUDGE_GRACE */
    bool lacks_ocsp;        /* VERDICT_UNAVAILABLE only because of honours_must_staple */
    int64_t until_s;        /* end of the evidence used: VERDICT_GOOD, or in grace */
    char evidence[JUDGE_EVIDENCE_MAX]; /* what decided, as judge_note.h shows; "block list"; ""
                                          when nothing did. Of several pieces the latest one */
};

struct judge_result {
    bool accepted;
    bool is_blocked;        /* the block list decided: nothing else was asked */
    struct verdict verdict; /* the worst over the certificates; revoked beats everything. It holds
                               to the first end of the evidence used, of who signed it and of the
                               path's certificates; not at all (settings->path.now_s) when nothing
                               was good. A path or a name that is refused leaves
                               VERDICT_UNAVAILABLE */
    struct path path;       /* count 0: none was found, or the leaf is blocked */
    struct judge_level levels[PATH_MAX_CERTS]; /* of path.certs; the anchor is not asked, but for
                                                  the block list */
};

/* Judge; settings->path.now_s is 0 or more. The reasons say per certificate what was checked and
 * against which evidence. A certificate of the block list (the leaf, or any of the path with its
 * anchor) makes it VERDICT_REVOKED under every policy, and nothing else is asked then. */
void judge_chain(const struct path_input *in, const struct judge_evidence *evidence,
                 const struct judge_settings *settings, struct judge_result *out,
                 struct reasons *why);

/* The first step of judge_chain alone: is the leaf blocked? *out is then the whole answer; else it
 * is refused without a reason, and VERDICT_UNAVAILABLE. */
bool judge_blocked_leaf(struct span leaf, const struct judge_evidence *evidence,
                        const struct judge_settings *settings, struct judge_result *out,
                        struct reasons *why);

/* The same as judge_chain for a path that path_validate has accepted: count is 2 or more, and it
 * still holds at settings->path.now_s, which is not checked again. */
void judge_path(const struct path *path, const struct judge_evidence *evidence,
                const struct judge_settings *settings, struct judge_result *out,
                struct reasons *why);

/* The one sentence that decided. why: the list that judge_chain filled, not NULL. Never NULL. */
const char *judge_sentence(const struct judge_result *result, const struct judge_settings *settings,
                           const struct reasons *why);

#endif

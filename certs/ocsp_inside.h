/*
 * The parts of an OCSP answer, read and checked one by one. Inside of ocsp_*.c and for their tests.
 *
 * Floor 1, pure. Everything borrows from the DER it was read from.
 */
#ifndef WARDGATE_OCSP_INSIDE_H
#define WARDGATE_OCSP_INSIDE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "certs/chain_cert.h"
#include "certs/ocsp.h"
#include "protocols/bytes.h"

enum { OCSP_HASH_MAX = 32 };

/* How a CertID names the issuer (ocsp_request.c). */
struct ocsp_id {
    uint8_t name[OCSP_HASH_MAX];
    uint8_t key[OCSP_HASH_MAX];
    size_t hash_len;
};

/* Hash the issuer's name as `cert` writes it, and the bits of the issuer's key. */
bool ocsp_id_make(const struct cert_view *cert, const struct cert_view *issuer, enum ocsp_hash hash,
                  struct ocsp_id *out);

/* The hash over the bits of a SubjectPublicKeyInfo, without its algorithm. */
bool ocsp_id_key(struct span key_info, enum ocsp_hash hash, uint8_t out[OCSP_HASH_MAX],
                 size_t *len);

/* A BasicOCSPResponse of a successful answer (ocsp_parse.c). */
struct ocsp_basic {
    struct span tbs;            /* what is signed, with its header */
    struct span algorithm;      /* of the signature, with its header */
    struct span signature;      /* the bits */
    struct span certs;          /* certificates, one after the other; may be empty */
    struct span responder_name; /* Name with its header; empty: by key */
    struct span responder_key;  /* SHA-1 of the key's bits; empty: by name */
    int64_t produced_at_s;
    struct span singles; /* SingleResponses, one after the other */
    struct span nonce;   /* empty: none */
};

/* NULL, or what is wrong with it: also every responseStatus but successful, and critical extensions
 * that are not known here. */
const char *ocsp_parse_response(struct span der, struct ocsp_basic *out);

struct ocsp_single {
    enum ocsp_hash hash;
    bool is_hash_known; /* else its CertID can match nothing */
    struct span name_hash;
    struct span key_hash;
    struct span serial; /* content of the INTEGER */
    enum ocsp_answer status;
    int64_t revoked_at_s; /* OCSP_REVOKED only, like: */
    uint8_t reason;       /* CRLReason; 0: none is given */
    int64_t this_update_s;
    bool has_next_update;
    int64_t next_update_s;
    bool has_unknown_critical;
};

/* Take the next SingleResponse. False when it is broken; *singles is then unchanged. */
bool ocsp_parse_single(struct span *singles, struct ocsp_single *out);

/* Who signed (ocsp_signer.c). */
struct ocsp_signer {
    struct span cert; /* empty: the CA itself */
    bool must_check;
};

/* Is the answer signed by someone who may answer for this CA? NULL, or why not. */
const char *ocsp_signer_check(const struct ocsp_basic *basic, const struct chain_cert *issuer,
                              const struct ocsp_question *q, struct ocsp_signer *out);

#endif

#include "certs/judge_block.h"

#include "certs/cert.h"
#include "certs/digest.h"

static const char cannot_tell[] = "the certificate cannot be compared with the block list";

/* A certificate, with what it takes to compare it. */
struct subject {
    bool has_serial;
    struct span serial; /* without leading zero bytes */
    bool has_digest;
    uint8_t digest[DIGEST_LEN];
};

/* The zero byte that keeps a large number positive is no part of what people read and type. */
static struct span without_zeros(struct span number)
{
    uint8_t top;

    while (span_at(number, 0, &top) && top == 0) {
        number = span_after(number, 1);
    }
    return number;
}

/* Worked out once, and only what the list asks for: hashing each certificate costs. False: the hash
 * cannot be had. */
static bool prepare(struct subject *s, struct span cert, enum judge_block_kind kind)
{
    struct cert_view view;

    switch (kind) {
    case JUDGE_BLOCK_SERIAL:
        if (!s->has_serial && cert_view_read(cert, &view)) {
            s->serial = without_zeros(view.serial);
            s->has_serial = true;
        }
        return true;
    case JUDGE_BLOCK_FINGERPRINT:
        s->has_digest = s->has_digest || digest_sha256(cert, s->digest);
        return s->has_digest;
    }
    return false;
}

static bool is_meant(const struct subject *s, const struct judge_block *block)
{
    return block->kind == JUDGE_BLOCK_SERIAL
               ? s->has_serial && span_equal(s->serial, without_zeros(block->value))
               : span_equal(span_of(s->digest, DIGEST_LEN), block->value);
}

const char *judge_block_find(struct span cert, const struct judge_evidence *evidence)
{
    struct subject s = {.has_serial = false};

    for (size_t i = 0; i < evidence->block_count; i++) {
        const struct judge_block *block = &evidence->blocks[i];
        if (!prepare(&s, cert, block->kind)) {
            return cannot_tell;
        }
        if (is_meant(&s, block)) {
            return block->reason != NULL ? block->reason : "";
        }
    }
    return NULL;
}

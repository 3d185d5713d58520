/* An OCSP answer and the certificates it is about, all hostile: length and certificate, length and
 * CA, answer. No byte may be missing or too much in an answer that counts. */
#include <assert.h>
#include <string.h>

#include "certs/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* About when the seeds were signed. */
static const int64_t now_s = INT64_C(1795353137);

static bool take_part(struct span *from, struct span *out)
{
    uint16_t len;

    return span_take_u16(from, &len) && span_take(from, len, out);
}

static void check_evidence(const struct ocsp_evidence *e, struct span response)
{
    assert(e->produced_at_s <= now_s);
    if (e->signer.len > 0) {
        assert(e->signer.data >= response.data);
        assert(e->signer.data + e->signer.len <= response.data + response.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct reasons why;
    struct span rest = span_of(data, size);
    struct ocsp_question q = {.now_s = now_s, .max_age_s = INT64_MAX, .grace_s = INT64_MAX};
    struct ocsp_evidence evidence;
    uint8_t bytes[OCSP_REQUEST_MAX];
    struct room request = room_of(bytes, sizeof(bytes));
    enum ocsp_answer answer;

    if (!take_part(&rest, &q.cert) || !take_part(&rest, &q.issuer)) {
        return 0;
    }
    (void)ocsp_request(q.cert, q.issuer, OCSP_SHA256, span_first(rest, 0), &request);
    why.count = 0;
    answer = ocsp_judge(rest, &q, &evidence, &why);
    assert(why.count == 1 && strlen(why.lines[0].text) < REASONS_LINE_MAX);
    if (answer == OCSP_NOTHING) {
        return 0;
    }
    check_evidence(&evidence, rest);
    rest.len--;
    assert(ocsp_judge(rest, &q, &evidence, NULL) == OCSP_NOTHING);
    return 0;
}

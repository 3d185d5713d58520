#include "certs/judge_note.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "certs/cert.h"

enum { TIME_MAX = 32, NUMBER_MAX = 48 };

/* RFC 3339 in UTC; "?" for a year that has more than four digits. */
static const char *put_time(int64_t at_s, char out[TIME_MAX])
{
    enum { YEAR_9999 = 8099, YEAR_0 = -1900 };

    time_t at = (time_t)at_s;
    struct tm parts;

    if (gmtime_r(&at, &parts) == NULL || parts.tm_year > YEAR_9999 || parts.tm_year < YEAR_0 ||
        strftime(out, TIME_MAX, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        memcpy(out, "?", 2);
    }
    return out;
}

/* As openssl and the certificates' serial numbers are shown: upper-case hex. */
static const char *put_number(const struct crl *c, char out[NUMBER_MAX])
{
    struct span number = crl_number(c);
    size_t len = 0;
    uint8_t byte;

    (void)snprintf(out, NUMBER_MAX, "without number");
    while (len + 3 <= NUMBER_MAX && span_take_u8(&number, &byte)) {
        len += (size_t)snprintf(out + len, NUMBER_MAX - len, "%02X", byte);
    }
    return out;
}

static const char *reason_word(unsigned reason)
{
    static const char *const words[] = {
        "unspecified",   "keyCompromise",        "cACompromise",    "affiliationChanged",
        "superseded",    "cessationOfOperation", "certificateHold", "reason 7",
        "removeFromCRL", "privilegeWithdrawn",   "aACompromise"};

    return reason < sizeof(words) / sizeof(words[0]) ? words[reason] : "unknown reason";
}

/* A text that was cut may end inside of a character of several bytes: JSON could not carry that. */
static void mend_end(char out[JUDGE_EVIDENCE_MAX], int wanted)
{
    size_t len = strlen(out);

    if (wanted < JUDGE_EVIDENCE_MAX) {
        return;
    }
    while (len > 0 && ((unsigned char)out[len - 1] & 0x80) != 0) {
        len--;
        out[len] = '\0';
    }
}

void judge_note_crl(const struct crl *c, const struct crl *delta, char out[JUDGE_EVIDENCE_MAX])
{
    char number[NUMBER_MAX];
    char delta_number[NUMBER_MAX] = "";
    char from[TIME_MAX];
    char until[TIME_MAX];
    int64_t next_s = 0;
    bool has_next = crl_next_update_s(c, &next_s);

    if (delta != NULL) {
        (void)put_number(delta, delta_number);
    }
    (void)snprintf(out, JUDGE_EVIDENCE_MAX, "CRL %s of %s%s%s%s%s", put_number(c, number),
                   put_time(crl_this_update_s(c), from), has_next ? ", next " : "",
                   has_next ? put_time(next_s, until) : "", delta != NULL ? ", delta " : "",
                   delta_number);
}

void judge_note_crl_revoked(const struct crl *c, const struct crl_evidence *found,
                            char out[JUDGE_EVIDENCE_MAX])
{
    char number[NUMBER_MAX];
    char from[TIME_MAX];
    char when[TIME_MAX];

    (void)snprintf(out, JUDGE_EVIDENCE_MAX, "%s %s of %s: revoked %s, %s",
                   crl_is_delta(c) ? "delta CRL" : "CRL", put_number(c, number),
                   put_time(crl_this_update_s(c), from), put_time(found->revoked_at_s, when),
                   reason_word(found->reason));
}

void judge_note_ocsp(enum ocsp_answer answer, const struct ocsp_evidence *found, struct span issuer,
                     char out[JUDGE_EVIDENCE_MAX])
{
    struct cert_view view;
    struct cert_facts facts = {.subject = "?"};
    char produced[TIME_MAX];
    char middle[TIME_MAX + 64] = "";

    if (cert_view_read(found->signer.len > 0 ? found->signer : issuer, &view)) {
        cert_view_facts(&view, &facts);
    }
    if (answer == OCSP_REVOKED) {
        char when[TIME_MAX];
        (void)snprintf(middle, sizeof(middle), ": revoked %s, %s,",
                       put_time(found->revoked_at_s, when), reason_word(found->reason));
    } else if (answer == OCSP_UNKNOWN) {
        (void)snprintf(middle, sizeof(middle), ": unknown,");
    }
    mend_end(out, snprintf(out, JUDGE_EVIDENCE_MAX, "OCSP of %s%s by %s",
                           put_time(found->produced_at_s, produced), middle, facts.subject));
}

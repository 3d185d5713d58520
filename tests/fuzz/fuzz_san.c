/* A peer's certificate, as our own reader sees it: whatever the bytes are, no name matches by
 * accident, and no text of it can break a log line. */
#include <assert.h>
#include <string.h>

#include "certs/cert.h"
#include "certs/names.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(const char *text, size_t cap)
{
    assert(strlen(text) < cap);
    for (const char *c = text; *c != '\0'; c++) {
        assert((unsigned char)*c >= ' ' && *c != 0x7F);
    }
}

/* Some SAN of the right kind holds the bytes of the rule, or a wildcard for them. */
static bool holds(struct span san, unsigned wanted, const char *text)
{
    struct span value;
    unsigned kind;

    while (cert_san_take(&san, &kind, &value)) {
        bool is_wild = value.len > 0 && value.data[0] == '*';
        if (kind == wanted && (is_wild || value.len >= strlen(text))) {
            return true;
        }
    }
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct name_rule rules[] = {{NAME_DNS, "bms.hospital.example"},
                                             {NAME_URI, "urn:hospital:bms"}};
    struct span der = span_of(data, size);
    struct cert_view view;
    struct cert_facts facts;
    const struct name_rule *matched = NULL;
    bool is_match = names_match_certificate(rules, 2, der, &matched);

    if (!cert_view_read(der, &view)) {
        assert(!is_match);
        return 0;
    }
    cert_view_facts(&view, &facts);
    check_text(facts.subject, sizeof(facts.subject));
    check_text(facts.issuer, sizeof(facts.issuer));
    check_text(facts.serial, sizeof(facts.serial));
    assert(strlen(facts.fingerprint) == 64);
    if (is_match) {
        unsigned kind = matched->kind == NAME_DNS ? CERT_SAN_DNS : CERT_SAN_URI;
        assert(holds(view.san, kind, matched->value));
    }
    return 0;
}

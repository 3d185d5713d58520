#include "certs/crl_guess.h"

#include <string.h>

#include "certs/cert.h"
#include "certs/der.h"

enum {
    HEAD_MAX = 1024, /* where a page says that it is HTML */
    DER_ENUMERATED = 0x0A,
};

static const char begin_mark[] = "-----BEGIN ";
static const char end_mark[] = "-----END ";

static char small(uint8_t c)
{
    return (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
}

/* Does it begin with this word of small letters, whatever the case? */
static bool begins_with(struct span text, const char *word)
{
    uint8_t c;

    for (; *word != '\0'; word++) {
        if (!span_take_u8(&text, &c) || small(c) != *word) {
            return false;
        }
    }
    return true;
}

/* What follows the first `word` (as it is written) in the text; false: it is not there. */
static bool find_after(struct span text, const char *word, struct span *out)
{
    struct span wanted = span_of_text(word);
    uint8_t first = (uint8_t)word[0];

    while (text.len >= wanted.len) {
        text = span_after(text, span_find(text, first));
        if (span_equal(span_first(text, wanted.len), wanted)) {
            *out = span_after(text, wanted.len);
            return true;
        }
        text = span_after(text, 1);
    }
    return false;
}

static struct span skip_blanks(struct span text)
{
    uint8_t c;

    /* The byte order mark that some editors put in front of a text. */
    if (begins_with(text, "\xEF\xBB\xBF")) {
        text = span_after(text, 3);
    }
    while (span_at(text, 0, &c) && (c == ' ' || c == '\t' || c == '\r' || c == '\n')) {
        text = span_after(text, 1);
    }
    return text;
}

/* A page may begin with a comment or an XML declaration. */
static bool is_html(struct span text)
{
    text = span_first(text, HEAD_MAX);
    while (begins_with(text, "<")) {
        if (begins_with(text, "<html") || begins_with(text, "<!doctype html")) {
            return true;
        }
        text = span_after(text, 1);
        text = span_after(text, span_find(text, '<'));
    }
    return false;
}

/* A SEQUENCE whose header says that it is longer than all there is: the usual end of a download
 * that broke off. */
static bool is_cut(struct span der)
{
    uint8_t tag;
    uint8_t first;
    size_t len = 0;

    if (!span_take_u8(&der, &tag) || tag != DER_SEQUENCE || !span_take_u8(&der, &first)) {
        return false;
    }
    if (first < 0x80) {
        return first > der.len;
    }
    if (first == 0x80 || first > 0x84) {
        return false;
    }
    for (unsigned i = 0x80; i < first; i++) {
        uint8_t byte;
        if (!span_take_u8(&der, &byte)) {
            return true;
        }
        len = (len << 8) | byte;
    }
    return len > der.len;
}

static const char *guess_der(struct span der)
{
    struct span at = der;
    struct span list;
    struct span inner;
    struct cert_view view;
    uint8_t tag;

    if (is_cut(der)) {
        return "it is truncated";
    }
    if (!der_take_tag(&at, DER_SEQUENCE, &list)) {
        return NULL;
    }
    if (at.len > 0) {
        return "there is something behind its end";
    }
    if (cert_view_read(der, &view)) {
        return "it is a certificate, not a CRL";
    }
    if (!der_take(&list, &tag, &inner)) {
        return NULL;
    }
    if (tag == DER_ENUMERATED) {
        return "it is an OCSP response, not a CRL";
    }
    return tag == DER_OID ? "it is a PKCS #7 file, not a CRL" : NULL;
}

static const char *guess_pem(struct span text)
{
    struct span rest = text;
    struct span label;

    /* Up to the line's end; a file that ends in it is cut. */
    if (!find_after(text, begin_mark, &rest) || !find_after(rest, end_mark, &label)) {
        return "it is truncated";
    }
    label = span_first(rest, span_find(rest, '\n'));
    if (find_after(label, "PRIVATE KEY", &rest)) {
        return "it is a private key, not a CRL";
    }
    if (begins_with(label, "x509 crl") || begins_with(label, "pkcs7")) {
        return begins_with(label, "pkcs7") ? "it is a PKCS #7 file, not a CRL" : NULL;
    }
    return find_after(label, "CERTIFICATE-----", &rest)
               ? "it is a certificate, not a CRL"
               : "there is no -----BEGIN X509 CRL----- in it";
}

static bool has_der_head(struct span bytes)
{
    uint8_t tag = 0;
    uint8_t len = 0;

    /* A letter of a text is below 0x80, and a CRL is longer than a one-byte length can say. */
    return span_at(bytes, 0, &tag) && tag == DER_SEQUENCE && span_at(bytes, 1, &len) && len >= 0x80;
}

bool crl_guess_is_pem(struct span bytes)
{
    struct span rest;

    return !has_der_head(bytes) && find_after(bytes, begin_mark, &rest);
}

const char *crl_guess_kind(struct span bytes)
{
    struct span text = skip_blanks(bytes);

    if (text.len == 0) {
        return "it is empty";
    }
    if (crl_guess_is_pem(bytes)) {
        return guess_pem(bytes);
    }
    if (is_html(text)) {
        return "it is an HTML page, not a CRL";
    }
    if (begins_with(text, "<") || begins_with(text, "{")) {
        return "it is XML or JSON, not a CRL";
    }
    if (begins_with(text, "\x1F\x8B")) {
        return "it is compressed (gzip), not a CRL";
    }
    return guess_der(bytes);
}

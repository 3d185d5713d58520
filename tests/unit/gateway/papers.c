#include "tests/unit/gateway/papers.h"

#include <time.h>

#include <criterion/criterion.h>

#include "gateway/io.h"
#include "tests/unit/certs/crl_case.h"
#include "tests/unit/certs/forge.h"
#include "tests/unit/certs/ocsp_make.h"

enum { TIME_MAX = 16 };

/* GeneralizedTime. */
static const char *time_text(int64_t at_s, char to[TIME_MAX])
{
    time_t at = (time_t)at_s;
    struct tm parts;
    cr_assert_not_null(gmtime_r(&at, &parts));
    cr_assert_eq(strftime(to, TIME_MAX, "%Y%m%d%H%M%SZ", &parts), TIME_MAX - 1);
    return to;
}

struct span papers_root(unsigned key)
{
    const struct forge recipe = {
        .subject = "Root", .issuer = "Root", .key = key, .signer = key, .is_ca = true};
    return forge_cert(&recipe);
}

struct span papers_sub(void)
{
    const struct forge recipe = {.subject = "Sub",
                                 .issuer = "Root",
                                 .key = PAPERS_SUB,
                                 .signer = PAPERS_ROOT,
                                 .is_ca = true};
    return forge_cert(&recipe);
}

static struct span aia(const char *url)
{
    struct span place = FORGE_SEQUENCE(forge_hex("06082B06010505073001"), forge_text(0x86, url));
    return forge_extension("2B06010505070101", false, FORGE_SEQUENCE(place));
}

static struct span cdp(const char *url)
{
    struct span name = forge_tlv(0xA0, forge_tlv(0xA0, forge_text(0x86, url)));
    return forge_extension("551D1F", false, FORGE_SEQUENCE(FORGE_SEQUENCE(name)));
}

struct span papers_leaf(uint8_t serial, const char *ocsp_url, const char *crl_url)
{
    struct forge recipe = {.subject = "pump",
                           .issuer = "Root",
                           .key = PAPERS_LEAF,
                           .signer = PAPERS_ROOT,
                           .serial = span_of(&serial, 1)};
    size_t count = 0;
    if (ocsp_url != NULL) {
        recipe.extra[count++] = aia(ocsp_url);
    }
    if (crl_url != NULL) {
        recipe.extra[count++] = cdp(crl_url);
    }
    return forge_cert(&recipe);
}

struct trust *papers_trust(unsigned key)
{
    const struct span root = papers_root(key);
    return crl_case_trust(&root, 1, NULL, 0);
}

struct span papers_crl(const struct papers_crl *c)
{
    char from[TIME_MAX];
    char until[TIME_MAX];
    const struct crl_case list = {
        .issuer = c->issuer != NULL ? c->issuer : "Root",
        .key = c->key != 0 ? c->key : PAPERS_ROOT,
        .number = c->number,
        .this_update = time_text(io_wall_s() + (c->from_s != 0 ? c->from_s : -3600), from),
        .next_update = time_text(io_wall_s() + (c->until_s != 0 ? c->until_s : 36000), until)};
    struct span der = crl_case_crl(&list);
    return c->is_pem ? crl_case_pem("X509 CRL", der) : der;
}

struct span papers_answer(const struct papers_answer *a)
{
    char from[TIME_MAX];
    char until[TIME_MAX];
    const struct ocsp_make spec = {
        .cert = a->cert,
        .issuer = papers_root(PAPERS_ROOT),
        .issuer_key = a->key != 0 ? a->key : PAPERS_ROOT,
        .is_forged = true,
        .status = a->status,
        .this_update = time_text(io_wall_s() + (a->from_s != 0 ? a->from_s : -60), from),
        .next_update = time_text(io_wall_s() + (a->until_s != 0 ? a->until_s : 3600), until),
        .reason = -1,
        .nonce = a->nonce};
    return ocsp_make_answer(&spec);
}

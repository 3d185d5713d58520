#include "conf/build_trust.h"

#include <stdio.h>
#include <string.h>

#include "certs/signature.h"

enum { SECOND_MS = 1000 };

/* anyPolicy (RFC 5280 4.2.1.4), content of its DER. */
static const uint8_t any_policy[] = {0x55, 0x1d, 0x20, 0x00};

/* ---- Where evidence comes from ---- */

/* A path, absolute and without a slash at its end, which only says that it is a folder. */
static void fill_path(struct section *s, const struct reader_entry *entry, struct conf_crl *crl)
{
    crl->text = section_item_path(s, entry);
    if (crl->text == NULL) {
        return;
    }
    size_t len = strlen(crl->text);
    crl->kind = crl->text[len - 1] == '/' ? CONF_CRL_FOLDER : CONF_CRL_FILE;
    while (len > 1 && crl->text[len - 1] == '/') {
        len--;
    }
    crl->text[len] = '\0';
}

static void fill_crls(struct conf_trust *t, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_CRL);
    size_t at = 0;
    if (entry == NULL) {
        return;
    }
    t->crls = pool_take(s->pool, s->text->entry_count, sizeof(*t->crls));
    if (t->crls == NULL) {
        section_run_out(s);
        return;
    }
    while ((entry = reader_next(s->text, KEYS_CRL, &at)) != NULL) {
        const char *path = NULL;
        struct conf_crl crl = {.kind = CONF_CRL_URL, .line = entry->line};
        if (values_is_url(entry->value)) {
            crl.text = section_url(s, entry, &path);
        } else {
            fill_path(s, entry, &crl);
        }
        if (crl.text != NULL) {
            t->crls[t->crl_count] = crl;
            t->crl_count++;
        }
    }
}

static void fill_ocsp(struct conf_trust *t, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_OCSP);
    const char *path = NULL;
    if (entry == NULL || strcmp(entry->value, "off") == 0) {
        t->ocsp = CONF_OCSP_OFF;
    } else if (strcmp(entry->value, "aia") == 0) {
        t->ocsp = CONF_OCSP_AIA;
    } else {
        t->ocsp = CONF_OCSP_URL; /* it was meant so, be it right or wrong */
        if (values_is_url(entry->value)) {
            t->ocsp_url = section_url(s, entry, &path);
        } else {
            section_refuse(s, entry, "is neither a URL nor aia nor off", NULL);
        }
    }
}

static void fill_fetch_hosts(struct conf_trust *t, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_FETCH_HOSTS);
    struct values_address address;
    struct values_error why;
    size_t at = 0;
    if (entry == NULL) {
        return;
    }
    t->fetch_hosts = pool_take(s->pool, s->text->entry_count, sizeof(*t->fetch_hosts));
    if (t->fetch_hosts == NULL) {
        section_run_out(s);
        return;
    }
    while ((entry = reader_next(s->text, KEYS_FETCH_HOSTS, &at)) != NULL) {
        if (values_fetch_host(entry->value, &address, &why) != 0) {
            section_refuse(s, entry, why.wrong, NULL);
            continue;
        }
        struct conf_fetch_host *host = &t->fetch_hosts[t->fetch_host_count];
        host->host = section_copy(s, address.host);
        host->port = address.port;
        t->fetch_host_count++;
    }
}

/* ---- What is asked of a chain besides ---- */

static void fill_policy(struct conf_trust *t, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_POLICY);
    struct values_oid oid;
    struct values_error why;
    if (entry == NULL) {
        return;
    }
    if (values_oid(entry->value, &oid, &why) != 0) {
        section_refuse_value(s, entry, &why);
        return;
    }
    if (span_equal(span_of(oid.bytes, oid.len), span_of(any_policy, sizeof(any_policy)))) {
        section_refuse(s, entry, "is every policy, which asks for none",
                       "the OID of one policy, or no such line");
        return;
    }
    uint8_t *bytes = pool_take(s->pool, oid.len, 1);
    if (bytes == NULL) {
        section_run_out(s);
        return;
    }
    memcpy(bytes, oid.bytes, oid.len);
    t->policy = span_of(bytes, oid.len);
}

/* ---- Checks between the keys of one section ---- */

/* Without a source hard refuses everyone, and soft nobody: neither is what someone wanted. */
static const char *without_sources(enum conf_revocation revocation)
{
    return revocation == CONF_REVOCATION_SOFT
               ? "has nothing to ask about revocation, so that no revoked certificate would ever "
                 "be found"
               : "has nothing to ask about revocation, so that every link would be refused";
}

static const char sources[] = "crl = FILE, FOLDER or URL, or ocsp = URL, or revocation = off";

static bool has_source(const struct conf_trust *t)
{
    return t->has_crl || t->ocsp != CONF_OCSP_OFF || t->follow_cdp;
}

static void check_sources(const struct conf_trust *t, struct section *s)
{
    const struct reader_entry *revocation = section_entry(s, KEYS_REVOCATION);
    const struct reader_entry *hosts = section_entry(s, KEYS_FETCH_HOSTS);
    const struct reader_entry *nonce = section_entry(s, KEYS_OCSP_NONCE);
    const struct reader_entry *signers = section_entry(s, KEYS_CRL_SIGNERS);
    bool is_known = revocation == NULL || section_has_choice(s, KEYS_REVOCATION);
    if (is_known && t->revocation != CONF_REVOCATION_OFF && !has_source(t)) {
        section_refuse(s, revocation, without_sources(t->revocation), sources);
    }
    if (hosts == NULL && t->follow_cdp) {
        section_refuse(s, section_entry(s, KEYS_FOLLOW_CDP),
                       "would follow a certificate to any host",
                       "fetch_hosts = HOST beside it, the hosts where CRLs are");
    }
    if (hosts == NULL && t->ocsp == CONF_OCSP_AIA) {
        section_refuse(s, section_entry(s, KEYS_OCSP), "would follow a certificate to any host",
                       "fetch_hosts = HOST beside it, the hosts of the responders");
    }
    if (hosts != NULL && t->ocsp != CONF_OCSP_AIA && !t->follow_cdp) {
        section_refuse(s, hosts, "has no use here",
                       "follow_cdp = yes or ocsp = aia beside it; URLs of crl and ocsp need none");
    }
    if (nonce != NULL && t->ocsp == CONF_OCSP_OFF) {
        section_refuse(s, nonce, "has no use here", "ocsp = URL or aia beside it, or no such line");
    }
    if (signers != NULL && !t->has_crl && !t->follow_cdp) {
        section_refuse(s, signers, "has no use here",
                       "crl = FILE, FOLDER or URL beside it, or no such line");
    }
}

static void check_grace(struct section *s, const struct reader_entry *grace,
                        enum conf_revocation revocation)
{
    if (grace != NULL && revocation != CONF_REVOCATION_GRACE) {
        char right[SECTION_SAY_MAX];
        (void)snprintf(right, sizeof(right), "no such line, as it is only for revocation = grace%s",
                       s->text->kind == KEYS_DEVICE ? " of the device or its trust" : "");
        section_refuse(s, grace, "has no use here", right);
    }
}

void build_trust(struct conf_trust *t, struct section *s)
{
    t->name = section_copy(s, s->text->name);
    t->file = s->text->file;
    t->line = s->text->line;
    t->anchors = section_path(s, KEYS_ANCHORS);
    t->intermediates = section_path(s, KEYS_INTERMEDIATES);
    t->crl_signers = section_path(s, KEYS_CRL_SIGNERS);
    t->tls_min = s->number[KEYS_TLS_MIN] == 0 ? TLS_VERSION_1_2 : TLS_VERSION_1_3;
    t->revocation = (enum conf_revocation)s->number[KEYS_REVOCATION];
    t->grace_s = s->number[KEYS_GRACE] / SECOND_MS;
    t->has_crl = section_entry(s, KEYS_CRL) != NULL;
    fill_crls(t, s);
    fill_ocsp(t, s);
    t->nonce_required = s->number[KEYS_OCSP_NONCE] == 0; /* required | optional */
    t->follow_cdp = s->number[KEYS_FOLLOW_CDP] == 1;     /* no | yes */
    fill_fetch_hosts(t, s);
    t->check_timeout_ms = s->number[KEYS_CHECK_TIMEOUT];
    t->is_strict_profile = s->number[KEYS_CA_PROFILE] == 1; /* loose | strict */
    t->allows = (s->number[KEYS_RSA_MIN] == 1 ? (unsigned)SIGNATURE_ALLOWS_RSA_1024 : 0U) |
                (s->number[KEYS_ALLOW_SHA1] == 1 ? (unsigned)SIGNATURE_ALLOWS_SHA1 : 0U);
    fill_policy(t, s);
    t->requires_eku = s->number[KEYS_REQUIRE_EKU] == 1; /* no | yes */
    check_sources(t, s);
    if (section_entry(s, KEYS_REVOCATION) == NULL || section_has_choice(s, KEYS_REVOCATION)) {
        check_grace(s, section_entry(s, KEYS_GRACE), t->revocation);
    }
}

void build_trust_device(struct conf_device *d, struct section *s, const struct conf_trust *t)
{
    const struct reader_entry *own = section_entry(s, KEYS_DEVICE_REVOCATION);
    const struct reader_entry *grace = section_entry(s, KEYS_DEVICE_GRACE);
    const struct reader_entry *write = section_entry(s, KEYS_WRITE_REVOCATION);
    bool is_known = own == NULL || section_has_choice(s, KEYS_DEVICE_REVOCATION);
    d->trust_section = t;
    d->revocation = own != NULL && is_known
                        ? (enum conf_revocation)s->number[KEYS_DEVICE_REVOCATION]
                        : t->revocation;
    d->grace_s = grace != NULL ? s->number[KEYS_DEVICE_GRACE] / SECOND_MS : t->grace_s;
    d->writes_need_good = s->number[KEYS_WRITE_REVOCATION] == 0; /* hard | link */
    if (d->revocation != CONF_REVOCATION_GRACE) {
        d->grace_s = 0;
    }
    if (!is_known) {
        return;
    }
    check_grace(s, grace, d->revocation);
    if (own != NULL && d->revocation != CONF_REVOCATION_OFF && !has_source(t)) {
        section_refuse(s, own, without_sources(d->revocation),
                       "crl = FILE, FOLDER or URL, or ocsp = URL, in the section of its trust");
    }
    if (write != NULL && d->writes_need_good && d->revocation == CONF_REVOCATION_OFF) {
        section_refuse(s, write, "would refuse every write, as revocation is off",
                       "revocation = hard, grace or soft, or write_revocation = link");
    }
}

/* What status shows of revocation: each trust's CRLs and sources, blocks, grants, the clock. */
#include <stdio.h>
#include <string.h>

#include "certs/mem.h"
#include "certs/signature.h"
#include "gateway/revocation_private.h"

static void status_fill_crl(struct snapshot_crl *out, const struct evidence_crl *held)
{
    int64_t next_s = 0;
    memcpy(out->issuer, held->issuer, sizeof out->issuer);
    revocation_hex(crl_number(held->crl), out->number, sizeof out->number);
    out->this_update_s = crl_this_update_s(held->crl);
    out->next_update_s = crl_next_update_s(held->crl, &next_s) ? next_s : 0;
    out->entries = crl_entry_count(held->crl);
    out->is_delta = crl_is_delta(held->crl);
    out->is_verified = held->is_verified;
    (void)snprintf(out->source, sizeof out->source, "%s", held->source);
}

static bool status_add_crls(struct snapshot_trust *out, const struct knowledge *k)
{
    const struct evidence_crl *held = NULL;
    size_t count = evidence_crls(k->evidence, &held);
    out->crls = mem_new(count + 1, sizeof *out->crls);
    if (out->crls == NULL) {
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        status_fill_crl(&out->crls[i], &held[i]);
    }
    out->crl_count = count;
    return true;
}

static const char *status_kind(enum crl_source_kind kind)
{
    switch (kind) {
    case CRL_SOURCE_FILE:
        return "file";
    case CRL_SOURCE_FOLDER:
        return "folder";
    case CRL_SOURCE_URL:
        break;
    }
    return "url";
}

static bool status_add_sources(struct snapshot_trust *out, const struct knowledge *k)
{
    size_t count = 0;
    for (const struct source *s = k->sources; s != NULL; s = s->next) {
        count++;
    }
    out->sources = mem_new(count + 1, sizeof *out->sources);
    if (out->sources == NULL) {
        return false;
    }
    for (const struct source *s = k->sources; s != NULL; s = s->next) {
        struct snapshot_source *to = &out->sources[out->source_count];
        struct crl_source_facts facts;
        if (s->closing) {
            continue;
        }
        crl_source_tell(s->reader, &facts);
        (void)snprintf(to->place, sizeof to->place, "%s", s->place);
        to->kind = status_kind(s->kind);
        to->last_good_s = facts.last_good_s;
        to->next_s = facts.next_s;
        (void)snprintf(to->trouble, sizeof to->trouble, "%.199s",
                       s->told.code != FAULT_NONE ? s->told.note : "");
        out->source_count++;
    }
    return true;
}

/* In the order of the configuration. */
static bool status_add_trusts(struct revocation *r, struct snapshot *out)
{
    out->trusts = mem_new(r->conf->trust_count + 1, sizeof *out->trusts);
    if (out->trusts == NULL) {
        return false;
    }
    for (size_t i = 0; i < r->conf->trust_count; i++) {
        const struct knowledge *k = knowledge_find(r, r->conf->trusts[i].name);
        if (k == NULL) {
            continue; /* there was no memory for it, which the log said */
        }
        struct snapshot_trust *to = &out->trusts[out->trust_count++];
        to->name = k->name;
        to->revocation = conf_revocation_name(k->conf->revocation);
        to->weak = signature_allows_text(trust_allows(k->trust));
        to->answers = evidence_answer_count(k->evidence);
        if (!status_add_crls(to, k) || !status_add_sources(to, k)) {
            return false;
        }
    }
    return true;
}

static const char *status_block_kind(enum blocks_kind kind)
{
    switch (kind) {
    case BLOCKS_SERIAL:
        return "serial";
    case BLOCKS_FINGERPRINT:
        return "fingerprint";
    case BLOCKS_DEVICE:
        break;
    }
    return "device";
}

static bool status_add_exceptions(const struct revocation *r, struct snapshot *out)
{
    const struct blocks_entry *entries = NULL;
    const struct blocks_grant *grants = NULL;
    size_t entry_count = blocks_entries(r->blocks, &entries);
    size_t grant_count = blocks_grants(r->blocks, &grants);
    out->blocks = mem_new(entry_count + 1, sizeof *out->blocks);
    out->grants = mem_new(grant_count + 1, sizeof *out->grants);
    if (out->blocks == NULL || out->grants == NULL) {
        return false;
    }
    for (size_t i = 0; i < entry_count; i++) {
        out->blocks[out->block_count++] = (struct snapshot_block){
            .kind = status_block_kind(entries[i].kind),
            .value = entries[i].value,
            .reason = entries[i].reason,
            .at_s = entries[i].at_s};
    }
    for (size_t i = 0; i < grant_count; i++) {
        out->grants[out->grant_count++] = (struct snapshot_grant){.device = grants[i].device,
                                                                  .reason = grants[i].reason,
                                                                  .at_s = grants[i].at_s,
                                                                  .until_s = grants[i].until_s};
    }
    return true;
}

int revocation_snapshot(struct revocation *r, struct snapshot *out)
{
    out->clock = clock_state_name(clock_state(&r->clock));
    out->clock_trusted = revocation_clock_is_trusted(r);
    return status_add_trusts(r, out) && status_add_exceptions(r, out) ? 0 : FAULT_MEMORY;
}

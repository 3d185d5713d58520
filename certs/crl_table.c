#include <stdlib.h>
#include <string.h>

#include "certs/crl_inside.h"
#include "certs/der.h"
#include "certs/dn.h"
#include "certs/mem.h"

enum { DER_ENUMERATED = 0x0A, REASON_MAX = 10, PER_PART = 4 };

const char crl_table_memory[] = "no memory";

static const char broken_entry[] = "the list of revoked certificates is broken";

static const uint8_t oid_reason[] = {0x55, 0x1D, 0x15};
static const uint8_t oid_hold_instruction[] = {0x55, 0x1D, 0x17};
static const uint8_t oid_invalidity_date[] = {0x55, 0x1D, 0x18};
static const uint8_t oid_certificate_issuer[] = {0x55, 0x1D, 0x1D};

#define IS_OID(value, oid) span_equal((value), span_of((oid), sizeof(oid)))

/* One entry as it stands in the CRL. */
struct listed {
    struct span serial;
    int64_t revoked_at_s;
    struct span extensions; /* with their header; empty: none */
    uint8_t reason;
    struct span issuer; /* GeneralNames of certificateIssuer; empty: none */
    bool has_unknown_critical;
};

bool crl_table_is_integer(struct span integer)
{
    uint8_t first = 0;
    uint8_t second = 0;

    if (!span_at(integer, 0, &first)) {
        return false;
    }
    if (!span_at(integer, 1, &second)) {
        return true;
    }
    return !(first == 0 && second < 0x80) && !(first == 0xFF && second >= 0x80);
}

bool crl_table_take_extension(struct span *list, struct crl_extension *out)
{
    struct span extension;
    uint8_t tag;

    out->is_critical = false;
    if (!der_take_tag(list, DER_SEQUENCE, &extension) ||
        !der_take_tag(&extension, DER_OID, &out->oid)) {
        return false;
    }
    if (span_at(extension, 0, &tag) && tag == DER_BOOLEAN &&
        !der_take_bool(&extension, &out->is_critical)) {
        return false;
    }
    return der_take_tag(&extension, DER_OCTET_STRING, &out->value) && extension.len == 0;
}

/* A reason that nobody knows is a revocation all the same. */
static bool read_reason(struct span value, struct listed *l)
{
    struct span number;
    uint8_t reason;

    if (!der_take_tag(&value, DER_ENUMERATED, &number) || value.len != 0 || number.len != 1 ||
        !span_at(number, 0, &reason)) {
        return false;
    }
    l->reason = reason <= REASON_MAX ? reason : 0;
    return true;
}

/* An entry that names nobody could match nobody: a revocation would be lost. */
static bool read_issuer(struct span value, struct listed *l)
{
    return der_take_tag(&value, DER_SEQUENCE, &l->issuer) && value.len == 0 &&
           crl_scope_has_directory(l->issuer);
}

static bool read_extensions(struct span wrapped, struct listed *l)
{
    struct span list;
    unsigned seen = 0;

    if (!der_take_tag(&wrapped, DER_SEQUENCE, &list) || wrapped.len != 0 || list.len == 0) {
        return false;
    }
    while (list.len > 0) {
        struct crl_extension e;
        unsigned bit = 0;
        bool is_sound = true;
        if (!crl_table_take_extension(&list, &e)) {
            return false;
        }
        if (IS_OID(e.oid, oid_reason)) {
            bit = 1;
            is_sound = read_reason(e.value, l);
        } else if (IS_OID(e.oid, oid_certificate_issuer)) {
            bit = 2;
            is_sound = read_issuer(e.value, l);
        } else if (e.is_critical && !IS_OID(e.oid, oid_hold_instruction) &&
                   !IS_OID(e.oid, oid_invalidity_date)) {
            l->has_unknown_critical = true;
        }
        if (!is_sound || (seen & bit) != 0) {
            return false;
        }
        seen |= bit;
    }
    return true;
}

static bool take_entry(struct span *revoked, bool may_extend, struct listed *out)
{
    struct span entry;

    memset(out, 0, sizeof(*out));
    if (!der_take_tag(revoked, DER_SEQUENCE, &entry) ||
        !der_take_tag(&entry, DER_INTEGER, &out->serial) || !crl_table_is_integer(out->serial) ||
        !der_take_time(&entry, &out->revoked_at_s)) {
        return false;
    }
    return entry.len == 0 ||
           (may_extend && der_take_whole(&entry, &out->extensions) && entry.len == 0);
}

/* FNV-1a with a last stir (murmur3's): neighbouring serial numbers fall far apart. A chosen
 * collision costs a binary search, no more. */
static uint32_t hash_of(struct span serial)
{
    uint32_t h = 2166136261U;

    for (size_t i = 0; i < serial.len; i++) {
        h = (h ^ serial.data[i]) * 16777619U;
    }
    h ^= h >> 16;
    h *= 0x85EBCA6BU;
    h ^= h >> 13;
    h *= 0xC2B2AE35U;
    return h ^ (h >> 16);
}

/* The index of an issuer; issuer_count when there are too many. */
static size_t index_issuer(struct crl *c, struct span names)
{
    size_t i = 1;

    while (i < c->issuer_count && !span_equal(c->issuers[i], names)) {
        i++;
    }
    if (i == c->issuer_count && i < CRL_ISSUERS_MAX) {
        c->issuers[i] = names;
        c->issuer_count++;
    }
    return i;
}

static void put_entry(struct crl_table *t, const struct listed *l, size_t issuer)
{
    struct crl_entry *e = &t->entries[t->count];

    e->hash = hash_of(l->serial);
    e->revoked_at_s = 0;
    if (l->revoked_at_s > 0) {
        e->revoked_at_s = l->revoked_at_s < UINT32_MAX ? (uint32_t)l->revoked_at_s : UINT32_MAX;
    }
    e->issuer = (uint16_t)issuer;
    e->reason = l->reason;
    e->serial_len = (uint8_t)l->serial.len;
    memcpy(e->serial, l->serial.data, l->serial.len);
    t->count++;
}

static int compare_serials(const struct crl_entry *a, const struct crl_entry *b)
{
    if (a->hash != b->hash) {
        return a->hash < b->hash ? -1 : 1;
    }
    if (a->serial_len != b->serial_len) {
        return a->serial_len < b->serial_len ? -1 : 1;
    }
    return memcmp(a->serial, b->serial, a->serial_len);
}

static int compare(const void *a, const void *b)
{
    return compare_serials(a, b);
}

/* Which of the equal parts of all hashes. */
static size_t part_of(const struct crl_table *t, uint32_t hash)
{
    return (size_t)(((uint64_t)hash * t->part_count) >> 32);
}

static bool sort_table(struct crl_table *t)
{
    size_t part = 0;

    qsort(t->entries, t->count, sizeof(t->entries[0]), compare);
    t->part_count = t->count / PER_PART + 1;
    t->firsts = mem_new(t->part_count + 1, sizeof(t->firsts[0]));
    if (t->firsts == NULL) {
        return false;
    }
    for (size_t i = 0; i < t->count; i++) {
        for (; part < part_of(t, t->entries[i].hash); part++) {
            t->firsts[part + 1] = (uint32_t)i;
        }
    }
    for (; part < t->part_count; part++) {
        t->firsts[part + 1] = (uint32_t)t->count;
    }
    return true;
}

static const char *read_entry(struct crl *c, struct span *revoked, bool may_extend, size_t *issuer)
{
    struct listed l;

    if (!take_entry(revoked, may_extend, &l)) {
        return broken_entry;
    }
    if (l.extensions.len > 0 && !read_extensions(l.extensions, &l)) {
        return "the extensions of an entry are broken";
    }
    if (l.has_unknown_critical) {
        c->defect = "has an entry with an unknown critical extension";
    }
    if (l.issuer.len > 0) {
        /* RFC 5280 5.3.3: holds for the entries that follow, too. */
        *issuer = index_issuer(c, l.issuer);
        if (*issuer == CRL_ISSUERS_MAX) {
            return "it speaks for too many issuers";
        }
    }
    /* No certificate that is accepted has such a serial number; see crl_ask. */
    if (l.serial.len <= CRL_SERIAL_MAX) {
        put_entry(&c->table, &l, *issuer);
    }
    return NULL;
}

const char *crl_table_read(struct crl *c, struct span revoked, bool may_extend)
{
    struct span at = revoked;
    struct span entry;
    size_t issuer = 0;
    const char *why = NULL;

    while (der_take_tag(&at, DER_SEQUENCE, &entry)) {
        c->listed++;
    }
    if (at.len != 0) {
        return broken_entry;
    }
    if (c->listed == 0) {
        return NULL;
    }
    c->table.entries = mem_new(c->listed, sizeof(c->table.entries[0]));
    c->issuers = mem_new(CRL_ISSUERS_MAX, sizeof(c->issuers[0]));
    if (c->table.entries == NULL || c->issuers == NULL) {
        return crl_table_memory;
    }
    c->issuer_count = 1;
    while (revoked.len > 0 && why == NULL) {
        why = read_entry(c, &revoked, may_extend, &issuer);
    }
    if (why == NULL && !sort_table(&c->table)) {
        why = crl_table_memory;
    }
    return why;
}

void crl_table_free(struct crl *c)
{
    mem_free(c->table.entries);
    mem_free(c->table.firsts);
    mem_free(c->issuers);
}

/* The first entry that is not less; table->count when there is none. */
static size_t first_at(const struct crl_table *t, const struct crl_entry *wanted)
{
    size_t part = part_of(t, wanted->hash);
    size_t low = t->firsts[part];
    size_t high = t->firsts[part + 1];

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (compare_serials(&t->entries[middle], wanted) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static bool is_of(const struct crl *c, const struct crl_entry *e, struct span issuer)
{
    if (e->issuer != 0) {
        return crl_scope_lists(c->issuers[e->issuer], issuer);
    }
    /* Nearly always the same bytes, and then a look-up takes half the time. */
    return span_equal(c->head.issuer, issuer) || dn_equal(c->head.issuer, issuer);
}

static unsigned strictness(const struct crl_entry *e)
{
    if (e->reason == CRL_REASON_REMOVE) {
        return 1;
    }
    return e->reason == CRL_REASON_HOLD ? 2 : 3;
}

const struct crl_entry *crl_table_find(const struct crl *c, struct span serial, struct span issuer)
{
    const struct crl_table *t = &c->table;
    const struct crl_entry *found = NULL;
    struct crl_entry wanted = {0};

    if (t->count == 0 || serial.len == 0 || serial.len > CRL_SERIAL_MAX) {
        return NULL;
    }
    wanted.hash = hash_of(serial);
    wanted.serial_len = (uint8_t)serial.len;
    memcpy(wanted.serial, serial.data, serial.len);
    for (size_t i = first_at(t, &wanted); i < t->count; i++) {
        const struct crl_entry *e = &t->entries[i];
        if (compare_serials(e, &wanted) != 0) {
            break;
        }
        if ((found == NULL || strictness(e) > strictness(found)) && is_of(c, e, issuer)) {
            found = e;
        }
    }
    return found;
}

/*
 * Blocks: the local block list, and the break-glass grants. Both need no CA and outlive restarts.
 *
 * Floor 3, loop thread only. Pure data plus its JSON form; the owner keeps that in the state
 * folder.
 */
#ifndef WARDGATE_BLOCKS_H
#define WARDGATE_BLOCKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/fault.h"

enum {
    BLOCKS_MAX = 4096, /* entries, and grants */
    BLOCKS_VALUE_MAX = 128,
    BLOCKS_REASON_MAX = 200, /* both with the NUL */
    BLOCKS_BYTES_MAX = 32,
    BLOCKS_GRANT_MIN_S = 60,
    BLOCKS_GRANT_MAX_S = 24 * 3600,
    BLOCKS_JSON_MAX = 8 * 1024 * 1024, /* bytes that blocks_read_json looks at */
};

enum blocks_kind { BLOCKS_SERIAL, BLOCKS_FINGERPRINT, BLOCKS_DEVICE };

struct blocks_entry {
    enum blocks_kind kind;
    /* serial: hexadecimal, upper case, no leading zeros; fingerprint: SHA-256 of the certificate,
     * hexadecimal, lower case; device: name of a [device] section */
    char value[BLOCKS_VALUE_MAX];
    char reason[BLOCKS_REASON_MAX];
    int64_t at_s; /* when it was blocked first */
    /* What the judge compares: the content of the serial number without leading zero bytes (a
     * serial of 0 has none), or the 32 bytes of the fingerprint. len 0 for a device. */
    uint8_t bytes[BLOCKS_BYTES_MAX];
    size_t len;
};

/* Break-glass: unknown and unavailable pass for a while. In force from at_s until before until_s.
 */
struct blocks_grant {
    char device[BLOCKS_VALUE_MAX];
    char reason[BLOCKS_REASON_MAX];
    int64_t at_s, until_s;
};

struct blocks;

struct blocks *blocks_new(void); /* NULL: no memory */
void blocks_free(struct blocks *b);

/* What a person wants; the texts are copied. */
struct blocks_order {
    /* blocks_add: "0A:1B" or "0a1b", 64 digits for a fingerprint (with or without colons), or a
     * device's name. blocks_grant: a device's name. */
    const char *what;
    const char *reason; /* one line of plain text, not empty */
    int64_t now_s;
    bool is_device;  /* blocks_add: a device of that name is configured; it wins */
    int64_t until_s; /* blocks_grant: BLOCKS_GRANT_MIN_S to BLOCKS_GRANT_MAX_S from now_s */
};

/* Block. What is blocked already gets the new reason. Returns 0, FAULT_LIMIT, FAULT_MEMORY, or
 * FAULT_CONFIG with what would be right. On failure nothing changes. */
int blocks_add(struct blocks *b, const struct blocks_order *order, struct fault *f);

/* Take a block out, written as for blocks_add; a device that is blocked under that name goes first,
 * configured or not. Returns 0, or FAULT_CONFIG when nothing of that kind is blocked. */
int blocks_remove(struct blocks *b, const char *what, struct fault *f);

/* All entries; they live until the next call that changes the list. Returns their count. */
size_t blocks_entries(const struct blocks *b, const struct blocks_entry **out);

/* Is this device blocked by its name? *reason (may be NULL) lives as long as the entry. */
bool blocks_has_device(const struct blocks *b, const char *device, const char **reason);

/* Grant, in the place of the device's older one. Returns as blocks_add. */
int blocks_grant(struct blocks *b, const struct blocks_order *order, struct fault *f);

/* End it now: taken out, and copied to *ended (may be NULL). False: there is none. */
bool blocks_end_grant(struct blocks *b, const char *device, struct blocks_grant *ended);

/* All grants, as blocks_entries. */
size_t blocks_grants(const struct blocks *b, const struct blocks_grant **out);

/* The one in force, or NULL. A clock that went back by more than a minute to before it was given
 * does not make it last longer: it is not in force then. */
const struct blocks_grant *blocks_grant_of(const struct blocks *b, const char *device,
                                           int64_t now_s);

/* Takes out one that has ended and copies it to *ended; call until false. */
bool blocks_expire(struct blocks *b, int64_t now_s, struct blocks_grant *ended);

/* All of it as one line of JSON. Caller frees with mem_free. NULL: no memory. */
char *blocks_json(const struct blocks *b);

/* Replaces all, or nothing changes. Fields that are not known are passed over, as a newer version
 * may have written them; anything else that is not as blocks_json writes it is refused. Returns 0,
 * FAULT_CONFIG with what is wrong, FAULT_LIMIT, FAULT_TOO_LONG or FAULT_MEMORY. */
int blocks_read_json(struct blocks *b, struct span text, struct fault *f);

#endif

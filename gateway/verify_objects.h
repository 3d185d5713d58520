/*
 * The files of `wardgate verify`: PEM or DER, one or several objects each.
 *
 * Floor 3. Reads files while nothing else runs; never in a running gateway.
 */
#ifndef WARDGATE_VERIFY_OBJECTS_H
#define WARDGATE_VERIFY_OBJECTS_H

#include <stddef.h>
#include <stdint.h>

#include "protocols/bytes.h"
#include "protocols/fault.h"

enum { VERIFY_FILE_MAX = 64 * 1024 * 1024 };

/* DER objects in the order in which they were read. Owns them. Begin with zeros. */
struct verify_objects {
    struct span *items;
    uint8_t **owned; /* the same bytes, to be given back */
    size_t count;
    size_t room;
};

/* Add every object of a file. PEM: all blocks with this label ("CERTIFICATE"; others are skipped).
 * All else is taken for one object in DER, whatever it is: the judges say what is wrong with it.
 * Returns 0; FAULT_OPEN (missing, unreadable, over VERIFY_FILE_MAX), FAULT_BAD_CERT (empty, broken
 * PEM, no such block; objects before the break stay) or FAULT_MEMORY, with a note "PATH: why". */
int verify_objects_read(struct verify_objects *to, const char *path, const char *label,
                        struct fault *f);

/* Add copies. 0 or FAULT_MEMORY. */
int verify_objects_add(struct verify_objects *to, const struct span *items, size_t count,
                       struct fault *f);

void verify_objects_free(struct verify_objects *o);

#endif

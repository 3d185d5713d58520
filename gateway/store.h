/*
 * Store: the state folder. Small files, each whole: written to a temporary file, fsync'ed, renamed,
 * the folder fsync'ed. After a power cut each file is the old or the new one.
 *
 * Floor 3, loop thread only; the writing runs on a worker. People can read the files (see
 * store_file.h). A damaged one is set aside as NAME.damaged with an alarm and never fatal: each
 * file carries a checksum of its content.
 */
#ifndef WARDGATE_STORE_H
#define WARDGATE_STORE_H

#include <stdbool.h>

#include "gateway/io.h"
#include "gateway/store_file.h"
#include "protocols/bytes.h"
#include "protocols/fault.h"

struct store;

/* Makes the folder (0700; its parent must exist) when it is missing, and takes its lock: one
 * gateway per folder. The io must outlive the store. NULL with *f: FAULT_OPEN (it can not be made
 * or written, or others may write in it), FAULT_BUSY (another gateway uses it), FAULT_MEMORY. A
 * gateway without its state folder runs on, with an alarm: the caller decides. */
struct store *store_open(struct io *io, const char *folder, struct fault *f);

/* At start, before the loop runs, as it blocks: every file whose name begins with `prefix` ("": all
 * of them), in no order. The callbacks fire before it returns and may not call the store; what they
 * are given is borrowed until they return.
 * on_damaged (may be NULL) hears of a file that was set aside, and of one that could not be read
 * and stays where it is; `why` is a sentence without the name. What a write that was cut off has
 * left is removed. Symbolic links and other things that are no files are passed over, and so are
 * files with names that no store writes. */
void store_load(struct store *s, const char *prefix,
                void (*on_file)(void *owner, const char *name, struct span content),
                void (*on_damaged)(void *owner, const char *name, const char *why), void *owner);

/* Write (the content is copied). Writes of one name follow each other; of those that wait only the
 * last is done, and all hear its end. on_done (may be NULL) comes exactly once, from the loop and
 * never from within this call; it may call the store. *f is NULL when the content is on the disk;
 * else FAULT_INTERNAL (a name that is none), FAULT_TOO_LONG (over STORE_FILE_CONTENT_MAX) or
 * FAULT_IO (what the system said: disk full, read-only): the old file is then intact, but that the
 * folder could not be synced leaves the new one.
 * False: no memory, or the store is closing; nothing happens then and on_done does not come. */
bool store_put(struct store *s, const char *name, struct span content,
               void (*on_done)(void *owner, const struct fault *f), void *owner);

/* Remove, in turn with the writes of that name. One that can not be removed is there again at the
 * next start. False: as store_put. */
bool store_remove(struct store *s, const char *name);

/* Is something being written, or waiting for it? */
bool store_is_busy(const struct store *s);

/* Finishes what waits; on_closed comes from the loop, after the last on_done. Only once. */
void store_close(struct store *s, void (*on_closed)(void *owner), void *owner);

/* After on_closed; or without store_close when nothing was ever put or removed. NULL is fine. */
void store_free(struct store *s);

#endif

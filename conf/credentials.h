/*
 * Credentials: the certificates, keys and anchors that a built configuration names.
 *
 * Floor 2. Each pair of files is loaded once, however many devices name it.
 */
#ifndef WARDGATE_CREDENTIALS_H
#define WARDGATE_CREDENTIALS_H

#include <stdint.h>

#include "conf/conf.h"
#include "conf/problems.h"
#include "conf/reader.h"

struct credentials_source {
    int64_t now_s;             /* wall clock, seconds since 1970 */
    const struct conf *before; /* what is the same there is taken over; NULL: none. Only read */
};

/* Load trusts and identities into *conf, which holds them from then on (conf_free releases). What
 * fails becomes a problem against the line of its key and stays NULL. tls_init must have run. */
void credentials_load(struct conf *conf, struct reader *reader,
                      const struct credentials_source *source, struct problems *problems);

/* Release all that is held. */
void credentials_release(struct conf *conf);

#endif

/*
 * CRL places: is each file and folder that `crl` names there, and which is which?
 *
 * Floor 2. Looks at the file system, but reads nothing: what is in a CRL is the gateway's business.
 */
#ifndef WARDGATE_CRL_PLACES_H
#define WARDGATE_CRL_PLACES_H

#include "conf/conf.h"
#include "conf/problems.h"

/* Look at every path of every trust. A path that leads to a folder becomes CONF_CRL_FOLDER; one
 * that is missing, cannot be read or is something else becomes a problem. */
void crl_places_look(struct conf *conf, struct problems *problems);

#endif

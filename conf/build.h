/*
 * Build: the sections that were read become a configuration, all but certificates and keys.
 *
 * Floor 2. Touches no file and no clock: what it makes of a text depends on the text alone (and is
 * fuzzed so).
 */
#ifndef WARDGATE_BUILD_H
#define WARDGATE_BUILD_H

#include "conf/conf.h"
#include "conf/pool.h"
#include "conf/problems.h"
#include "conf/reader.h"

/* Fill conf->gateway, ->trusts and ->devices from the sections; strings and arrays go to the pool,
 * those of devices to the newest one of conf->shared, where there is any. Known sections are taken
 * over as they are, when their trust's section is the same, too.
 * What is wrong within one section becomes problems; the rest is filled as far as it is right:
 * texts that are wrong or missing are NULL, lists are empty. main_file: its name as shown in
 * problems. Returns 0, or -1 when memory ran out (a problem says so; *conf is then only fit to be
 * freed). */
int build_conf(struct conf *conf, struct reader *reader, struct pool *pool,
               struct problems *problems, const char *main_file);

/* Only [gateway]. Without such a section: a problem. */
void build_gateway(struct conf_gateway *gateway, struct reader *reader, struct pool *pool,
                   struct problems *problems, const char *main_file);

#endif

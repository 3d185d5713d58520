/*
 * Check: what no single section can know. Do two devices want one port, one address, one name?
 *
 * Floor 2.
 */
#ifndef WARDGATE_CHECK_H
#define WARDGATE_CHECK_H

#include "conf/conf.h"
#include "conf/pool.h"
#include "conf/problems.h"
#include "conf/reader.h"

struct check {
    const struct conf *conf;
    struct reader *reader; /* knows the lines */
    struct pool *pool;     /* for arrays that are needed on the way */
    struct problems *problems;
};

/* Ports of devices: each has one device, but for Modbus units on one line. Serial paths that lead
 * to the same node (when it is there) are one port. */
void check_ports(const struct check *c);

/* Addresses that are listened on, for devices and for the hospital, and the names that choose
 * between devices that share one. Identities that are not loaded have no names. */
void check_binds(const struct check *c);

/* Warnings (conf->warnings; NULL: nothing is done): rules that can never match, and devices that
 * were perhaps forgotten. */
void check_roles(const struct check *c);

/* Note a problem with a key of a device ("KEY = VALUE WRONG", of a list "KEY WRONG") against its
 * line; when the device has no such key, against the line of the section. */
void check_refuse(const struct check *c, const struct conf_device *d, enum keys_id id,
                  const char *wrong, const char *right);

/* Out of memory in a check. */
void check_run_out(const struct check *c);

#endif

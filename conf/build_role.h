/*
 * Build, role: [role NAME] sections become roles, and together the access rules of each device.
 *
 * Floor 2. No files, no clock.
 */
#ifndef WARDGATE_BUILD_ROLE_H
#define WARDGATE_BUILD_ROLE_H

#include "conf/conf.h"
#include "conf/section.h"

enum {
    BUILD_ROLE_LIST_MAX = 1024,  /* rules of one list */
    BUILD_ROLE_RULES_MAX = 4096, /* rules about one device */
};

/* Fill *r from the section, and look at every item of its lists. What is wrong becomes a problem.
 */
void build_role(struct conf_role *r, struct section *s);

/* After all roles and devices: devices that a role names must be there; each Modbus device that a
 * role section is about gets its access. -1: memory ran out (a problem says so). */
int build_role_access(struct conf *conf, struct reader *reader, struct pool *pool,
                      struct problems *problems);

#endif

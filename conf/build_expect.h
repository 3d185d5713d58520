/*
 * Build, expect: how a device is told from a stranger on its port.
 *
 * Floor 2. No files, no clock.
 */
#ifndef WARDGATE_BUILD_EXPECT_H
#define WARDGATE_BUILD_EXPECT_H

#include "conf/conf.h"
#include "conf/section.h"

/* Fill d->expect from the section; port and protocol of *d are filled. What can not be asked of a
 * device with this port and this protocol is a problem, and so is all that can not be read: then
 * nothing is left that the device could be taken by. */
void build_expect(struct conf_device *d, struct section *s);

#endif

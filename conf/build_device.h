/*
 * Build, device: one [device NAME] section becomes a struct conf_device.
 *
 * Floor 2. No files, no clock; certificates come later.
 */
#ifndef WARDGATE_BUILD_DEVICE_H
#define WARDGATE_BUILD_DEVICE_H

#include "conf/conf.h"
#include "conf/section.h"

/* Fill *d from the section, which section_open has looked at. Every check that needs this section
 * alone happens here. What is wrong or missing leaves NULL, 0 or an empty list. */
void build_device(struct conf_device *d, struct section *s);

#endif

/*
 * Tests only: a folder that looks like /sys for one serial port behind a USB adapter in a hub.
 */
#ifndef WARDGATE_TEST_SYSFS_H
#define WARDGATE_TEST_SYSFS_H

struct sysfs {
    char root[64];
    char number[32]; /* "1:3", of the node */
};

/* A folder without the adapter yet. node: the character device that stands for the port. */
void sysfs_make(struct sysfs *s, const char *node);

/* The adapter is there (again), with this serial number; NULL: it has none. */
void sysfs_plug(struct sysfs *s, const char *serial);

/* The port stays, and is none of a USB adapter. */
void sysfs_unplug_usb(struct sysfs *s);

/* The port is on another node from now on; without an adapter until sysfs_plug. */
void sysfs_move(struct sysfs *s, const char *node);

void sysfs_end(struct sysfs *s);

#endif

#include "tests/unit/gateway/sysfs.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <criterion/criterion.h>

#define HUB     "devices/usb1"
#define ADAPTER HUB "/1-1"
#define TTY     ADAPTER "/1-1:1.0/ttyUSB0/tty/ttyUSB0"

/* Parents before children. */
static const char *const folders[] = {
    "dev",
    "dev/char",
    "devices",
    HUB,
    ADAPTER,
    ADAPTER "/1-1:1.0",
    ADAPTER "/1-1:1.0/ttyUSB0",
    ADAPTER "/1-1:1.0/ttyUSB0/tty",
    TTY,
};

enum { FOLDERS = sizeof(folders) / sizeof(folders[0]) };

static const char *const files[] = {HUB "/idVendor", HUB "/serial", ADAPTER "/idVendor",
                                    ADAPTER "/serial", "by-id"};

static const char *path_of(const struct sysfs *s, const char *name)
{
    static char path[256];
    (void)snprintf(path, sizeof(path), "%s/%s", s->root, name);
    return path;
}

static void put(const struct sysfs *s, const char *name, const char *text)
{
    FILE *file = fopen(path_of(s, name), "w");
    cr_assert_not_null(file);
    cr_assert_geq(fputs(text, file), 0);
    cr_assert_eq(fclose(file), 0);
}

static void set_number(struct sysfs *s, const char *node)
{
    struct stat seen;
    cr_assert_eq(stat(node, &seen), 0);
    (void)snprintf(s->number, sizeof(s->number), "dev/char/%u:%u", major(seen.st_rdev),
                   minor(seen.st_rdev));
}

void sysfs_move(struct sysfs *s, const char *node)
{
    (void)unlink(path_of(s, s->number));
    set_number(s, node);
}

void sysfs_make(struct sysfs *s, const char *node)
{
    (void)snprintf(s->root, sizeof(s->root), "/tmp/wardgate-sysfs-XXXXXX");
    cr_assert_not_null(mkdtemp(s->root));
    set_number(s, node);
    for (size_t i = 0; i < FOLDERS; i++) {
        cr_assert_eq(mkdir(path_of(s, folders[i]), 0700), 0);
    }
    put(s, HUB "/idVendor", "1d6b\n");
    put(s, HUB "/serial", "the-hub\n");
}

void sysfs_plug(struct sysfs *s, const char *serial)
{
    (void)unlink(path_of(s, ADAPTER "/serial"));
    put(s, ADAPTER "/idVendor", "0403\n");
    if (serial != NULL) {
        put(s, ADAPTER "/serial", serial);
    }
    (void)unlink(path_of(s, s->number));
    cr_assert_eq(symlink("../../" TTY, path_of(s, s->number)), 0);
}

void sysfs_unplug_usb(struct sysfs *s)
{
    (void)unlink(path_of(s, HUB "/idVendor"));
    (void)unlink(path_of(s, ADAPTER "/idVendor"));
}

void sysfs_end(struct sysfs *s)
{
    (void)unlink(path_of(s, s->number));
    for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
        (void)unlink(path_of(s, files[i]));
    }
    for (size_t i = FOLDERS; i > 0; i--) {
        (void)rmdir(path_of(s, folders[i - 1]));
    }
    cr_assert_eq(rmdir(s->root), 0);
}

#include "gateway/usb_serial.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "protocols/pattern.h"

enum { RAW_MAX = 256 };

/* FOLDER/NAME; false when it is too long. */
static bool join(char *to, const char *folder, const char *name)
{
    int len = snprintf(to, PATH_MAX, "%s/%s", folder, name);
    return len > 0 && len < PATH_MAX;
}

/* The device's folder in sysfs, all links followed. */
static bool find_folder(const char *sysfs, const char *path, char *folder)
{
    struct stat seen;
    char name[64];
    char by_number[PATH_MAX];
    if (stat(path, &seen) != 0 || !S_ISCHR(seen.st_mode)) {
        return false;
    }
    (void)snprintf(name, sizeof(name), "dev/char/%u:%u", major(seen.st_rdev), minor(seen.st_rdev));
    return join(by_number, sysfs, name) && realpath(by_number, folder) != NULL;
}

/* Up to the nearest folder that is a USB device: the adapter, and not the hub it is plugged into.
 */
static bool climb_to_usb(char *folder)
{
    char mark[PATH_MAX];
    for (;;) {
        if (join(mark, folder, "idVendor") && access(mark, F_OK) == 0) {
            return true;
        }
        char *last = strrchr(folder, '/');
        if (last == NULL || last == folder) {
            return false;
        }
        *last = '\0';
    }
}

static enum usb_serial_result read_number(const char *folder, char *out)
{
    char path[PATH_MAX];
    char raw[RAW_MAX];
    struct room plain = room_of(out, USB_SERIAL_MAX - 1);
    int fd = join(path, folder, "serial") ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    if (fd < 0) {
        return USB_SERIAL_NAMELESS;
    }
    ssize_t len = read(fd, raw, sizeof(raw));
    (void)close(fd);
    if (len < 0) {
        return USB_SERIAL_GONE; /* unplugged just now */
    }
    size_t end = (size_t)len;
    if (end > 0 && raw[end - 1] == '\n') {
        end--;
    }
    /* One that does not fit is not cut: its beginning could be another's whole number. */
    bool fits = pattern_put_plain(&plain, span_of(raw, end));
    out[plain.len] = '\0';
    return fits && plain.len > 0 ? USB_SERIAL_FOUND : USB_SERIAL_NAMELESS;
}

enum usb_serial_result usb_serial_read(const char *sysfs, const char *path, char *out)
{
    char folder[PATH_MAX];
    out[0] = '\0';
    if (!find_folder(sysfs, path, folder)) {
        /* A pseudo-terminal has a node and no place in sysfs. */
        return access(path, F_OK) == 0 ? USB_SERIAL_NOT_USB : USB_SERIAL_GONE;
    }
    return climb_to_usb(folder) ? read_number(folder, out) : USB_SERIAL_NOT_USB;
}

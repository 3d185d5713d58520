/*
 * USB serial: the serial number of the USB adapter behind a serial port, as the kernel tells it.
 *
 * Floor 3, no loop in here; reads a few files of sysfs, which do not block.
 */
#ifndef WARDGATE_USB_SERIAL_H
#define WARDGATE_USB_SERIAL_H

enum { USB_SERIAL_MAX = 256 };

#define USB_SERIAL_SYSFS "/sys"

enum usb_serial_result {
    USB_SERIAL_FOUND,    /* the number is in `out` */
    USB_SERIAL_NOT_USB,  /* the port is none of a USB adapter */
    USB_SERIAL_NAMELESS, /* the adapter has no serial number */
    USB_SERIAL_GONE,     /* there is no such port now, or it can not be told */
};

/* Which adapter is the node `path` (links are followed) on? sysfs: USB_SERIAL_SYSFS, or another
 * folder for tests. `out` gets plain text (protocols/pattern.h) of at most USB_SERIAL_MAX bytes
 * with its NUL, or "". */
enum usb_serial_result usb_serial_read(const char *sysfs, const char *path, char *out);

#endif

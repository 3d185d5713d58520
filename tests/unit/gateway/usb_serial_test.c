#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <criterion/criterion.h>

#include "gateway/usb_serial.h"
#include "tests/unit/gateway/sysfs.h"

/* Any character device will do as the port's node. */
#define NODE "/dev/null"

Test(usb_serial, finds_the_adapter_and_not_its_hub)
{
    struct sysfs tree;
    char got[USB_SERIAL_MAX];
    sysfs_make(&tree, NODE);
    sysfs_plug(&tree, "FT4XYZ\n");
    cr_expect_eq(usb_serial_read(tree.root, NODE, got), USB_SERIAL_FOUND);
    cr_expect_str_eq(got, "FT4XYZ");
    sysfs_end(&tree);
}

Test(usb_serial, follows_links_to_the_port)
{
    struct sysfs tree;
    char got[USB_SERIAL_MAX];
    char by_id[96];
    sysfs_make(&tree, NODE);
    sysfs_plug(&tree, "FT4XYZ\n");
    (void)snprintf(by_id, sizeof(by_id), "%s/by-id", tree.root);
    cr_assert_eq(symlink(NODE, by_id), 0);
    cr_expect_eq(usb_serial_read(tree.root, by_id, got), USB_SERIAL_FOUND);
    cr_expect_str_eq(got, "FT4XYZ");
    sysfs_end(&tree);
}

Test(usb_serial, an_adapter_without_a_number_does_not_take_its_hubs)
{
    struct sysfs tree;
    char got[USB_SERIAL_MAX];
    sysfs_make(&tree, NODE);
    sysfs_plug(&tree, NULL);
    cr_expect_eq(usb_serial_read(tree.root, NODE, got), USB_SERIAL_NAMELESS);
    cr_expect_str_eq(got, "");
    sysfs_plug(&tree, "\n");
    cr_expect_eq(usb_serial_read(tree.root, NODE, got), USB_SERIAL_NAMELESS);
    sysfs_end(&tree);
}

Test(usb_serial, makes_a_strange_number_plain)
{
    struct sysfs tree;
    char got[USB_SERIAL_MAX];
    char longest[201];
    sysfs_make(&tree, NODE);
    sysfs_plug(&tree, "A\x1b[2J\n");
    cr_expect_eq(usb_serial_read(tree.root, NODE, got), USB_SERIAL_FOUND);
    cr_expect_str_eq(got, "A\\x1b[2J");
    memset(longest, '\x01', sizeof(longest) - 1);
    longest[sizeof(longest) - 1] = '\0';
    sysfs_plug(&tree, longest);
    cr_expect_eq(usb_serial_read(tree.root, NODE, got), USB_SERIAL_NAMELESS);
    sysfs_end(&tree);
}

Test(usb_serial, tells_other_ports_apart)
{
    struct sysfs tree;
    char got[USB_SERIAL_MAX];
    sysfs_make(&tree, NODE);
    cr_expect_eq(usb_serial_read(tree.root, NODE, got), USB_SERIAL_NOT_USB);
    cr_expect_eq(usb_serial_read(tree.root, "/dev/nothing-here", got), USB_SERIAL_GONE);
    cr_expect_eq(usb_serial_read(tree.root, tree.root, got), USB_SERIAL_NOT_USB);
    sysfs_plug(&tree, "X");
    sysfs_unplug_usb(&tree);
    cr_expect_eq(usb_serial_read(tree.root, NODE, got), USB_SERIAL_NOT_USB);
    sysfs_end(&tree);
}

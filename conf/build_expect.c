#include "conf/build_expect.h"

/* Can this be found out at such a device? */
static bool is_askable(const struct conf_device *d, struct section *s,
                       const struct reader_entry *entry, enum conf_expect_kind kind)
{
    if (kind == CONF_EXPECT_USB_SERIAL) {
        if (d->port.kind != CONF_PORT_SERIAL) {
            section_refuse(s, entry, "needs a USB adapter, which this port has not",
                           "serial:/dev/NAME as the port, or no such line");
            return false;
        }
        return true;
    }
    if (!conf_is_modbus(d->protocol)) {
        section_refuse(s, entry, "asks with Modbus, which this device does not speak",
                       "usb-serial, or no such line");
        return false;
    }
    if (d->is_master) {
        section_refuse(s, entry, "asks with Modbus, and nobody can ask a master",
                       "usb-serial, or no such line");
        return false;
    }
    return true;
}

static void fill_one(struct conf_device *d, struct section *s, const struct reader_entry *entry)
{
    struct values_expect what;
    struct values_error why;
    if (values_expect(entry->value, &what, &why) != 0) {
        section_refuse_value(s, entry, &why);
        return;
    }
    if (!is_askable(d, s, entry, what.kind)) {
        return;
    }
    bool has_pattern = what.kind != CONF_EXPECT_REGISTER && what.kind != CONF_EXPECT_INPUT;
    d->expect[d->expect_count] = (struct conf_expect){
        .kind = what.kind,
        .pattern = has_pattern ? section_copy(s, what.pattern) : NULL,
        .address = what.address,
        .value = what.value,
        .text = section_copy(s, entry->value),
    };
    d->expect_count++;
}

void build_expect(struct conf_device *d, struct section *s)
{
    size_t at = 0;
    const struct reader_entry *entry = section_entry(s, KEYS_EXPECT);
    if (entry == NULL) {
        return;
    }
    d->expect = pool_take(s->pool, s->text->entry_count, sizeof(*d->expect));
    if (d->expect == NULL) {
        section_run_out(s);
        return;
    }
    while ((entry = reader_next(s->text, KEYS_EXPECT, &at)) != NULL) {
        fill_one(d, s, entry);
    }
}

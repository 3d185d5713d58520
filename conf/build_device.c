#include "conf/build_device.h"

#include <stdio.h>
#include <string.h>

#include "conf/build_expect.h"

enum {
    MAX_FRAME_SHORT = 4096,           /* gap, line */
    MAX_FRAME_MLLP = 2 * 1024 * 1024, /* HL7 with an embedded document */
    MAX_FRAME_RAW = 16 * 1024,        /* one TLS record; raw has no messages */
    MAX_FRAME_MODBUS = 260,           /* the longest ADU, MBAP */
    REQUEST_TIMEOUT_LEAST = 2000,     /* ms */
};

/* ---- The device's side ---- */

static bool fill_port(struct conf_device *d, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_PORT);
    struct values_port port;
    struct values_error why;
    if (entry == NULL) {
        return false;
    }
    if (values_port(entry->value, &port, &why) != 0) {
        section_refuse_value(s, entry, &why);
        return false;
    }
    d->port.kind = port.kind;
    d->port.text = section_copy(s, entry->value);
    if (port.kind == CONF_PORT_SERIAL) {
        d->port.path = section_copy(s, port.path);
    } else {
        d->port.address.host = section_copy(s, port.address.host);
        d->port.address.port = port.address.port;
    }
    return !s->no_memory;
}

static void fill_line(struct conf_device *d, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_LINE);
    struct values_error why;
    if (entry != NULL && values_line(entry->value, &d->line, &why) != 0) {
        section_refuse_value(s, entry, &why);
    }
}

static void fill_from(struct conf_device *d, struct section *s)
{
    char ip[VALUES_HOST_SIZE];
    size_t at = 0;
    const struct reader_entry *entry = section_entry(s, KEYS_FROM);
    if (entry == NULL) {
        return;
    }
    d->from = pool_take(s->pool, s->text->entry_count, sizeof(*d->from));
    if (d->from == NULL) {
        section_run_out(s);
        return;
    }
    while ((entry = reader_next(s->text, KEYS_FROM, &at)) != NULL) {
        if (!values_ip(entry->value, ip)) {
            section_refuse(s, entry, "is not an IP address", NULL);
            continue;
        }
        d->from[d->from_count] = section_copy(s, ip);
        d->from_count++;
    }
}

static void fill_units(struct conf_device *d, struct section *s)
{
    const struct reader_entry *entry = NULL;
    struct values_error why;
    size_t at = 0;
    bool allow_255 = d->protocol == CONF_PROTOCOL_MODBUS_TCP || d->is_master;
    if (section_entry(s, KEYS_UNIT_MAP) == NULL) {
        return;
    }
    d->unit_map = pool_take(s->pool, 1, sizeof(*d->unit_map));
    if (d->unit_map == NULL) {
        section_run_out(s);
        return;
    }
    values_units_clear(d->unit_map);
    while ((entry = reader_next(s->text, KEYS_UNIT_MAP, &at)) != NULL) {
        if (values_units_add(entry->value, allow_255, d->unit_map, &why) != 0) {
            section_refuse_value(s, entry, &why);
        }
    }
}

/* ---- The hospital's side ---- */

static void fill_address(struct conf_address *to, struct section *s,
                         const struct values_address *from)
{
    to->host = section_copy(s, from->host);
    to->port = from->port;
}

static void fill_listen(struct conf_device *d, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_LISTEN);
    struct values_address address;
    struct values_error why;
    if (entry == NULL) {
        return;
    }
    d->listens = true;
    if (values_address(entry->value, &address, &why) != 0) {
        section_refuse_value(s, entry, &why);
    } else if (!address.is_ip) {
        section_refuse(s, entry, "listens on a name", NULL);
    } else {
        fill_address(&d->listen, s, &address);
    }
}

static void fill_connect(struct conf_device *d, struct section *s)
{
    struct values_address address;
    struct values_error why;
    size_t at = 0;
    const struct reader_entry *entry = section_entry(s, KEYS_CONNECT);
    if (entry == NULL) {
        return;
    }
    d->connect = pool_take(s->pool, s->text->entry_count, sizeof(*d->connect));
    if (d->connect == NULL) {
        section_run_out(s);
        return;
    }
    while ((entry = reader_next(s->text, KEYS_CONNECT, &at)) != NULL) {
        if (values_address(entry->value, &address, &why) != 0) {
            section_refuse_value(s, entry, &why);
            continue;
        }
        fill_address(&d->connect[d->connect_count], s, &address);
        d->connect_count++;
    }
}

static void fill_server_name(struct conf_device *d, struct section *s)
{
    const struct reader_entry *entry = section_entry(s, KEYS_SERVER_NAME);
    char ip[VALUES_HOST_SIZE];
    if (entry == NULL) {
        return;
    }
    if (!values_is_host(entry->value)) {
        section_refuse(s, entry, "is no possible name of a host", NULL);
    } else if (d->listens && values_ip(entry->value, ip)) {
        section_refuse(s, entry, "can not choose a device",
                       "a host name, as server names in TLS are never addresses");
    } else {
        d->server_name = section_copy(s, entry->value);
    }
}

static void fill_allow(struct conf_device *d, struct section *s)
{
    size_t at = 0;
    const struct reader_entry *entry = section_entry(s, KEYS_ALLOW);
    if (entry == NULL) {
        return;
    }
    d->allow = pool_take(s->pool, s->text->entry_count, sizeof(*d->allow));
    if (d->allow == NULL) {
        section_run_out(s);
        return;
    }
    while ((entry = reader_next(s->text, KEYS_ALLOW, &at)) != NULL) {
        if (name_rule_parse(entry->value, &d->allow[d->allow_count], NULL) != 0) {
            section_refuse(s, entry, "is not a name of a peer", NULL);
            continue;
        }
        d->allow_count++;
    }
}

/* ---- Numbers ---- */

static uint32_t default_max_frame(enum conf_protocol protocol)
{
    switch (protocol) {
    case CONF_PROTOCOL_RAW:
        return MAX_FRAME_RAW;
    case CONF_PROTOCOL_GAP:
    case CONF_PROTOCOL_LINE:
        return MAX_FRAME_SHORT;
    case CONF_PROTOCOL_MLLP:
        return MAX_FRAME_MLLP;
    case CONF_PROTOCOL_MODBUS_RTU:
    case CONF_PROTOCOL_MODBUS_TCP:
    case CONF_PROTOCOL_MODBUS_ASCII:
        return MAX_FRAME_MODBUS;
    }
    return MAX_FRAME_SHORT;
}

/* One request of another master that is not answered holds the line for up to two response timeouts
 * (the wait, and the quarantine behind it): with three, one such neighbour does not cost this one.
 */
static uint32_t request_timeout(const struct section *s)
{
    uint32_t wait_ms = 3 * s->number[KEYS_RESPONSE_TIMEOUT];
    if (section_entry(s, KEYS_REQUEST_TIMEOUT) != NULL) {
        return s->number[KEYS_REQUEST_TIMEOUT];
    }
    return wait_ms > REQUEST_TIMEOUT_LEAST ? wait_ms : REQUEST_TIMEOUT_LEAST;
}

static void fill_numbers(struct conf_device *d, const struct section *s)
{
    d->start = (enum conf_start)s->number[KEYS_START];
    d->writes_allowed = s->number[KEYS_WRITES] == 1; /* deny | allow */
    d->gap_ms = s->number[KEYS_GAP];
    d->max_frame = s->number[KEYS_MAX_FRAME];
    d->max_links = s->number[KEYS_MAX_LINKS];
    d->response_timeout_ms = s->number[KEYS_RESPONSE_TIMEOUT];
    d->char_timeout_ms = s->number[KEYS_CHAR_TIMEOUT];
    d->request_timeout_ms = request_timeout(s);
    d->write_lease_ms = s->number[KEYS_WRITE_LEASE];
    d->line.has_echo = s->number[KEYS_ECHO] == 1; /* none | discard */
    d->dial_timeout_ms = s->number[KEYS_DIAL_TIMEOUT];
    d->handshake_timeout_ms = s->number[KEYS_HANDSHAKE_TIMEOUT];
    d->idle_timeout_ms = s->number[KEYS_IDLE_TIMEOUT];
    d->drain_timeout_ms = s->number[KEYS_DRAIN_TIMEOUT];
    d->retry_min_ms = s->number[KEYS_RETRY_MIN];
    d->retry_max_ms = s->number[KEYS_RETRY_MAX];
    if (section_entry(s, KEYS_MAX_FRAME) == NULL) {
        d->max_frame = default_max_frame(d->protocol);
    }
    /* A serial device can not be made to wait beyond the kernel's buffer: old bytes are worse. */
    d->while_down = d->port.kind == CONF_PORT_SERIAL ? CONF_DOWN_DROP : CONF_DOWN_BLOCK;
    if (section_has_choice(s, KEYS_WHILE_DOWN)) {
        d->while_down = (enum conf_while_down)s->number[KEYS_WHILE_DOWN];
    }
}

/* ---- Checks between the keys of one section ---- */

/* Keys that this protocol, port or end of the link has no use for: someone expects something of
 * them that will not happen. */
static void check_uses(const struct conf_device *d, struct section *s)
{
    char applies[KEYS_FORM_MAX];
    char right[SECTION_SAY_MAX];
    uint32_t protocol = 1U << d->protocol;
    uint32_t port = 1U << d->port.kind;
    uint32_t role = 1U << (d->listens ? KEYS_ROLE_LISTEN : KEYS_ROLE_CONNECT);
    uint32_t side = d->is_master ? KEYS_SIDE_MASTER : KEYS_SIDE_UNIT;
    for (size_t i = 0; i < s->text->entry_count; i++) {
        const struct reader_entry *entry = &s->text->entries[i];
        const struct keys_row *row = entry->row;
        bool fits = (row->protocols == 0 || (row->protocols & protocol) != 0) &&
                    (row->ports == 0 || (row->ports & port) != 0) &&
                    (row->roles == 0 || (row->roles & role) != 0) &&
                    (row->sides == 0 || (row->sides & side) != 0);
        if (!fits) {
            keys_applies(row, applies);
            (void)snprintf(right, sizeof(right), "no such line, as %s is only for %s", row->name,
                           applies);
            section_refuse(s, entry, "has no use here", right);
        }
    }
}

/* An ASCII frame is of hex digits: 7 data bits are enough, and XON and XOFF are none of them. */
static void check_modbus_ascii(const struct conf_device *d, struct section *s)
{
    const struct reader_entry *line = section_entry(s, KEYS_LINE);
    if (line != NULL && d->line.data_bits != 0 && d->line.data_bits < 7) {
        section_refuse(s, line, "has too few data bits for the characters of modbus-ascii",
                       "7 or 8 data bits, as in 9600 7E1");
    }
}

static void check_modbus_rtu(const struct conf_device *d, struct section *s)
{
    const struct reader_entry *line = section_entry(s, KEYS_LINE);
    if (line != NULL && d->line.flow == CONF_FLOW_XONXOFF) {
        section_refuse(s, line, "would take bytes 11 and 13 out of the frames of modbus-rtu",
                       "no flow control, rtscts or rs485");
    }
    if (line != NULL && d->line.data_bits != 0 && d->line.data_bits != 8) {
        section_refuse(s, line, "has too few data bits for the frames of modbus-rtu",
                       "8 data bits, as in 9600 8E1");
    }
}

/* Frames of serial lines travel on serial lines, and MBAP in TCP. */
static void check_modbus_carrier(const struct conf_device *d, struct section *s)
{
    const char *tcp = d->is_master ? "tcp-listen:ADDRESS:PORT" : "tcp:HOST:PORT";
    const struct reader_entry *port = section_entry(s, KEYS_PORT);
    char wrong[SECTION_SAY_MAX];
    char right[SECTION_SAY_MAX];
    bool is_serial = d->port.kind == CONF_PORT_SERIAL;
    if (is_serial == (d->protocol != CONF_PROTOCOL_MODBUS_TCP)) {
        return;
    }
    (void)snprintf(wrong, sizeof(wrong), "cannot carry %s", conf_protocol_name(d->protocol));
    (void)snprintf(right, sizeof(right), "%s, or protocol = modbus-rtu on this serial port", tcp);
    section_refuse(s, port, wrong,
                   is_serial ? right
                             : "serial:/dev/NAME, or protocol = modbus-tcp; frames of serial lines "
                               "inside TCP are not supported");
}

static void check_modbus_master(const struct conf_device *d, struct section *s)
{
    if (d->listens) {
        section_refuse(s, section_entry(s, KEYS_LISTEN),
                       "waits for a hospital that asks, but a master asks itself",
                       "connect = HOST:PORT, the server that answers it");
    }
    if (d->port.kind == CONF_PORT_TCP) {
        section_refuse(s, section_entry(s, KEYS_PORT), "dials a master, and masters dial",
                       "tcp-listen:ADDRESS:PORT or serial:/dev/NAME");
    } else {
        check_modbus_carrier(d, s);
    }
}

static void check_modbus(const struct conf_device *d, struct section *s)
{
    const struct reader_entry *port = section_entry(s, KEYS_PORT);
    if (d->is_master) {
        check_modbus_master(d, s);
    } else if (d->port.kind == CONF_PORT_TCP_LISTEN) {
        section_refuse(s, port, "waits for a Modbus device to dial, which none does",
                       "tcp:HOST:PORT or serial:/dev/NAME, as the device is the one that is asked");
    } else {
        check_modbus_carrier(d, s);
    }
    if (d->protocol == CONF_PROTOCOL_MODBUS_RTU) {
        check_modbus_rtu(d, s);
    } else if (d->protocol == CONF_PROTOCOL_MODBUS_ASCII) {
        check_modbus_ascii(d, s);
    }
    if (section_entry(s, KEYS_UNIT_MAP) == NULL) {
        section_refuse(s, NULL, "has no unit_map",
                       "unit_map = the units that exist at a Modbus device, for example 1");
    }
    if (section_has_choice(s, KEYS_START) && d->start == CONF_START_DATA) {
        section_refuse(
            s, section_entry(s, KEYS_START), "would wait for ever",
            d->is_master ? "start = always, as a master is answered whether there is a link or not"
                         : "start = always, as a Modbus device says nothing before it is asked");
    }
}

static void check_port(const struct conf_device *d, struct section *s)
{
    const struct reader_entry *port = section_entry(s, KEYS_PORT);
    if (d->port.kind == CONF_PORT_SERIAL && section_entry(s, KEYS_LINE) == NULL) {
        section_refuse(s, port, "is a serial port without a line",
                       "line = what the device is set to, for example line = 9600 8E1");
    }
    if (d->port.kind == CONF_PORT_TCP_LISTEN && section_entry(s, KEYS_FROM) == NULL &&
        !values_is_loopback(d->port.address.host)) {
        section_refuse(s, port, "lets everyone on the network be the device",
                       "from = the address of the device");
    }
}

static void check_ends(const struct conf_device *d, struct section *s)
{
    const struct reader_entry *listen = section_entry(s, KEYS_LISTEN);
    const struct reader_entry *connect = section_entry(s, KEYS_CONNECT);
    if (listen == NULL && connect == NULL) {
        section_refuse(s, NULL, "has neither listen nor connect",
                       "listen = ADDRESS:PORT where the hospital dials in, connect = HOST:PORT "
                       "where the gateway dials out");
    }
    if (listen != NULL && connect != NULL) {
        section_refuse(s, listen->line > connect->line ? listen : connect,
                       "stands beside the other of listen and connect", "one of the two");
    }
    if (listen != NULL && section_entry(s, KEYS_ALLOW) == NULL) {
        section_refuse(
            s, listen, "lets in every peer that the trust knows",
            "allow = who may use the link, for example allow = dns:bms.hospital.example");
    }
    if (d->retry_min_ms > d->retry_max_ms) {
        const struct reader_entry *min = section_entry(s, KEYS_RETRY_MIN);
        section_refuse(s, min != NULL ? min : section_entry(s, KEYS_RETRY_MAX),
                       "makes retry_min longer than retry_max", "retry_min up to retry_max");
    }
}

void build_device(struct conf_device *d, struct section *s)
{
    bool has_protocol = section_has_choice(s, KEYS_PROTOCOL);
    d->name = section_copy(s, s->text->name);
    d->description = section_entry(s, KEYS_DESCRIPTION) != NULL ? section_text(s, KEYS_DESCRIPTION)
                                                                : section_copy(s, "");
    d->file = s->text->file;
    d->line_number = s->text->line;
    d->protocol = (enum conf_protocol)s->number[KEYS_PROTOCOL];
    d->is_master = s->number[KEYS_SIDE] == 1; /* unit | master */
    bool has_port = fill_port(d, s);
    fill_line(d, s);
    fill_from(d, s);
    fill_units(d, s);
    fill_listen(d, s);
    fill_connect(d, s);
    fill_server_name(d, s);
    fill_allow(d, s);
    fill_numbers(d, s);
    d->certificate = section_path(s, KEYS_CERTIFICATE);
    d->key = section_path(s, KEYS_KEY);
    d->trust_name = section_text(s, KEYS_DEVICE_TRUST);
    check_ends(d, s);
    if (has_port) {
        check_port(d, s);
    }
    /* Without them every other key would look out of place. */
    if (has_port && has_protocol) {
        check_uses(d, s);
        build_expect(d, s);
    }
    if (has_port && has_protocol && conf_is_modbus(d->protocol)) {
        check_modbus(d, s);
    }
}

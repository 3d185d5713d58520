#include "conf/conf.h"
#include "conf/keys_inside.h"

#define PROTOCOL(p) (1U << (CONF_PROTOCOL_##p))
#define MODBUS      (PROTOCOL(MODBUS_RTU) | PROTOCOL(MODBUS_TCP) | PROTOCOL(MODBUS_ASCII))
#define STREAMS     (PROTOCOL(RAW) | PROTOCOL(GAP) | PROTOCOL(LINE) | PROTOCOL(MLLP))
#define CONNECT     (1U << KEYS_ROLE_CONNECT)

enum {
    MS = 1,
    SECOND = 1000 * MS,
    MINUTE = 60 * SECOND,
    HOUR = 60 * MINUTE,
    KIB = 1024,
    MIB = 1024 * KIB,
};

const struct keys_row keys_device_rows[KEYS_COUNT - KEYS_DEVICE_FIRST] = {
    {
        .id = KEYS_DESCRIPTION,
        .section = KEYS_DEVICE,
        .name = "description",
        .type = KEYS_TYPE_TEXT,
        .fallback_words = "none",
        .help = "What the device is and where it stands, for people. A blank and a semicolon "
                "begin a comment here too.",
    },
    {
        .id = KEYS_PORT,
        .section = KEYS_DEVICE,
        .name = "port",
        .type = KEYS_TYPE_PORT,
        .is_required = true,
        .help = "Where the device is: serial:PATH, tcp:HOST:PORT (the gateway dials the device) "
                "or tcp-listen:ADDRESS:PORT (the device dials the gateway).",
    },
    {
        .id = KEYS_FROM,
        .section = KEYS_DEVICE,
        .name = "from",
        .type = KEYS_TYPE_SOURCE,
        .is_list = true,
        .fallback_words = "anyone, on a loopback address only",
        .ports = 1U << CONF_PORT_TCP_LISTEN,
        .help = "Addresses that the device may dial from. Required unless the gateway listens "
                "on a loopback address.",
    },
    {
        .id = KEYS_LINE,
        .section = KEYS_DEVICE,
        .name = "line",
        .type = KEYS_TYPE_LINE,
        .ports = 1U << CONF_PORT_SERIAL,
        .help = "Required for a serial port: bits per second (50 to 4000000, any that the driver "
                "takes), data bits 5 to 8 with parity N, E, O, M or S and 1 or 2 stop bits, and "
                "then rtscts, xonxoff or rs485 where the device has it.",
    },
    {
        .id = KEYS_ECHO,
        .section = KEYS_DEVICE,
        .name = "echo",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "none",
        .words = {"none", "discard"},
        .protocols = PROTOCOL(MODBUS_RTU) | PROTOCOL(MODBUS_ASCII),
        .ports = 1U << CONF_PORT_SERIAL,
        .sides = KEYS_SIDE_UNIT,
        .help = "discard: the adapter hears what it sends (two-wire RS-485), so exactly the bytes "
                "that were sent are compared and dropped. Without it no write goes to a line that "
                "was seen to echo.",
    },
    {
        .id = KEYS_PROTOCOL,
        .section = KEYS_DEVICE,
        .name = "protocol",
        .type = KEYS_TYPE_CHOICE,
        .is_required = true,
        .words = {"raw", "gap", "line", "mllp", "modbus-rtu", "modbus-tcp", "modbus-ascii"},
        .help = "Where a message ends: raw (at every read), gap (after silence), line (CR, LF or "
                "both), mllp (HL7), modbus-rtu and modbus-ascii (the device is a "
                "unit on a serial line), modbus-tcp.",
    },
    {
        .id = KEYS_SIDE,
        .section = KEYS_DEVICE,
        .name = "side",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "unit",
        .words = {"unit", "master"},
        .protocols = MODBUS,
        .help = "What the device is: a unit that is asked, or a master that asks. The requests of "
                "a master go to the server in connect. See MODBUS MASTERS.",
    },
    {
        .id = KEYS_UNIT_MAP,
        .section = KEYS_DEVICE,
        .name = "unit_map",
        .type = KEYS_TYPE_UNITS,
        .is_list = true,
        .protocols = MODBUS,
        .help = "Required for Modbus: the units that exist at the device (with side = master: at "
                "the server). 1 and 1-4 keep their numbers; 10>1 lets the master's unit 10 stand "
                "for unit 1. Any other unit is answered with exception 0A.",
    },
    {
        .id = KEYS_EXPECT,
        .section = KEYS_DEVICE,
        .name = "expect",
        .type = KEYS_TYPE_EXPECT,
        .is_list = true,
        .fallback_words = "whoever is on the port is the device",
        .help =
            "How the device is told from another one on its port; all of it must hold before its "
            "certificate is shown to anybody. See DEVICE BINDING.",
    },
    {
        .id = KEYS_WRITES,
        .section = KEYS_DEVICE,
        .name = "writes",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "deny",
        .words = {"deny", "allow"},
        .protocols = MODBUS,
        .help = "Whether requests that may change something in the device pass. Denied ones are "
                "answered with exception 01.",
    },
    {
        .id = KEYS_WRITE_LEASE,
        .section = KEYS_DEVICE,
        .name = "write_lease",
        .type = KEYS_TYPE_DURATION,
        .or_never = true,
        .fallback = "10s",
        .floor = 100 * MS,
        .ceiling = 1 * HOUR,
        .protocols = MODBUS,
        .sides = KEYS_SIDE_UNIT,
        .help = "For so long after a master's write only masters with the same certificate may "
                "write; the writes of others are answered with exception 06. never: no such rule.",
    },
    {
        .id = KEYS_GAP,
        .section = KEYS_DEVICE,
        .name = "gap",
        .type = KEYS_TYPE_DURATION,
        .fallback = "20ms",
        .floor = 1 * MS,
        .ceiling = 10 * SECOND,
        .protocols = PROTOCOL(GAP) | PROTOCOL(LINE),
        .help = "Silence that ends a message (gap), or the wait for LF after CR (line).",
    },
    {
        .id = KEYS_MAX_FRAME,
        .section = KEYS_DEVICE,
        .name = "max_frame",
        .type = KEYS_TYPE_SIZE,
        .fallback_words = "4KiB, with mllp 2MiB",
        .floor = 16,
        .ceiling = 64 * MIB,
        .protocols = PROTOCOL(GAP) | PROTOCOL(LINE) | PROTOCOL(MLLP),
        .help = "The longest message, its framing included. What is longer is dropped and "
                "counted.",
    },
    {
        .id = KEYS_LISTEN,
        .section = KEYS_DEVICE,
        .name = "listen",
        .type = KEYS_TYPE_ADDRESS,
        .help = "Address where the hospital dials in with TLS. Several devices may share one: "
                "the server name that the hospital asks for then chooses the device. Either "
                "listen or connect is required.",
    },
    {
        .id = KEYS_CONNECT,
        .section = KEYS_DEVICE,
        .name = "connect",
        .type = KEYS_TYPE_SERVER,
        .is_list = true,
        .help = "Hospital servers that the gateway dials with TLS, the first one first. Either "
                "listen or connect is required.",
    },
    {
        .id = KEYS_SERVER_NAME,
        .section = KEYS_DEVICE,
        .name = "server_name",
        .type = KEYS_TYPE_HOST,
        .fallback_words = "with connect, the host of the entry in use",
        .help = "With connect: the name that is asked for and that the server's certificate must "
                "carry. With listen: a name that chooses this device, besides those in its "
                "certificate.",
    },
    {
        .id = KEYS_ALLOW,
        .section = KEYS_DEVICE,
        .name = "allow",
        .type = KEYS_TYPE_PEER,
        .is_list = true,
        .fallback_words = "with connect, the name of the server",
        .help = "Peers that may use the link, by a subjectAltName of their certificate: "
                "dns:NAME, uri:URI or ip:ADDRESS. Required with listen.",
    },
    {
        .id = KEYS_CERTIFICATE,
        .section = KEYS_DEVICE,
        .name = "certificate",
        .type = KEYS_TYPE_PATH,
        .is_required = true,
        .help = "PEM file with the device's own certificate, and then its chain.",
    },
    {
        .id = KEYS_KEY,
        .section = KEYS_DEVICE,
        .name = "key",
        .type = KEYS_TYPE_PATH,
        .is_required = true,
        .help = "PEM file with the private key of that certificate, of mode 0600 or stricter.",
    },
    {
        .id = KEYS_DEVICE_TRUST,
        .section = KEYS_DEVICE,
        .name = "trust",
        .type = KEYS_TYPE_NAME,
        .is_required = true,
        .help = "The trust section that judges the peers of this device.",
    },
    {
        .id = KEYS_DEVICE_REVOCATION,
        .section = KEYS_DEVICE,
        .name = "revocation",
        .type = KEYS_TYPE_CHOICE,
        .is_inherited = true,
        .fallback_words = "that of the trust",
        .words = {"hard", "grace", "soft", "off"},
        .help = "Another word than the trust's, for the links of this device. See REVOCATION.",
    },
    {
        .id = KEYS_DEVICE_GRACE,
        .section = KEYS_DEVICE,
        .name = "grace",
        .type = KEYS_TYPE_DURATION,
        .is_inherited = true,
        .fallback_words = "that of the trust",
        .floor = 1 * MINUTE,
        .ceiling = 30U * 24 * HOUR,
        .help = "Another time than the trust's, for the links of this device; only where "
                "revocation is grace.",
    },
    {
        .id = KEYS_WRITE_REVOCATION,
        .section = KEYS_DEVICE,
        .name = "write_revocation",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "link",
        .words = {"hard", "link"},
        .protocols = MODBUS,
        .help = "When a request that may change something in the device passes: whenever the link "
                "is up (link), or only while the status of every certificate is known to be good "
                "(hard), whatever grace, soft or break-glass lets through.",
    },
    {
        .id = KEYS_START,
        .section = KEYS_DEVICE,
        .name = "start",
        .type = KEYS_TYPE_CHOICE,
        .fallback = "always",
        .words = {"always", "data"},
        .roles = CONNECT,
        .help = "When to dial: always keep the link up, or dial when the device sends something.",
    },
    {
        .id = KEYS_WHILE_DOWN,
        .section = KEYS_DEVICE,
        .name = "while_down",
        .type = KEYS_TYPE_CHOICE,
        .fallback_words = "drop with serial, else block",
        .words = {"drop", "block"},
        .protocols = STREAMS,
        .help = "What happens to the device's bytes while there is no link: drop them (counted "
                "and logged as loss), or leave them unread so that the device waits.",
    },
    {
        .id = KEYS_MAX_LINKS,
        .section = KEYS_DEVICE,
        .name = "max_links",
        .type = KEYS_TYPE_NUMBER,
        .fallback = "16",
        .floor = 1,
        .ceiling = 1024,
        .help = "Links of this device at the same time; with side = master, masters that dial. "
                "With listen, a peer that has been at its handshake for 2 s gives way to a "
                "newcomer.",
    },
    {
        .id = KEYS_RESPONSE_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "response_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "1s",
        .floor = 10 * MS,
        .ceiling = 60 * SECOND,
        .protocols = MODBUS,
        .help =
            "How long the device (with side = master: the server) may take to answer a request.",
    },
    {
        .id = KEYS_CHAR_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "char_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "1s",
        .floor = 100 * MS,
        .ceiling = 60 * SECOND,
        .protocols = PROTOCOL(MODBUS_ASCII),
        .help = "The longest pause between two characters of a frame.",
    },
    {
        .id = KEYS_REQUEST_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "request_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback_words = "three times response_timeout, at least 2s",
        .floor = 10 * MS,
        .ceiling = 10 * MINUTE,
        .protocols = MODBUS,
        .sides = KEYS_SIDE_UNIT,
        .help = "How long a request may wait for its turn, counted from its arrival. After that it "
                "is answered with exception 06 and never sent.",
    },
    {
        .id = KEYS_DIAL_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "dial_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "5s",
        .floor = 100 * MS,
        .ceiling = 5 * MINUTE,
        .help = "How long it may take to look up and reach a server, or a TCP device.",
    },
    {
        .id = KEYS_HANDSHAKE_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "handshake_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "10s",
        .floor = 100 * MS,
        .ceiling = 5 * MINUTE,
        .help = "How long the TLS handshake may take.",
    },
    {
        .id = KEYS_IDLE_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "idle_timeout",
        .type = KEYS_TYPE_DURATION,
        .or_never = true,
        .fallback = "never",
        .floor = 100 * MS,
        .ceiling = 24 * HOUR,
        .help = "A link over which nothing passed for so long is closed.",
    },
    {
        .id = KEYS_DRAIN_TIMEOUT,
        .section = KEYS_DEVICE,
        .name = "drain_timeout",
        .type = KEYS_TYPE_DURATION,
        .fallback = "5s",
        .floor = 100 * MS,
        .ceiling = 5 * MINUTE,
        .help = "How long a link that is to end may take to send what it holds.",
    },
    {
        .id = KEYS_RETRY_MIN,
        .section = KEYS_DEVICE,
        .name = "retry_min",
        .type = KEYS_TYPE_DURATION,
        .fallback = "1s",
        .floor = 100 * MS,
        .ceiling = 10 * MINUTE,
        .roles = CONNECT,
        .help = "Upper bound of the first wait before dialling again; it doubles from try to try.",
    },
    {
        .id = KEYS_RETRY_MAX,
        .section = KEYS_DEVICE,
        .name = "retry_max",
        .type = KEYS_TYPE_DURATION,
        .fallback = "60s",
        .floor = 100 * MS,
        .ceiling = 1 * HOUR,
        .roles = CONNECT,
        .help = "Upper bound of every wait before dialling again; not less than retry_min.",
    },
};

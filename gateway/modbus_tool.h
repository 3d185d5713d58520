/*
 * Modbus tool: a port for the commands of a technician, opened and driven with libmodbus.
 *
 * Floor 3, the one file that includes libmodbus. It blocks: for commands, never for the daemon. A
 * serial port is locked before it is touched, so that a line that the gateway holds is left alone.
 * While a tool is open, SIGINT and SIGTERM end the question in hand (MODBUS_TOOL_STOPPED): whoever
 * sees that closes the tool, which leaves the port as it was, and calls modbus_tool_obey.
 */
#ifndef WARDGATE_MODBUS_TOOL_H
#define WARDGATE_MODBUS_TOOL_H

#include <stdbool.h>
#include <stdint.h>

#include "protocols/bytes.h"

struct modbus_tool;

struct modbus_tool_settings {
    const char *path; /* serial; NULL: Modbus/TCP */
    const char *host; /* TCP */
    uint16_t port;
    uint32_t rate; /* serial: modbus_tool_knows_rate */
    char parity;   /* 'N', 'E' or 'O' */
    uint8_t stop_bits;
    uint32_t timeout_ms; /* for an answer to begin, and to connect */
};

enum modbus_tool_result {
    MODBUS_TOOL_ANSWERED, /* `answer` holds the PDU, perhaps an exception; it fits the question */
    MODBUS_TOOL_SILENT,   /* nobody spoke */
    MODBUS_TOOL_GARBLED,  /* something came that is no answer to this */
    MODBUS_TOOL_LOST,     /* the port is gone; close the tool */
    MODBUS_TOOL_STOPPED,  /* by a signal; close the tool */
};

enum { MODBUS_TOOL_WHY_MAX = 256 };

/* libmodbus takes a rate that it does not know for 9600, without a word. */
bool modbus_tool_knows_rate(uint32_t rate);

/* NULL: cannot be opened, or is held; the reason is at `why` (MODBUS_TOOL_WHY_MAX bytes). The
 * settings are copied, their texts borrowed while the tool is open. */
struct modbus_tool *modbus_tool_open(const struct modbus_tool_settings *settings, char *why);

/* Other line settings on a port that stays locked. False as above; then close it. Serial only. */
bool modbus_tool_set_line(struct modbus_tool *t, uint32_t rate, char parity, char *why);

/* Ask once, wait for the answer. `pdu` is a sound request (modbus_pdu_check) for a unit 1..255.
 * `answer`: at least MODBUS_PDU_MAX bytes; filled with ANSWERED. */
enum modbus_tool_result modbus_tool_ask(struct modbus_tool *t, uint8_t unit, struct span pdu,
                                        struct room *answer);

/* The port as it was found, and unlocked. NULL is fine. */
void modbus_tool_close(struct modbus_tool *t);

/* End this process by the signal that stopped a tool. Returns when there was none. */
void modbus_tool_obey(void);

/* "3.1.6": the version of libmodbus that runs; `to`: MODBUS_TOOL_VERSION_MAX bytes. Returns `to`.
 */
enum { MODBUS_TOOL_VERSION_MAX = 40 };

const char *modbus_tool_library(char *to);

#endif

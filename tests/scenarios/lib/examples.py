"""libmodbus's own test programs (Debian's libmodbus-dev has them as examples), built with other addresses."""
import os
import re
import shutil

from wg import check, equal, run, say

EXAMPLES = "/usr/share/doc/libmodbus-dev/examples"
FACTS = 113  # that its client checks on TCP

# Wider margins between what is too slow and what is not, for a machine that does other things at the same time;
# and "1us response timeout", which says of itself that it can fail (a client that is not scheduled in time has its
# answer before it looks), is asked again until it holds. What is checked stays as it is.
PATIENT = [
    ("    modbus_set_response_timeout(ctx, 0, 1);\n    rc = modbus_read_registers(",
     "    modbus_set_response_timeout(ctx, 0, 1);\n    for (i = 0, rc = 0; i < 100 && rc != -1; i++)\n"
     "    rc = modbus_read_registers("),
    ("usleep(400000)", "usleep(900000)"),
    ("modbus_set_response_timeout(ctx, 0, 600000)", "modbus_set_response_timeout(ctx, 0, 950000)"),
    ("usleep(11 * 5000)", "usleep(11 * 20000 + 300000)"),
    ("modbus_set_byte_timeout(ctx, 0, 7000)", "modbus_set_byte_timeout(ctx, 0, 500000)"),
]
SLOW_SERVER = [("usleep(5000)", "usleep(20000)")]

# Count what does not hold, and go on.
COUNTS = [("        goto close;                               \\\n",
           "        ;                                         \\\n")]
# The client's patience comes on top of that of the gateway, which waits for the server.
BEHIND_GATEWAY = PATIENT + COUNTS + [
    ("    /* Allocate and initialize the memory",
     "    modbus_set_response_timeout(ctx, 4, 0);\n    modbus_set_byte_timeout(ctx, 1, 0);\n"
     "    /* Allocate and initialize the memory")]
# On a serial line the unit counts.
ASKS_A_UNIT = [
    ("        modbus_set_slave(ctx, SERVER_ID);\n", "        ;\n"),
    ("    modbus_get_response_timeout(ctx, &new_response_to_sec",
     "    modbus_set_slave(ctx, SERVER_ID);\n    modbus_get_response_timeout(ctx, &new_response_to_sec")]


def are_there():
    """False, and a word about it, on a machine without them."""
    if os.path.isdir(EXAMPLES):
        return True
    say("skipped: this machine has no documentation of libmodbus-dev")
    return False


def build(name, edits, out=None):
    """Compile NAME.c with (old, new) edits; the program's path."""
    out = out or name
    with open(os.path.join(EXAMPLES, name + ".c"), encoding="utf-8") as source:
        text = source.read()
    for old, new in edits:
        check(old in text, "%s.c is not the one that we know: no %r" % (name, old))
        text = text.replace(old, new)
    shutil.copy(os.path.join(EXAMPLES, "unit-test.h"), "unit-test.h")
    with open(out + ".c", "w", encoding="utf-8") as file:
        file.write(text)
    status, told = run(["cc", "-w", "-o", out, out + ".c", "-I/usr/include/modbus", "-lmodbus"], 60)
    equal(status, 0, "compiling %s: %s" % (name, told))
    return os.path.abspath(out)


def count(log):
    """What unit-test-client printed: (facts that hold, those that do not)."""
    with open(log, encoding="utf-8", errors="replace") as lines:
        told = lines.read()
    return (len(re.findall(r"\bOK$", told, re.M)),
            re.findall(r"^(.*)\nLine \d+: assertion error", told, re.M))


def expect(what, log, losses):
    """Red unless all facts hold but `losses`, each the beginning of one; returns how many hold."""
    good, bad = count(log)
    say("%s: %d facts hold; not: %s" % (what, good, "; ".join(bad) or "-"))
    check(len(bad) == len(losses) and all(map(str.count, bad, losses)),
          "%s: what does not hold is not what cannot hold" % what)
    equal(good, FACTS - len(losses), "%s: facts that hold" % what)
    return good

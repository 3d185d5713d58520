#!/usr/bin/python3
# timeout: 110
"""libmodbus's own test client against libmodbus's own test server, with the gateway and TLS between them:
TCP -> stunnel -> gateway -> RTU on a pty.

Of the 113 facts that the client checks, three cannot hold: the server shortens the pauses between bytes
only on TCP (two), and a strict gateway answers a wrong byte count itself (one).
"""
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Wire
from tools import stunnel
from wg import (Gateway, check, device_section, end, equal, gateway_section, port, run, say, scenario,
                spawn, trust_section, wait_for)

EXAMPLES = "/usr/share/doc/libmodbus-dev/examples"
FACTS = 113
UNHOLDABLE = ("Too small byte timeout", "Adapted byte timeout", "* modbus_read_registers: ")


def build(name, edits):
    with open(os.path.join(EXAMPLES, name + ".c"), encoding="utf-8") as source:
        text = source.read()
    for old, new in edits:
        check(old in text, "%s.c is not the one that we know: no %r" % (name, old))
        text = text.replace(old, new)
    with open(name + ".c", "w", encoding="utf-8") as out:
        out.write(text)
    status, told = run(["cc", "-w", "-o", name, name + ".c", "-I/usr/include/modbus", "-lmodbus"], 60)
    equal(status, 0, "compiling %s: %s" % (name, told))
    return os.path.abspath(name)


def body():
    if not os.path.isdir(EXAMPLES):
        say("skipped: this machine has no documentation of libmodbus-dev")
        return
    shutil.copy(os.path.join(EXAMPLES, "unit-test.h"), "unit-test.h")
    wire = Wire().plug()
    entry, number = port(), port()
    server = build("unit-test-server", [("/dev/ttyUSB0", wire.far)])
    client = build("unit-test-client", [
        ("1502", str(entry)),
        # Count what does not hold, and go on.
        ("        goto close;                               \\\n", "        ;                                         \\\n"),
        ("        modbus_set_slave(ctx, SERVER_ID);\n", "        ;\n"),
        # Behind a gateway the unit counts, and its patience comes on top of the server's.
        ("    modbus_get_response_timeout(ctx, &new_response_to_sec",
         "    modbus_set_slave(ctx, SERVER_ID);\n    modbus_get_response_timeout(ctx, &new_response_to_sec"),
        ("    /* Allocate and initialize the memory",
         "    modbus_set_response_timeout(ctx, 4, 0);\n    modbus_set_byte_timeout(ctx, 1, 0);\n"
         "    /* Allocate and initialize the memory"),
    ])
    spawn([server, "rtu"], log="server.log")
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="115200 8N1", protocol="modbus-rtu", writes="allow",
        unit_map="17, 0>17, 18>17, 255>17", response_timeout="1s",
        listen="127.0.0.1:%d" % number)).start()
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])
    stunnel("client", entry, number, "bms", name="pump-12.ward.example")
    asked = spawn([client, "tcp"], log="client.log")
    wait_for("the client is done", lambda: asked.poll() is not None, 80, 0.2)
    with open("client.log", encoding="utf-8", errors="replace") as lines:
        told = lines.read()
    good = len(re.findall(r"\bOK$", told, re.M))
    bad = re.findall(r"^(.*)\nLine \d+: assertion error", told, re.M)
    say("%d facts hold; not: %s" % (good, "; ".join(bad) or "-"))
    check(len(bad) == len(UNHOLDABLE) and all(map(str.count, bad, UNHOLDABLE)),
          "what does not hold is not what cannot hold")
    equal(good, FACTS - len(UNHOLDABLE), "facts that hold")
    end(asked)
    gateway.stop()


scenario(body)

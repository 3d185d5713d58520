#!/usr/bin/python3
# timeout: 40
"""Three devices, three certificates; two swapped key files are refused by `check`."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from tools import s_server
from wg import (Gateway, check, device_section, equal, gateway_section, pki, port, scenario,
                trust_section)

NAMES = ("pump-12", "monitor-7", "analyser-3")


def body():
    servers = {name: s_server() for name in NAMES}
    text = gateway_section() + trust_section()
    for name in NAMES:
        text += device_section(name, cert=name, port="tcp-listen:127.0.0.1:%d" % port(),
                               connect="127.0.0.1:%d" % servers[name].number, start="always")
    gateway = Gateway(text).start()
    for name in NAMES:
        gateway.wait_state(name, "up")
        servers[name].wait_text("CN = Device " + name)
        for other in set(NAMES) - {name}:
            check("CN = Device " + other not in servers[name].text(),
                  "the server of %s saw %s" % (name, other))
    gateway.stop()

    one, two = pki("pump-12.key"), pki("monitor-7.key")
    gateway.write(text.replace(one, "@").replace(two, one).replace("@", two))
    status, told = gateway.command("check")
    equal(status, 78, "exit status of check with swapped keys")
    for name in ("pump-12", "monitor-7"):
        lines = [line for line in told.splitlines() if name in line]
        check(any(line.startswith(gateway.conf + ":") for line in lines),
              "check names no line for %s:\n%s" % (name, told))
    status, told = gateway.command("run")
    equal(status, 78, "exit status of run with swapped keys")


scenario(body)

#!/usr/bin/python3
# timeout: 60
"""A list of three servers: after a short link the next one is dialled, after five minutes of health the
first one again. The gateway's clock runs 60 times as fast (faketime)."""
import datetime
import glob
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from wg import (Gateway, check, device_section, equal, gateway_section, has_sanitizers, port, say,
                scenario, trust_section, wait_for)

FASTER = 60


def body():
    library = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
    check(library, "the package faketime is not installed")
    if has_sanitizers():
        say("skipped: the sanitizers and faketime do not go together")
        return
    servers = [tls.Server(tls.server_context(name)) for name in ("hl7", "hl7b", "hl7-rsa")]
    first, second, third = servers
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % port(), server_name=None, start="always",
        handshake_timeout="5m", dial_timeout="5m", retry_min="1s", retry_max="10s",
        connect=", ".join("127.0.0.1:%d" % server.number for server in servers)),
        wrap=["env", "LD_PRELOAD=" + library[0], "FAKETIME=+0 x%d" % FASTER])
    second.start()
    third.start()
    gateway.start()

    def up_at(server):
        return gateway.wait_device("pump-12", "up at server %d" % servers.index(server), lambda d:
                                   d["state"] == "up" and d["peer"].endswith(":%d" % server.number))

    up_at(second)
    first.start()
    second.links[-1].close()
    up_at(third)  # a short link: on in the list
    began = gateway.status()["gateway"]["now"]
    wait_for("six minutes on the gateway's clock",
             lambda: minutes(began, gateway.status()["gateway"]["now"]) >= 6, 30)
    equal(third.links[-1].ended, None, "how the healthy link ended")
    third.links[-1].close()
    up_at(first)
    gateway.stop()


def minutes(a, b):
    form = "%Y-%m-%dT%H:%M:%SZ"
    return (datetime.datetime.strptime(b, form) - datetime.datetime.strptime(a, form)).seconds / 60


scenario(body)

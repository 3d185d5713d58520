#!/usr/bin/python3
# timeout: 60
"""A list of servers, the back-off between tries, and "refused our certificate" told from "closed"."""
import time
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from tools import s_server
from wg import (Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section,
                wait_for)


def tries(gateway, name):
    return len([e for e in gateway.events("link-state", name) if e["state"] == "dialing"])


def body():
    one, two = tls.Server(tls.server_context()), tls.Server(tls.server_context("hl7b"))
    stranger = {v: s_server(ca="other", version=v) for v in ("1.2", "1.3")}
    closer = tls.Server(tls.server_context(), on_link=lambda link: link.close()).start()
    ports = [port() for _ in range(5)]
    both = "127.0.0.1:%d, 127.0.0.1:%d" % (one.number, two.number)

    def device(at, name, **more):
        return device_section(name, cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % ports[at],
                              start="always", **more)

    gateway = Gateway(
        gateway_section() + trust_section(tls_min="1.2", anchors=os.environ["PKI"] + "/both-roots.pem")
        + device(0, "listed", connect=both, server_name=None, retry_max="400ms")
        + device(1, "refused-12", connect="127.0.0.1:%d" % stranger["1.2"].number, retry_max="10s")
        + device(2, "refused-13", connect="127.0.0.1:%d" % stranger["1.3"].number, retry_max="10s")
        + device(3, "closed", connect="127.0.0.1:%d" % closer.number)
        + device(4, "nobody", connect="127.0.0.1:%d" % port(), retry_max="10s")).start()

    gateway.wait_device("listed", "both are down",
                        lambda d: (d["last_fault"] or {}).get("code") == "connection-refused")
    two.start()
    seen = gateway.wait_state("listed", "up")
    equal(seen["peer"], "127.0.0.1:%d" % two.number, "the server that is up")
    one.start()
    two.stop()
    seen = gateway.wait_device("listed", "up at the first server", lambda d: d["state"] == "up"
                               and d["peer"] == "127.0.0.1:%d" % one.number)

    for name in ("refused-12", "refused-13"):
        seen = gateway.wait_fault(name, "own-certificate-refused")
        gateway.wait_device(name, "words for a technician",
                            lambda d: d["words"].startswith("server refused our certificate"))
        equal(seen["last_fault"]["side"], "certificate", "side of the fault")
    seen = gateway.wait_device("closed", "a fault", lambda d: d["last_fault"])
    check(seen["last_fault"]["code"] in ("closed", "truncated", "reset"),
          "a server that closed: %r" % seen["last_fault"])
    check("certificate" not in seen["words"], "a server that closed: %r" % seen["words"])

    # A refused certificate is no retry storm: far fewer dials than of one who only closes.
    dials = {name: tries(gateway, name) for name in ("refused-12", "refused-13")}
    begun = time.monotonic()
    wait_for("the closer is dialled ten times", lambda: closer.tcp_count >= 10, 20)
    passed = time.monotonic() - begun
    for name, before in dials.items():
        more = tries(gateway, name) - before
        check(more <= 1 + passed / 5, "%s was dialled %d times in %.1f s" % (name, more, passed))
    check("refused our certificate" in gateway.command("status")[1],
          "the table for people does not say it")

    # Nobody listens: the waits grow from retry_min, with jitter.
    wait_for("four tries", lambda: len(gateway.events("link-failed", "nobody")) >= 4, 20)
    check(gateway.device("nobody")["words"] != "", "no words for a server that is not there")
    gateway.stop()


scenario(body)

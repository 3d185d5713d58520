#!/usr/bin/python3
# timeout: 110
"""The gateway as TLS client refuses every wrong server, in both TLS versions, by openssl and gnutls.

No server may see a byte of the device, no device a byte of the server. Status names the cause.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Tcp
from refusals import COMMON, DEVICE, SECRET
from tools import gnutls_serv, s_server
from wg import (Failure, Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section, wait_for)


def servers():
    """(name of the device, expected faults, the running server)"""
    for version in ("1.2", "1.3"):
        for variant, faults in COMMON:
            yield "openssl-%s-%s" % (variant, version), faults, s_server("hl7-" + variant, version)
            if variant not in ("crit", "nosign"):
                yield "gnutls-%s-%s" % (variant, version), faults, gnutls_serv("hl7-" + variant,
                                                                               version)
        # One that does not ask for the device's certificate: that would be no mutual TLS.
        yield "openssl-careless-" + version, ("tls-error",), s_server(version=version, demands=False)
    broken = ("tls-version", "tls-error")
    yield "openssl-old", broken, s_server(version="1.1", more=["-cipher", "ALL@SECLEVEL=0"])
    yield "gnutls-old", broken, gnutls_serv(version="1.1")
    yield "openssl-null", ("tls-error",), s_server(version="1.2", more=["-cipher", "NULL@SECLEVEL=0"])
    yield "openssl-cbc", ("tls-error",), s_server(
        version="1.2", more=["-cipher", "ECDHE-ECDSA-AES128-SHA256"])


def body():
    text = gateway_section() + trust_section(tls_min="1.2")
    cases = []
    for name, faults, server in servers():
        device_port = port()
        name = name.replace(".", "")
        text += device_section(name, port="tcp-listen:127.0.0.1:%d" % device_port, start="always",
                               connect="127.0.0.1:%d" % server.number, retry_min="300ms",
                               retry_max="2s")
        cases.append((name, faults, server, device_port))
    gateway = Gateway(text).start()
    for case in cases:
        device = Tcp.dial(case[3])
        try:
            device.send(DEVICE)
        except OSError:
            pass  # refused already, and told by a close
        if case[2].child.poll() is None and not case[0].startswith("gnutls"):
            case[2].give(SECRET)
        case[2].device = device

    def all_refused():
        refused = {event["device"] for event in gateway.events("link-failed")}
        return all(case[0] in refused for case in cases)

    try:
        wait_for("every server is refused", all_refused, 30, 0.2)
    except Failure as late:
        say(str(late))
    red = []
    for name, faults, server, _ in cases:
        seen = gateway.device(name)
        code = (seen.get("last_fault") or {}).get("code")
        if code not in faults:
            red.append("%s: fault %r, want one of %r" % (name, seen.get("last_fault"), faults))
        if seen["sessions"] != 0 or seen["state"] == "up":
            red.append("%s: the link came up" % name)
        if DEVICE in server.bytes():
            red.append("%s: the server saw bytes of the device" % name)
        if server.device.poll() != b"":
            red.append("%s: the device saw bytes of the server" % name)
        causes = {event["cause"] for event in gateway.events("link-failed", name)}
        if not causes or not causes <= set(faults):
            red.append("%s: the log names %r, want %r" % (name, causes, faults))
    for line in red:
        say("RED " + line)
    check(not red, "%d of the refusals went wrong" % len(red))
    equal(gateway.log_lines("SECRET"), [], "payload in the log")
    gateway.stop()


scenario(body)

#!/usr/bin/python3
# timeout: 110
"""The gateway as TLS server refuses every wrong client, in both TLS versions, by openssl and gnutls.

The device has sent and waits for bytes all the time; it must see none of the peer's, and no peer may see
the device's. Status and log name the cause.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Serial, Wire
from refusals import COMMON, DEVICE, SECRET
from tools import gnutls_cli, s_client
from wg import (Failure, Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section)

NULL = ["-cipher", "NULL@SECLEVEL=0"]
OLD = ["-cipher", "DEFAULT@SECLEVEL=0"]


def peers(number):
    """(what, expected faults, a function that starts the peer)"""
    for version in ("1.2", "1.3"):
        cases = [(None, ("no-certificate",))] + [("bms-" + v, f) for v, f in COMMON]
        for cert, faults in cases:
            for start in (s_client, gnutls_cli):
                if start is gnutls_cli and cert in ("bms-crit", "bms-nosign"):
                    continue  # GnuTLS refuses to present these
                yield ("%s %s TLS %s" % (start.__name__, cert, version), faults,
                       lambda s=start, c=cert, v=version: s(number, cert=c, version=v))
    broken = ("tls-version", "tls-error")
    yield "openssl TLS 1.1", broken, lambda: s_client(number, version="1.1", more=OLD)
    yield "gnutls TLS 1.1", broken, lambda: gnutls_cli(number, version="1.1")
    yield "openssl NULL suite", ("tls-error",), lambda: s_client(number, version="1.2", more=NULL)
    yield "openssl static RSA", ("tls-error",), lambda: s_client(
        number, cert="bms-rsa", version="1.2", more=["-cipher", "kRSA"])
    yield "openssl CBC", ("tls-error",), lambda: s_client(
        number, version="1.2", more=["-cipher", "ECDHE-ECDSA-AES128-SHA256"])


def body():
    number = port()
    wire = Wire().plug()
    gateway = Gateway(gateway_section() + trust_section(tls_min="1.2") + device_section(
        "pump-12", port="serial:" + wire.near, line="19200 8E1",
        listen="127.0.0.1:%d" % number)).start()
    device = Serial(wire.far)
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])
    device.send(DEVICE)
    red = []
    for tried, (what, faults, start) in enumerate(peers(number), 1):
        peer = start()
        try:
            peer.give(SECRET)
            peer.finish()
        except OSError:
            pass  # refused before we could write
        try:
            peer.wait_end(10)
            seen = gateway.wait_event("link-failed", "pump-12", tried)[-1]
            check(seen["cause"] in faults, "cause is %r, want one of %r" % (seen, faults))
        except Failure as failure:
            red.append("%s: %s" % (what, failure))
            peer.end()
        if DEVICE in peer.bytes():
            red.append("%s: the peer saw bytes of the device" % what)
    check(gateway.device("pump-12")["last_fault"]["code"] in ("tls-error", "tls-version"),
          "status does not name the last fault")
    equal(device.poll(0.1), b"", "what the device saw of refused peers")
    for line in red:
        say("RED " + line)
    check(not red, "%d of the refusals went wrong" % len(red))
    peer = s_client(number)  # a good peer does get through
    peer.give(b"GOOD\n")
    device.expect(b"GOOD\n")
    device.send(b"WELCOME\n")
    peer.wait_text("WELCOME")
    peer.end()
    gateway.stop()


scenario(body)

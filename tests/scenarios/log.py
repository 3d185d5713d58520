#!/usr/bin/python3
# timeout: 60
"""The log: never payload, a line for each change of state, one at the end with who, how much, how long
and why; as text and as JSON."""
import json
import re
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Listening, Tcp
from tools import s_client
from wg import (Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section)

PAYLOAD = b"\x0bMSH|^~\\&|PATIENT^DOE|4711\r\x1c\r"


def traffic(log_format):
    server = tls.Server(tls.server_context(), on_record=lambda link, got: link.send(got)).start()
    ports = [port(), port()]
    behind = Listening()
    gateway = Gateway(
        gateway_section(log_format=log_format) + trust_section()
        + device_section("monitor-7", cert="monitor-7", protocol="mllp",
                         port="tcp-listen:127.0.0.1:%d" % ports[0],
                         connect="127.0.0.1:%d" % server.number)
        + device_section("pump-12", port=behind.port, listen="127.0.0.1:%d" % ports[1]), name=log_format).start()
    device = Tcp.dial(ports[0])
    gateway.wait_state("monitor-7", "up")
    for _ in range(3):
        device.send(PAYLOAD)
        device.expect(PAYLOAD)
    device.send(b"PATIENT outside of a block" + PAYLOAD)
    device.expect(PAYLOAD)
    peer = s_client(ports[1])
    pump = behind.accept()
    peer.give(b"PATIENT\n")
    pump.expect(b"PATIENT\n")
    peer.end()
    server.links[0].close()
    device.wait_end()
    gateway.wait_log("link-ended", count=2)
    gateway.command("status")
    gateway.command("reload")
    gateway.stop()
    return gateway


def body():
    text = traffic("text")
    log = text.log()
    for secret in ("PATIENT", "4711", "MSH|"):
        check(secret not in log, "payload in the log: %s" % secret)
    check("PRIVATE KEY" not in log, "a key in the log")
    for line in log.splitlines():
        check(re.match(r"<[3-7]>[a-z][a-z-]*( |$)", line), "not priority, event, fields: %r" % line)
    states = [e["state"] for e in text.events("link-state", "monitor-7")]
    for state in ("dialing", "handshake", "checking", "up"):
        equal(states[:10].count(state) >= 1, True, "a line for state %s in %r" % (state, states))
    equal([s for s, t in zip(states, states[1:]) if s == t], [], "state lines that tell nothing new")
    ends = text.events("link-ended", "monitor-7")
    check(ends, "no line at the end of the link")
    one = ends[0]
    equal(one["device_to_server_bytes"], str(4 * len(PAYLOAD)), "bytes to the server")
    equal(one["server_to_device_bytes"], str(4 * len(PAYLOAD)), "bytes to the device")
    check(int(one["duration_ms"]) >= 0 and re.fullmatch("[0-9A-F]+", one["peer_serial"]),
          "duration and serial: %r" % one)
    check(re.fullmatch(r"127\.0\.0\.1:\d+", one["peer"]), "peer: %r" % one)
    check(one["cause"] in ("closed", "truncated", "reset") and one["side"] == "server",
          "cause and side: %r" % one)

    made = traffic("json")
    lines = [json.loads(line) for line in made.log().splitlines()]
    check(all({"time", "level", "event"} <= set(line) for line in lines), "JSON lines without time, level or event")
    ends = [l for l in lines if l["event"] == "link-ended" and l.get("device") == "monitor-7"]
    equal(ends[0]["device_to_server_bytes"], 4 * len(PAYLOAD), "bytes as a number in JSON")
    check("PATIENT" not in made.log(), "payload in the JSON log")


scenario(body)

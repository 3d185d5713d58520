#!/usr/bin/python3
# timeout: 60
"""What a device sends while its link is down: `drop` throws it away, counts it and says so; `block`
on TCP loses nothing. Never do old bytes reach a new link behind the device's back."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Tcp, Wire
from wg import (Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section,
                wait_for)


def body():
    server = tls.Server(tls.server_context())
    to = "127.0.0.1:%d" % server.number
    wire = Wire().plug()
    drop_port, block_port = port(), port()
    gateway = Gateway(
        gateway_section() + trust_section()
        + device_section("serial", port="serial:" + wire.near, line="9600 8N1", connect=to,
                         while_down="drop", start="always")
        + device_section("drop", cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % drop_port,
                         connect=to, while_down="drop")
        + device_section("block", cert="analyser-3", port="tcp-listen:127.0.0.1:%d" % block_port,
                         connect=to, while_down="block")).start()
    serial, drop, block = Serial(wire.far), Tcp.dial(drop_port), Tcp.dial(block_port)
    ends = {"serial": serial, "drop": drop, "block": block}
    gateway.wait_device("serial", "port open", lambda d: d["port_open"])
    for name, end in ends.items():
        end.send(b"OLD-" + name.encode())
    gateway.wait_device("serial", "loss is counted", lambda d: d["lost_bytes"] == len("OLD-serial"))
    # A TCP device whose bytes are not wanted is told so by a close.
    wait_for("drop: counted, or told", lambda: drop.poll() is None or drop.ended
             or gateway.device("drop")["lost_bytes"] == len("OLD-drop"))
    server.start()

    def link_of(subject):
        found = [link for link in server.open_links() if subject in link.subject]
        return found[-1] if found else None

    subjects = {"serial": "pump-12", "drop": "monitor-7", "block": "analyser-3"}
    if drop.ended:
        ends["drop"] = Tcp.dial(drop_port)
    for name, end in ends.items():
        gateway.wait_state(name, "up")
        check(name == "serial" or end.poll() == b"" and not end.ended,
              "%s: the device's connection was closed" % name)
        end.send(b"NEW-" + name.encode())
    for name, subject in subjects.items():
        link = wait_for("a link of " + name, lambda s=subject: link_of(s))
        want = b"NEW-" + name.encode()
        if name == "block":
            want = b"OLD-block" + want
        wait_for("bytes of %s, has %r" % (name, link.bytes()),
                 lambda l=link, w=want: len(l.bytes()) >= len(w))
        equal(link.bytes(), want, "what came of " + name)
    equal(gateway.device("block")["lost_bytes"], 0, "bytes lost by block")

    # The server goes away in the middle; the serial device goes on talking to nobody.
    server.stop()
    gateway.wait_device("serial", "down", lambda d: d["state"] != "up")
    serial.send(b"BETWEEN")
    gateway.wait_device("serial", "more loss", lambda d: d["lost_bytes"] >= len("OLD-serialBETWEEN"))
    server.links.clear()
    server.start()
    gateway.wait_state("serial", "up")
    serial.send(b"AFTER")
    link = wait_for("a new link", lambda: link_of("pump-12"))
    wait_for("the bytes after", lambda: len(link.bytes()) >= 5)
    equal(link.bytes(), b"AFTER", "what a new link was sent")
    gateway.wait_log(r"device=serial .*lost\w*=[1-9]|lost.* device=serial .*=[1-9]", 5)
    check(not gateway.log_lines("OLD-|BETWEEN"), "payload in the log")
    gateway.stop()


scenario(body)

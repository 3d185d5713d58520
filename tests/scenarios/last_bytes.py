#!/usr/bin/python3
# timeout: 60
"""Who says much and leaves at once is heard to the end, however slow the other side is; and a message over
max_frame never looks like a whole one."""
import hashlib
import os
import socket
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Tcp
from tools import stunnel
from wg import (Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section,
                wait_for)

MUCH = os.urandom(1 << 20) * 8


def digest(data):
    return hashlib.sha256(data).hexdigest()


def stands_still(gateway, way):
    """Kernel and gateway are full: nothing moved between four looks."""
    seen = [gateway.device("pump-12")["bytes"][way] for _ in range(4)]
    return seen[0] > 0 and len(set(seen)) == 1


def read_to_end(sock):
    got = []
    sock.settimeout(20)
    while True:
        data = sock.recv(1 << 16)
        if not data:
            return b"".join(got)
        got.append(data)


def leave_at_once(version):
    server_port, device_port = port(), port()
    behind = socket.create_server(("127.0.0.1", 0))
    behind.settimeout(10)
    stunnel("server", server_port, behind.getsockname()[1], "hl7", version)
    gateway = Gateway(gateway_section() + trust_section(tls_min="1.2") + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % device_port, start="data",
        connect="127.0.0.1:%d" % server_port), name="leave-" + version).start()
    for way in ("device_to_server", "server_to_device"):
        device = Tcp.dial(device_port)
        server = Tcp(behind.accept()[0])
        gateway.wait_state("pump-12", "up")
        talker, listener = (device, server) if way == "device_to_server" else (server, device)
        pid = os.fork()
        if pid == 0:  # talks and leaves while we look on
            try:
                talker.sock.settimeout(30)
                talker.sock.sendall(MUCH)
            finally:
                os._exit(0)
        talker.close()
        wait_for("everything is full", lambda w=way: stands_still(gateway, w), 20)
        equal(digest(read_to_end(listener.sock)), digest(MUCH), "what arrived, " + way)
        os.waitpid(pid, 0)
        listener.close()
        wait_for("the link's end", lambda: not gateway.device("pump-12")["links"]
                 or gateway.device("pump-12")["state"] != "up")
    gateway.stop()


def too_long():
    server = tls.Server(tls.server_context()).start()
    number = port()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "monitor-7", cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % number, protocol="mllp",
        max_frame="64KiB", drain_timeout="100ms", connect="127.0.0.1:%d" % server.number), name="long").start()
    good = b"\x0bGOOD\x1c\r"
    # Longer than max_frame after a part was sent on: only a cut tells the server so.
    device = Tcp.dial(number)
    gateway.wait_state("monitor-7", "up")
    device.send(good + b"\x0b" + b"L" * 100000 + b"\x1c\r" + good)
    gateway.wait_event("link-ended", "monitor-7", cause="too-long")
    wait_for("the server hears of it", lambda: server.links[0].ended)
    got = server.links[0].bytes()
    check(got.startswith(good) and b"\x1c\r" not in got[len(good):],
          "a cut message was ended: %d bytes, %r" % (len(got), got[-20:]))
    # Bytes outside of a message go nowhere and harm nothing.
    device.close()
    device = Tcp.dial(number)
    gateway.wait_device("monitor-7", "up with its device", lambda d: d["state"] == "up"
                        and not d["words"].startswith("ready"))
    device.send(b"junk" * 50000 + good)
    wait_for("the message after junk", lambda: server.links[-1].bytes() == good)
    equal(gateway.device("monitor-7")["junk_bytes"], 200000, "junk bytes")
    gateway.stop()


def body():
    leave_at_once("1.2")
    leave_at_once("1.3")
    too_long()


scenario(body)

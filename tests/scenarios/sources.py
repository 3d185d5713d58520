#!/usr/bin/python3
# timeout: 60
"""How devices come: by a connection from an allowed address only, dialled by the gateway, on a serial
port that is unplugged and comes back."""
import socket
import time
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Tcp, Wire
from wg import (Gateway, check, device_section, equal, gateway_section, listens, port, scenario,
                trust_section, wait_for)


def allowed_source():
    server = tls.Server(tls.server_context()).start()
    number = port()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % number, from_=["127.0.0.2", "127.0.0.3"],
        connect="127.0.0.1:%d" % server.number), name="source").start()
    stranger = Tcp.dial(number)
    try:
        stranger.send(b"STRANGER")
    except OSError:
        pass
    stranger.wait_end()
    gateway.wait_log("source-not-allowed")
    friend = Tcp.dial(number, source=("127.0.0.3", 0))
    gateway.wait_state("pump-12", "up")
    friend.send(b"FRIEND")
    wait_for("the friend's bytes", lambda: server.links and server.links[-1].bytes())
    equal(server.links[-1].bytes(), b"FRIEND", "what came to the server")
    Tcp.dial(number).wait_end()
    friend.send(b"!")
    wait_for("the friend goes on", lambda: server.links[-1].bytes() == b"FRIEND!")
    gateway.stop()
    server.stop()


def keepalive(pid_port):
    """Does our side of a connection to this port have a keep-alive timer? The kernel's table says it."""
    with open("/proc/net/tcp", encoding="ascii") as lines:
        for line in lines:
            words = line.split()
            if words[3] == "01" and words[2].endswith(":%04X" % pid_port):
                return words[5].startswith("02")
    return False


def dialled_by_us():
    server = tls.Server(tls.server_context(), on_record=lambda link, got: link.send(got)).start()
    number = port()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp:127.0.0.1:%d" % number, start="always",
        connect="127.0.0.1:%d" % server.number), name="dial").start()
    gateway.wait_device("pump-12", "device not there", lambda d: not d["port_open"])
    for at in range(2):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", number))
        listener.listen()
        listener.settimeout(10)
        # The gateway may dial more than once until its link is up: the last connection counts.
        device = Tcp(listener.accept()[0])
        gateway.wait_device("pump-12", "up with its device",
                            lambda d: d["state"] == "up" and d["port_open"])
        listener.settimeout(0.1)
        try:
            device = Tcp(listener.accept()[0])
        except OSError:
            pass
        device.send(b"echo %d" % at)
        device.expect(b"echo %d" % at)
        check(keepalive(number), "no keep-alive timer towards the device")
        check(keepalive(server.number), "no keep-alive timer towards the server")
        listener.close()
        device.close()
        gateway.wait_device("pump-12", "device gone", lambda d: not d["port_open"])
    check(not listens(number), "the port is free again")
    gateway.stop()
    server.stop()


def replugged():
    server = tls.Server(tls.server_context()).start()
    wire = Wire()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="19200 8E1", start="always",
        connect="127.0.0.1:%d" % server.number), name="plug").start()
    gateway.wait_device("pump-12", "no port", lambda d: not d["port_open"])
    for at in range(5):
        wire.plug()
        begun = time.monotonic()
        gateway.wait_device("pump-12", "up", lambda d: d["state"] == "up" and d["port_open"], 5)
        took = time.monotonic() - begun
        check(at == 0 or took < 2.5, "up again only after %.1f s" % took)
        far = Serial(wire.far)
        far.send(b"plug %d" % at)
        wait_for("its bytes", lambda a=at: server.open_links()
                 and server.open_links()[-1].bytes().endswith(b"plug %d" % a))
        far.close()
        wire.unplug()
        seen = gateway.wait_device("pump-12", "unplugged", lambda d: not d["port_open"], 5)
        equal(seen["last_fault"]["side"], "device", "side of an unplugged port")
    gateway.stop()
    server.stop()


def body():
    allowed_source()
    dialled_by_us()
    replugged()


scenario(body)

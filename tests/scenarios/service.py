#!/usr/bin/python3
# timeout: 60
"""As a service: it tells systemd of its life, feeds the watchdog, ends quickly from every state, finds a
port that another program holds, speaks IPv6, and outlives a configuration file that is gone."""
import fcntl
import os
import signal
import socket
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Tcp, Wire
from tools import s_client
from wg import (Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section, wait_for)


class Systemd:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self):
        self.path = os.path.abspath("notify.sock")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        self.sock.setblocking(False)
        self.told = []

    def has(self, word, count=1):
        try:
            while True:
                self.told += self.sock.recv(4096).decode().split("\n")
        except BlockingIOError:
            pass
        return sum(line.startswith(word) for line in self.told) >= count


def life():
    systemd = Systemd()
    os.environ["NOTIFY_SOCKET"] = systemd.path
    os.environ["WATCHDOG_USEC"] = "400000"
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % port(), connect="127.0.0.1:%d" % port()),
        name="life").start()
    del os.environ["NOTIFY_SOCKET"], os.environ["WATCHDOG_USEC"]
    wait_for("READY=1", lambda: systemd.has("READY=1"))
    wait_for("five feeds of the watchdog", lambda: systemd.has("WATCHDOG=1", 5), 3)
    os.rename(gateway.conf, "away.conf")
    gateway.hangup()
    gateway.wait_log("reload")
    os.rename("away.conf", gateway.conf)
    equal(gateway.status()["gateway"]["generation"], 1, "generation after a reload without a file")
    gateway.stop()
    wait_for("STOPPING=1", lambda: systemd.has("STOPPING=1"))


def ends_from_every_state(wire):
    mute = socket.create_server(("127.0.0.1", 0))
    cases = {"waiting": "127.0.0.1:%d" % port(), "handshake": "127.0.0.1:%d" % mute.getsockname()[1]}
    for state, server in cases.items():
        gateway = Gateway(gateway_section() + trust_section() + device_section(
            "pump-12", port="serial:" + wire.near, line="9600 8N1", connect=server, start="always",
            retry_min="1m", retry_max="1m", drain_timeout="30s"), name=state).start()
        gateway.wait_state("pump-12", state)
        begun = time.monotonic()
        gateway.stop()
        check(time.monotonic() - begun < 3, "the end from state %s was slow" % state)
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="9600 8N1", listen="127.0.0.1:%d" % port()),
        name="twice").start()
    gateway.child.send_signal(signal.SIGINT)
    gateway.wait_stopped(3)


def held_port(wire):
    holder = os.open(wire.near, os.O_RDWR | os.O_NOCTTY)
    fcntl.flock(holder, fcntl.LOCK_EX)
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="9600 8N1", listen="127.0.0.1:%d" % port()),
        name="held").start()
    seen = gateway.wait_fault("pump-12", "busy")
    check(not seen["port_open"], "a held port is told as open")
    os.close(holder)
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"], 3)
    # And nobody else may have it while the gateway does.
    other = os.open(wire.near, os.O_RDWR | os.O_NOCTTY)
    try:
        fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)
        check(False, "the gateway's port can be locked by another program")
    except BlockingIOError:
        pass
    os.close(other)
    gateway.stop()


def ipv6(wire):
    try:
        held = socket.socket(socket.AF_INET6)
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("::1", 0))
    except OSError:
        say("no IPv6 here: skipped")
        return
    number = held.getsockname()[1]
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:" + wire.near, line="9600 8N1", listen="[::1]:%d" % number),
        name="ipv6").start()
    device = Serial(wire.far)
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])
    peer = s_client(number, more=["-connect", "[::1]:%d" % number])
    peer.give(b"over IPv6\n")
    device.expect(b"over IPv6\n")
    seen = gateway.wait_state("pump-12", "up")
    check(seen["peer"].startswith("[::1]:"), "peer is " + seen["peer"])
    peer.end()
    gateway.stop()


def by_name():
    """No server_name: the host of the connect entry is what the certificate must carry."""
    good, wrong = tls.Server(tls.server_context()).start(), tls.Server(tls.server_context("hl7-badname")).start()
    ports = [port(), port()]
    gateway = Gateway(gateway_section() + trust_section()
                      + device_section("pump-12", port="tcp-listen:127.0.0.1:%d" % ports[0],
                                       server_name=None, connect="localhost:%d" % good.number)
                      + device_section("monitor-7", cert="monitor-7", server_name=None,
                                       port="tcp-listen:127.0.0.1:%d" % ports[1],
                                       connect="localhost:%d" % wrong.number), name="names").start()
    gateway.wait_state("pump-12", "up")
    device = Tcp.dial(ports[0])
    device.send(b"by name")
    wait_for("its bytes", lambda: good.links[0].bytes() == b"by name")
    gateway.wait_fault("monitor-7", "wrong-name")
    gateway.stop()


def body():
    wire = Wire().plug()
    life()
    ends_from_every_state(wire)
    held_port(wire)
    ipv6(wire)
    by_name()


scenario(body)

#!/usr/bin/python3
# timeout: 60
"""How many links a device has and how they end: max_links, a newer link of the same peer, another peer,
idle_timeout, a server that never answers, a device that dials first, a device that resets."""
import os
import socket
import struct
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Listening, Serial, Tcp, Wire
from wg import (Gateway, check, device_section, equal, gateway_section, port, scenario, trust_section,
                wait_for, wait_listens)


def closed(peer):
    """The gateway ended this link."""
    peer.settimeout(10)
    try:
        while True:
            if not peer.recv(4096):
                return
    except OSError as error:
        check(not isinstance(error, socket.timeout), "the link was not ended")


def several_peers():
    """A TCP device is dialled for each link; a serial line is held by one peer."""
    behind, wire = Listening(), Wire().plug()
    ports = [port(), port()]
    gateway = Gateway(
        gateway_section() + trust_section()
        + device_section("pump-12", port=behind.port, listen="127.0.0.1:%d" % ports[0], max_links="2")
        + device_section("monitor-7", cert="monitor-7", port="serial:" + wire.near, line="9600 8N1",
                         listen="127.0.0.1:%d" % ports[1]), name="several").start()
    pairs = []
    for word in (b"one", b"two"):
        peer = tls.dial(ports[0])
        device = behind.accept()
        peer.sendall(word)
        device.expect(word)
        pairs.append((peer, device))
    third = None
    try:
        third = tls.dial(ports[0])
        closed(third)
    except OSError:
        pass  # refused before or after the handshake
    gateway.wait_log("too-many")
    check(behind.nobody_came(), "the device was dialled for a link too many")
    for at, (peer, device) in enumerate(pairs):
        device.send(b"still %d" % at)
        equal(peer.recv(100), b"still %d" % at, "what an older link got")
    # The device resets one connection: its link ends, the other stays, and there is room again.
    device = pairs[0][1]
    device.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    device.close()
    closed(pairs[0][0])
    ends = gateway.wait_event("link-ended", "pump-12")
    equal((ends[0]["cause"], ends[0]["side"]), ("reset", "device"), "cause and side of a reset device")
    fourth = tls.dial(ports[0])
    fourth.sendall(b"four")
    behind.accept().expect(b"four")

    name = "monitor-7.ward.example"
    device = Serial(wire.far)
    gateway.wait_device("monitor-7", "port open", lambda d: d["port_open"])
    first = tls.dial(ports[1], name=name)
    first.sendall(b"first;")
    device.expect(b"first;")
    other = tls.dial(ports[1], tls.client_context("bms-rsa"), name=name)
    closed(other)
    gateway.wait_log("cause=busy")
    first.sendall(b"goes on;")
    device.expect(b"goes on;")
    newer = tls.dial(ports[1], name=name)
    closed(first)
    gateway.wait_event("link-ended", "monitor-7", cause="replaced")
    newer.sendall(b"newer;")
    device.expect(b"newer;")
    device.send(b"to whom?")
    equal(newer.recv(100), b"to whom?", "what the newer link got")
    gateway.stop()


def timeouts():
    """idle_timeout; and a server that takes connections and says nothing: the next one is dialled."""
    server = tls.Server(tls.server_context()).start()
    mute = socket.create_server(("127.0.0.1", 0))
    ports = [port(), port()]
    gateway = Gateway(
        gateway_section() + trust_section()
        + device_section("pump-12", port="tcp-listen:127.0.0.1:%d" % ports[0], start="data",
                         idle_timeout="300ms", connect="127.0.0.1:%d" % server.number)
        + device_section("monitor-7", cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % ports[1],
                         handshake_timeout="500ms", start="always",
                         connect="127.0.0.1:%d, 127.0.0.1:%d" % (mute.getsockname()[1], server.number)),
        name="timeouts").start()
    seen = gateway.wait_state("monitor-7", "up")
    equal(seen["peer"], "127.0.0.1:%d" % server.number, "the server that speaks")
    equal(seen["last_fault"]["code"], "timeout", "fault of a mute server")
    # start = data: nobody was dialled before the device came.
    equal([link for link in server.links if "pump-12" in link.subject], [], "links before the device")
    device = Tcp.dial(ports[0])
    device.send(b"now")
    gateway.wait_event("link-ended", "pump-12", cause="idle")
    device.wait_end()
    links = [link for link in server.links if "pump-12" in link.subject]
    wait_for("the server sees the end", lambda: links[0].ended)
    equal((links[0].bytes(), links[0].ended), (b"now", "eof"), "what the idle link brought")
    gateway.stop()
    server.stop()


def device_first():
    """A device that dials in waits for the hospital, which also dials in; or the other way round."""
    ports = [port(), port()]
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % ports[0], listen="127.0.0.1:%d" % ports[1]),
        name="first").start()
    wait_listens(ports[1])
    peer = tls.dial(ports[1])
    gateway.wait_state("pump-12", "up")
    device = Tcp.dial(ports[0])
    peer.sendall(b"hospital first")
    device.expect(b"hospital first")
    device.close()
    closed(peer)
    # The device comes first: it waits, or it is told by a close and comes again.
    device = Tcp.dial(ports[0])
    peer = tls.dial(ports[1])
    peer.sendall(b"late hospital")
    gateway.wait_state("pump-12", "up")
    device.poll(0.2)
    if device.ended:
        device = Tcp.dial(ports[0])
    device.expect(b"late hospital")
    device.send(b"here")
    check(peer.recv(100).endswith(b"here"), "what the late hospital got")
    device.close()
    closed(peer)
    gateway.stop()


def body():
    several_peers()
    timeouts()
    device_first()


scenario(body)

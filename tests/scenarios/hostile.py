#!/usr/bin/python3
# timeout: 60
"""Peers that misbehave before and after the handshake: none hangs the gateway or reaches the device, and
a good peer gets through all the time."""
import os
import socket
import ssl
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Wire
from tools import s_client
from wg import (Gateway, check, device_section, equal, gateway_section, port, run, say, scenario,
                trust_section, wait_for)

HANDSHAKE_S = 2
HELLO_S = 10  # before the ClientHello no device is known whose handshake_timeout would count


def client_hello(name="pump-12.ward.example"):
    """What OpenSSL would send first."""
    out = ssl.MemoryBIO()
    conn = tls.client_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname=name)
    try:
        conn.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


def throw(number, data, slowly=False):
    sock = socket.create_connection(("127.0.0.1", number), timeout=10)
    if slowly:
        for at in range(len(data)):
            sock.sendall(data[at:at + 1])
    else:
        sock.sendall(data)
    return sock


def ended(sock):
    """Until the gateway ends this connection: what it said before."""
    said = b""
    sock.settimeout(HELLO_S + 3)
    try:
        while True:
            data = sock.recv(4096)
            if not data:
                return said
            said += data
    except ConnectionError:
        return said


def good(number, device, word):
    begun = time.monotonic()
    peer = tls.dial(number)
    peer.sendall(word)
    device.expect(word)
    device.send(word)
    equal(peer.recv(100), word, "what a good peer got")
    peer.unwrap()
    peer.close()
    return time.monotonic() - begun


def before_the_handshake(number, device):
    hello = client_hello()
    for name, data in (("noise", os.urandom(3000)), ("HTTP", b"GET / HTTP/1.1\r\n\r\n" * 20),
                       ("SSL 2", b"\x80\x2e\x01\x00\x02" + bytes(60)),
                       ("no hello", b"\x15\x03\x01\x00\x02\x01\x00"),
                       ("a record of 64 KiB", b"\x16\x03\x01\xff\xff" + bytes(70000)),
                       ("a hello of 16 MiB", b"\x16\x03\x01\x40\x00\x01\xff\xff\xff" + bytes(16379)),
                       ("empty records", b"\x16\x03\x01\x00\x00" * 5000)):
        try:
            sock = throw(number, data)
        except ConnectionError:
            continue  # ended before all was out
        begun = time.monotonic()
        ended(sock)
        check(time.monotonic() - begun < HANDSHAKE_S + 2, "%s was endured for long" % name)
    # Half a hello, nothing at all, and a hello without the rest: ended by handshake_timeout.
    waiting = [throw(number, data) for data in (hello[:50], b"", hello)]
    for sock in waiting:
        ended(sock)
    # A hello that comes byte by byte is a hello.
    said = throw(number, hello, slowly=True).recv(5)
    equal(said[:1], b"\x16", "the answer to a slow hello")
    good(number, device, b"after noise\n")


def many_at_once(number, device):
    """More half-open handshakes than places: a good peer gets through while they still stand."""
    hello = client_hello()
    socks = [throw(number, hello) for _ in range(64)] + [throw(number, b"") for _ in range(64)]
    begun = time.monotonic()

    def through():
        try:
            return good(number, device, b"in the crowd\n")
        except OSError:
            return None  # had to wait too long for a place: dials again, as a real one does

    wait_for("a good peer gets through", through, 8 * HANDSHAKE_S, 0.1)
    say("a good peer got through 128 bad ones after %.1f s" % (time.monotonic() - begun))
    for sock in socks:
        sock.close()


def after_the_handshake(number, device, gateway):
    peer = s_client(number, version="1.3")
    peer.give(b"one\n")
    device.expect(b"one\n")
    peer.give(b"K\n")  # s_client: update the keys
    peer.wait_text("KEYUPDATE")
    peer.give(b"two\n")
    device.expect(b"two\n")
    device.send(b"three\n")
    peer.wait_text("three")
    peer.finish()
    peer.wait_end()

    peer = s_client(number, version="1.2")
    peer.give(b"one\n")
    device.expect(b"one\n")
    peer.give(b"R\n")  # s_client: negotiate anew
    peer.wait_text("RENEGOTIATING")
    peer.wait_end()
    gateway.wait_event("link-ended", "pump-12", cause="tls-error")

    for version in ("1.2", "1.3"):
        peer = s_client(number, version=version, more=["-sess_out", "session.pem"])
        peer.give(b"ticket?\n")
        device.expect(b"ticket?\n")
        device.send(b"no\n")
        peer.wait_text("no\n")
        peer.finish()
        peer.wait_end()
        if os.path.exists("session.pem"):
            peer = s_client(number, version=version, more=["-sess_in", "session.pem"])
            peer.give(b"again\n")
            device.expect(b"again\n")
            peer.wait_text("New, TLSv")
            check("Reused" not in peer.text(), "a session was resumed in TLS " + version)
            peer.finish()
            peer.wait_end()
            os.unlink("session.pem")

    peer = s_client(number, version="1.2", more=["-maxfraglen", "512", "-msg"])
    peer.give(b"short records\n")
    device.expect(b"short records\n")
    device.send(b"x" * 1800 + b"\n")
    wait_for("all of a long line", lambda: peer.text().count("x") >= 1800)
    peer.finish()
    peer.wait_end()

    # An end without a farewell is not taken for a farewell.
    peer = tls.dial(number)
    peer.sendall(b"cut")
    device.expect(b"cut")
    before = len(gateway.events("link-ended", "pump-12"))
    peer.shutdown(socket.SHUT_RDWR)
    socket.socket.close(peer)
    ends = gateway.wait_event("link-ended", "pump-12", before + 1)
    check(ends[-1]["cause"] in ("truncated", "reset"), "a cut link ended as %r" % ends[-1]["cause"])


def body():
    number = port()
    wire = Wire().plug()
    gateway = Gateway(gateway_section() + trust_section(tls_min="1.2") + device_section(
        "pump-12", port="serial:" + wire.near, line="115200 8N1", listen="127.0.0.1:%d" % number,
        handshake_timeout="%ds" % HANDSHAKE_S, max_links="1024")).start()
    device = Serial(wire.far)
    gateway.wait_device("pump-12", "port open", lambda d: d["port_open"])
    good(number, device, b"first\n")
    files = gateway.descriptors()
    before_the_handshake(number, device)
    many_at_once(number, device)
    after_the_handshake(number, device, gateway)
    wait_for("every connection is closed", lambda: gateway.descriptors() <= files)
    equal(device.poll(0.1), b"", "what else the device saw")
    with open("garbage.sock.txt", "wb") as out:
        out.write(os.urandom(1000))
    for _ in range(12):
        # Whoever may open the control socket may also talk nonsense on it.
        run(["socat", "-t1", "-u", "FILE:garbage.sock.txt", "UNIX-CONNECT:control.sock"])
    equal(gateway.command("status")[0], 0, "exit status of status after nonsense")
    equal(oct(os.stat("control.sock").st_mode & 0o777), "0o660", "mode of the control socket")
    gateway.stop()


scenario(body)

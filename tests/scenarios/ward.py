#!/usr/bin/python3
# timeout: 110
# alone
"""A ward of 200 devices: all up, the server is cut and comes back, all up again; never more than 32
handshakes at once."""
import socket
import threading
import time
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Tcp
from wg import (Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section, wait_for)

COUNT = 200
AT_ONCE = 32


class Counted(tls.Server):
    """Counts the clients that have sent their ClientHello and wait for an answer, which comes late, as
    behind a slow network: many would wait at once if nobody held them back."""

    at_once = most = 0
    lock = threading.Lock()

    def _serve(self, raw, peer):
        raw.recv(1, socket.MSG_PEEK)
        with self.lock:
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        time.sleep(0.05)
        with self.lock:
            self.at_once -= 1
        super()._serve(raw, peer)


def body():
    server = Counted(tls.server_context())
    ports = [port() for _ in range(COUNT)]
    names = ("pump-12", "monitor-7", "analyser-3")
    text = gateway_section(log_level="info") + trust_section()
    for at, number in enumerate(ports):
        text += device_section("bed-%d" % at, cert=names[at % 3], connect="127.0.0.1:%d" % server.number,
                               port="tcp-listen:127.0.0.1:%d" % number, start="always",
                               retry_max="1s")
    gateway = Gateway(text).start()
    before = gateway.memory_kb()
    server.start()

    def all_up():
        return sum(d["state"] == "up" for d in gateway.status()["devices"]) == COUNT

    begun = time.monotonic()
    wait_for("all %d devices are up" % COUNT, all_up, 40, 0.1)
    say("all up after %.1f s; %.1f KB for each link (%d KB resident)"
        % (time.monotonic() - begun, (gateway.memory_kb() - before) / COUNT, gateway.memory_kb()))
    check(server.most <= AT_ONCE, "%d handshakes at once" % server.most)
    descriptors = gateway.descriptors()
    for _ in range(2):
        server.stop()
        wait_for("all are down", lambda: all(
            d["state"] != "up" for d in gateway.status()["devices"]), 20, 0.1)
        server.links.clear()
        server.most = 0
        server.start()
        begun = time.monotonic()
        wait_for("all are up again", all_up, 40, 0.1)
        say("all up again after %.1f s, %d handshakes at once, %d KB resident"
            % (time.monotonic() - begun, server.most, gateway.memory_kb()))
        check(1 < server.most <= AT_ONCE, "%d handshakes at once" % server.most)
    equal(server.failures, [], "handshakes that failed")
    equal(gateway.descriptors(), descriptors, "open files after two cuts")

    devices = [Tcp.dial(number) for number in ports]
    for at, device in enumerate(devices):
        device.send(b"%d;" % at)
    wait_for("200 words", lambda: sum(bool(l.records) for l in server.open_links()) == COUNT, 20)
    words = sorted(l.bytes() for l in server.open_links() if l.records)
    equal(words, sorted(b"%d;" % at for at in range(COUNT)), "what came")
    check(not gateway.grew_over(40000), "%d KB resident" % gateway.memory_kb())
    gateway.stop()


scenario(body)

#!/usr/bin/python3
# timeout: 110
"""50 MB each way at once while first one end and then the other does not read: nothing lost or out of
order, and the gateway's memory stays bounded."""
import hashlib
import socket
import threading
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from device import Tcp
from tools import stunnel
from wg import (Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section, wait_for)

TOTAL = 50 << 20
PIECE = os.urandom(1 << 20)


def send_all(send):
    digest = hashlib.sha256()
    for at in range(TOTAL >> 20):
        piece = bytes([at]) + PIECE[1:]
        digest.update(piece)
        send(piece)
    return digest.hexdigest()


def body():
    result = {}
    server_port, device_port = port(), port()
    # stunnel is the hospital's TLS end; behind it stands a plain socket that we read when we like.
    behind = socket.create_server(("127.0.0.1", 0))
    behind.settimeout(10)
    stunnel("server", server_port, behind.getsockname()[1], "hl7")
    gateway = Gateway(gateway_section(log_level="info") + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % device_port,
        connect="127.0.0.1:%d" % server_port)).start()
    device = Tcp.dial(device_port)
    gateway.wait_state("pump-12", "up")
    server = Tcp(behind.accept()[0])
    before = gateway.memory_kb()
    memory = [before]

    def start(name, end):
        def guarded():
            try:
                end.sock.settimeout(60)
                result[name] = send_all(end.send)
            except OSError as error:
                result[name] = str(error)

        threading.Thread(target=guarded, daemon=True).start()

    def counters():
        memory.append(gateway.memory_kb())
        seen = gateway.device("pump-12")
        return seen["bytes"]["device_to_server"], seen["bytes"]["server_to_device"]

    def stalled():
        """Nobody reads: the same counters four times in a row."""
        seen = counters()
        return min(seen) > 0 and all(counters() == seen for _ in range(3))

    def take_all(end, what):
        digest, got = hashlib.sha256(), 0
        while got < TOTAL:
            end.got = b""
            end.poll(20)
            check(end.got, "%s: only %d bytes came" % (what, got))
            got += len(end.got)
            digest.update(end.got)
        end.got = b""
        counters()
        return digest.hexdigest()

    start("up", device)
    start("down", server)
    wait_for("both directions stand still", stalled, 20, 0.1)
    say("both ends full: %d KB resident, %d KB at start" % (max(memory), before))
    # The server reads while the device does not; then the device.
    taken = {"up": take_all(server, "device to server")}
    taken["down"] = take_all(device, "server to device")
    wait_for("both senders ended", lambda: len(result) == 2)
    equal(taken, result, "checksums")
    equal(counters(), (TOTAL, TOTAL), "bytes in status")
    say("at most %d KB resident" % max(memory))
    check(not gateway.grew_over(8192, before), "the gateway grew by %d KB" % (max(memory) - before))
    device.close()
    gateway.stop()


scenario(body)

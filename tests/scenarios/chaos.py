#!/usr/bin/python3
# timeout: 90
"""Half a minute of everything at once: devices, servers, masters and cables come and go at random while
bytes pass and the configuration is read anew. Nothing crashes, nothing leaks, no link carries a wrong
byte, and at the end everything is up again."""
import os
import random
import socket
import struct
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Serial, Tcp, Wire
from rtu import Master, Slave, register
from wg import (Failure, Gateway, check, device_section, equal, gateway_section, port, say, scenario,
                trust_section, wait_for)

SECONDS = 25
SEED = int(os.environ.get("CHAOS_SEED", "4711"))
NAMES = ("pump-12", "monitor-7", "analyser-3")


class Chaos:
    def __init__(self):
        self.until = time.monotonic() + SECONDS
        self.red = []
        self.counts = {}

    def goes_on(self):
        return time.monotonic() < self.until and not self.red

    def count(self, what):
        self.counts[what] = self.counts.get(what, 0) + 1

    def start(self, name, work):
        def guarded():
            rng = random.Random("%d %s" % (SEED, name))
            try:
                while self.goes_on():
                    work(rng)
            except Failure as failure:
                self.red.append("%s: %s" % (name, failure))

        thread = threading.Thread(target=guarded, daemon=True)
        thread.start()
        return thread


def abort(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    sock.close()


def tcp_device(chaos, number):
    """Sends numbered words; the server sends each back. An answer must be a word of this connection."""
    def work(rng):
        try:
            sock = socket.create_connection(("127.0.0.1", number), timeout=1)
        except OSError:
            time.sleep(0.02)
            return
        sock.settimeout(rng.choice((0.05, 0.5)))
        mark = rng.randrange(1 << 30)
        sent = b"".join(b"%d-%d;" % (mark, at) * rng.choice((1, 1, 300)) for at in range(rng.randrange(9)))
        got = b""
        try:
            sock.sendall(sent)
            if rng.random() < 0.3:
                sock.shutdown(socket.SHUT_WR)
            while len(got) < len(sent):
                data = sock.recv(65536)
                if not data:
                    break
                got += data
        except OSError:
            pass
        if not sent.startswith(got):
            raise Failure("sent %r and got %r" % (sent[:60], got[:60]))
        chaos.count("tcp echoed" if got == sent else "tcp cut")
        abort(sock) if rng.random() < 0.3 else sock.close()

    return work


def master(chaos, number, unit):
    def work(rng):
        try:
            one = Master(tls.dial(number, seconds=3))
        except OSError:
            chaos.count("master refused")
            return
        try:
            for _ in range(rng.randrange(12)):
                at = rng.randrange(500)
                got = one.read(unit, at, 2)
                if got not in (-0x0A, -0x0B, -0x06, [register(unit, at), register(unit, at + 1)]):
                    raise Failure("read %d: %r" % (at, got))
                chaos.count("master read" if got != -0x0A else "master 0A")
            if rng.random() < 0.5:
                one.sock.sendall(b"\0\1\0\0\0\6\1\3\0\0\0\1")  # leaves without its answer
        except OSError:
            chaos.count("master cut")
        abort(one.sock) if rng.random() < 0.3 else one.sock.close()

    return work


def servers(chaos, ends):
    def work(rng):
        end = rng.choice(ends)
        if rng.random() < 0.5:
            end.stop()
            time.sleep(rng.random() * 0.3)
            end.start()
            chaos.count("server restarted")
        else:
            for link in end.open_links():
                if rng.random() < 0.5:
                    link.close()
                    chaos.count("link cut")
        time.sleep(rng.random() * 0.3)

    return work


def cable(chaos, wire, units):
    line = {}

    def work(rng):
        slave = line.pop("slave", None)
        if slave:
            wire.unplug()
            slave.end()
            chaos.count("unplugged")
            time.sleep(rng.random() * 0.5)
        wire.plug()
        line["slave"] = Slave(Serial(wire.far), units)
        time.sleep(rng.random() * 3)

    return work


def body():
    chaos = Chaos()
    say("seed %d" % SEED)
    ends = [tls.Server(tls.server_context(), on_record=lambda link, got: link.send(got)).start()
            for _ in range(3)]
    wire = Wire()
    tcp_ports, modbus_port = [port() for _ in range(6)], port()

    def text(flip):
        out = gateway_section(log_level="info") + trust_section(tls_min="1.2")
        for at, number in enumerate(tcp_ports):
            out += device_section("tcp-%d" % at, cert=NAMES[at % 3],
                                  port="tcp-listen:127.0.0.1:%d" % number,
                                  start="data" if at % 2 else "always",
                                  while_down="drop" if at == 2 else "block",
                                  idle_timeout="1s" if at == flip else "10m",
                                  connect=", ".join("127.0.0.1:%d" % end.number for end in ends))
        return out + device_section("pump-12", port="serial:" + wire.near, line="19200 8E1",
                                    protocol="modbus-rtu", unit_map="1", response_timeout="100ms",
                                    listen="127.0.0.1:%d" % modbus_port,
                                    max_links="16" if flip % 2 else "15")

    gateway = Gateway(text(1)).start()

    def reloads(rng):
        gateway.write(text(rng.randrange(6)))
        status, told = gateway.command("reload")
        if status != 0:
            raise Failure("reload exits %d: %s" % (status, told))
        chaos.count("reload")
        gateway.status()
        time.sleep(rng.random())

    threads = [chaos.start("device %d" % at, tcp_device(chaos, number))
               for at, number in enumerate(tcp_ports)]
    threads += [chaos.start("master %d" % at, master(chaos, modbus_port, 1)) for at in range(3)]
    threads += [chaos.start("servers", servers(chaos, ends)), chaos.start("reloads", reloads),
                chaos.start("cable", cable(chaos, wire, {1}))]
    for thread in threads:
        thread.join(SECONDS + 30)
    say(", ".join("%d %s" % (n, what) for what, n in sorted(chaos.counts.items())))
    check(not chaos.red, "; ".join(chaos.red))
    for what in ("tcp echoed", "master read", "reload", "server restarted", "unplugged"):
        check(chaos.counts.get(what, 0) > 0, "nothing of this happened: " + what)

    # Calm again: all that should be up is up, by itself. (Whose link ends after a second of silence, and whose
    # bytes are dropped meanwhile, may speak into the pauses for ever: not that device.)
    gateway.write(text(1))
    equal(gateway.command("reload")[0], 0, "exit status of the last reload")
    for at, number in enumerate(tcp_ports):
        def echoes(to=number):
            try:
                device = Tcp.dial(to)
                device.send(b"calm")
                device.expect(b"calm", 2)
                device.close()
                return True
            except (Failure, OSError):
                return False

        wait_for("device %d has an echo" % at, echoes, 15)
    wait_for("the bus answers", lambda: calm_read(modbus_port), 15)
    gateway.stop()


def calm_read(number):
    try:
        return Master(tls.dial(number)).read(1, 5) == [register(1, 5)]
    except (Failure, OSError):
        return False


scenario(body)

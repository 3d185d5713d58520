"""What is measured: one function for each part of the bench, which yields (figure, program, value) for one round.

A figure's name says its unit. The programs take turns within a round, so that a machine that changes its pace changes
it for all of them.
"""
import os
import pty
import socket
import subprocess
import termios
import time
import tty

from proxies import (Haproxy, Invalid, Load, Nginx, Relay, Ser2net, Socat, Stunnel, Wardgate, WardgateModbus,
                     cpu_s, free_ports, memory_kb, pin, wait_for)

RIVALS_OUT = (Wardgate, Haproxy, Nginx, Stunnel)
RIVALS_IN = (Wardgate, Haproxy, Nginx)
SCALE = tuple(int(n) for n in os.environ.get("BENCH_DEVICES", "10 1000 10000").split())
IDLE = tuple(int(n) for n in os.environ.get("BENCH_IDLE", "100 1000 8000").split())
IDLE_S = float(os.environ.get("BENCH_SILENCE", "60"))
WIRES = (9600, 19200, 115200)
PART = float(os.environ.get("BENCH_PART", "1"))  # of the usual amount of work, for a quick look


def some(count):
    return max(100, int(count * PART))


class Place:
    """Where a round runs: certificates, a folder, two sets of ports."""

    def __init__(self, pki, folder):
        self.pki, self.folder = pki, folder
        self.near = free_ports(1000, 21000)
        self.far = free_ports(1, self.near - 1000)

    def start(self, kind, **more):
        return kind(self.pki, self.folder, self.near, self.far, **more)


def links(place):
    """500 links, 16 at a time: connect, handshake, verdict, 8 bytes there and back, close."""
    for to_device, kinds in ((False, RIVALS_OUT), (True, RIVALS_IN)):
        way = "server to device" if to_device else "device to server"
        for kind in kinds:
            with place.start(kind, to_device=to_device) as proxy:
                Load(proxy, "links", count=32).result()  # what is made once, is made now
                got = Load(proxy, "links", count=500).result()
                yield "CPU per new link, %s (ms)" % way, kind.name, got["cpu_s"] * 1e3 / got["done"]
                yield "time of a new link, %s, p99 (ms)" % way, kind.name, got["p99_us"] / 1e3
                if not to_device:
                    yield "links that were resumed (of 500)", kind.name, got["resumed"]


def messages(place):
    for kind in RIVALS_OUT + (Socat, Relay):
        plain = kind is Relay
        with place.start(kind, links=50) as proxy:
            got = Load(proxy, "echo", links=50, count=some(50000), plain=plain).result()
            yield "CPU per 256-byte echo, 50 links (us)", kind.name, got["cpu_s"] * 1e6 / got["done"]
            yield "256-byte echoes per second, 50 links", kind.name, got["done"] / got["wall_s"]
            got = Load(proxy, "echo", count=some(5000), plain=plain).result()
            yield "latency of a 256-byte echo, 1 link, median (us)", kind.name, got["p50_us"]
            yield "latency of a 256-byte echo, 1 link, p99 (us)", kind.name, got["p99_us"]
            for size, text in ((64, "64 B"), (1024, "1 KiB"), (16384, "16 KiB")):
                got = Load(proxy, "echo", links=50, count=some(10000), size=size, plain=plain).result()
                yield "CPU per %s echo, 50 links (us)" % text, kind.name, got["cpu_s"] * 1e6 / got["done"]


def bulk(place):
    for work, text in (("bulk", "one way"), ("both", "both ways")):
        for kind in RIVALS_OUT + (Socat, Relay):
            with place.start(kind) as proxy:
                got = Load(proxy, work, count=some(512 << 20), plain=kind is Relay).result()
                yield "bulk %s (MB/s)" % text, kind.name, got["done"] / got["wall_s"] / 1e6
                yield "CPU of bulk %s (ms per 100 MB)" % text, kind.name, got["cpu_s"] * 1e11 / got["done"]


def idle(place):
    for count in IDLE:
        for kind in RIVALS_OUT:
            with place.start(kind, links=count) as proxy:
                Load(proxy, "links", count=32).result()  # what is made or paged in once, is so now
                before = memory_kb(proxy.pids())
                load = Load(proxy, "idle", links=count, at_once=64)
                yield "memory per idle link, %d links (KB)" % count, kind.name, (memory_kb(proxy.pids()) - before) / count
                pids, since = proxy.pids(), time.monotonic()
                spent = cpu_s(pids)
                time.sleep(IDLE_S)
                spent = (cpu_s(pids) - spent) / (time.monotonic() - since)
                yield "CPU of %d idle links (%% of a core)" % count, kind.name, spent * 100
                load.result()  # all of them still carry a message


def storm_of(place, kind, name, restarts):
    with place.start(kind, links=1000, each=True) as proxy:
        got = Load(proxy, "storm", links=1000, at_once=64, restarts=restarts).result()
        if restarts and got["resumed"] != 0:
            raise Invalid("%s: a server that was started anew resumed a session" % kind.name)
        yield name + ": the last of 1,000 is up after (ms)", kind.name, got["max_us"] / 1e3
        yield name + ": p99 (ms)", kind.name, got["p99_us"] / 1e3
        yield name + ": CPU (ms)", kind.name, got["cpu_s"] * 1e3
        yield name + ": CPU of the devices and the server (ms)", kind.name, got["own_s"] * 1e3
        if kind is Wardgate:
            yield name + ": longest stall of the loop, start included (ms)", kind.name, \
                proxy.status()["gateway"]["stall_ms"]


def storm(place):
    """The rivals resume what the server still knows; of a server that was started anew nobody can."""
    for name, restarts in (("storm", False), ("storm, server restarted", True)):
        for kind in (Wardgate, Haproxy, Nginx, Stunnel):
            yield from storm_of(place, kind, name, restarts)


def open_line():
    """A pty whose slave nobody hangs up: (master, slave, its path)."""
    master, slave = pty.openpty()
    tty.setraw(slave, termios.TCSANOW)
    return master, slave, os.ttyname(slave)


def serial(place):
    for kind in (Wardgate, Ser2net):
        master, slave, path = open_line()
        with place.start(kind, to_device=True, tty=path) as proxy:
            got = Load(proxy, "echo", count=some(2000), size=64, master=master).result()
            yield "serial: 64 bytes there and back, median (us)", kind.name, got["p50_us"]
            yield "serial: 64 bytes there and back, p99 (us)", kind.name, got["p99_us"]
            yield "serial: CPU per echo (us)", kind.name, got["cpu_s"] * 1e6 / got["done"]
        os.close(master)
        os.close(slave)
    master, slave, path = open_line()
    with place.start(WardgateModbus, to_device=True, tty=path) as proxy:
        got = Load(proxy, "modbus", count=some(500), master=master).result()
        yield "Modbus: a poll of 10 registers, median (us)", "wardgate", got["p50_us"]
        yield "Modbus: CPU per poll (us)", "wardgate", got["cpu_s"] * 1e6 / got["done"]
        for rate in WIRES:  # 8 + 25 bytes of 11 bits: what the line itself takes
            yield "Modbus: poll against the wire's time at %d bit/s (%%)" % rate, "wardgate", \
                got["p50_us"] / ((8 + 25) * 11 / rate * 1e6) * 100
    os.close(master)
    os.close(slave)


class Configured(Wardgate):
    """A gateway with so many devices, each with a certificate of its own."""

    def command(self):
        self.ports = 1
        self.clear()
        self.write()
        self.began = time.monotonic()
        return [self.program, "run", "-c", self.conf]

    def write(self, changed=()):
        devices = []
        for i in range(self.links):
            text = self.device(i, "d%d" % i)
            devices.append(text if i not in changed else text + "retry_max = 50s\n")
        self.conf = self.file("conf", self.head() + "".join(devices))

    def answers(self):
        with socket.socket(socket.AF_UNIX) as asked:
            return asked.connect_ex(os.path.join(self.folder, "control")) == 0

    def wait_ready(self):
        wait_for(lambda: self.answers() or self.child.poll() is not None, "wardgate does not start")
        if self.child.poll() is not None:
            raise Invalid("wardgate ended by itself; see " + self.log)
        self.status()
        self.took = time.monotonic() - self.began

    def settle(self):
        """Until it does nothing any more: devices are started, and looked at after a reload, in many small turns."""
        before = None
        while before is None or cpu_s([self.child.pid]) - before > 0.002:
            before = cpu_s([self.child.pid])
            time.sleep(0.1)

    def reload(self):
        """(seconds, seconds on the processor, with what comes after it)"""
        self.settle()
        spent, since = cpu_s([self.child.pid]), time.monotonic()
        subprocess.run([self.program, "reload", "-c", self.conf], check=True, stdout=subprocess.DEVNULL)
        took = time.monotonic() - since
        self.settle()
        return took, cpu_s([self.child.pid]) - spent


def scale(place):
    place = Place(place.pki, place.folder)
    for count in (1,) + SCALE:  # a gateway without any device is refused
        for i in range(count):
            place.pki.leaf("d%d" % i)
        place.near = free_ports(max(count, 1), 21000)
        with place.start(Configured, links=count) as proxy:
            yield "start with %d devices (ms)" % count, "wardgate", proxy.took * 1e3
            yield "start with %d devices, CPU (ms)" % count, "wardgate", cpu_s([proxy.child.pid]) * 1e3
            yield "RSS with %d devices (MB)" % count, "wardgate", memory_kb([proxy.child.pid], "Rss") / 1024
            if count == 1:
                continue
            for text, step in (("nothing", 0), ("one device", count), ("100 devices", count // 100)):
                if step == 0 and text != "nothing":
                    continue
                proxy.write(range(step // 2, count, step) if step else ())
                took, spent = proxy.reload()
                yield "reload of %d devices, %s changed (ms)" % (count, text), "wardgate", took * 1e3
                yield "reload of %d devices, %s changed, CPU (ms)" % (count, text), "wardgate", spent * 1e3
            stall = proxy.status()["gateway"]["stall_ms"]
            yield "longest stall in the reloads of %d devices (ms)" % count, "wardgate", stall


PARTS = {f.__name__: f for f in (links, messages, bulk, idle, storm, serial, scale)}

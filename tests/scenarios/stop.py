#!/usr/bin/python3
# timeout: 60
"""Stopping drains, and every end has its exit code."""
import signal
import socket
import threading
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Tcp
from wg import (WARDGATE, Gateway, check, device_section, equal, gateway_section, listens, port, run,
                scenario, trust_section, wait_for)


def drains():
    """What the device has sent arrives although SIGTERM comes while the server is slow."""
    server = tls.Server(tls.server_context(), on_link=lambda link: link.slow.set()).start()
    device_port = port()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % device_port, drain_timeout="10s",
        connect="127.0.0.1:%d" % server.number)).start()
    device = Tcp.dial(device_port)
    gateway.wait_state("pump-12", "up")
    message = os.urandom(1 << 20) * 16
    threading.Thread(target=swallow, args=(device, message), daemon=True).start()
    taken = wait_for("kernel and gateway are full", lambda: stands_still(gateway), 20)
    gateway.child.send_signal(signal.SIGTERM)
    wait_for("no new links while it drains", lambda: not listens(device_port), 5)
    server.links[0].slow.clear()
    gateway.wait_stopped()
    wait_for("the link's end", lambda: server.links[0].ended)
    got = server.links[0].bytes()
    check(len(got) >= taken, "%d bytes were in flight at SIGTERM, %d arrived, then %s"
          % (taken, len(got), server.links[0].ended))
    check(message.startswith(got), "what arrived is not what the device sent")
    equal(server.links[0].ended, "eof", "how the link ended for the server")
    server.stop()


def swallow(device, message):
    try:
        device.send(message)
    except OSError:
        pass


def stands_still(gateway):
    """How many bytes went towards the server, once that number does not change any more."""
    seen = [gateway.device("pump-12")["bytes"]["device_to_server"] for _ in range(4)]
    return seen[0] if len(set(seen)) == 1 else None


def hurries():
    """drain_timeout bounds a server that never reads."""
    server = tls.Server(tls.server_context(), on_link=lambda link: link.slow.set()).start()
    device_port = port()
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % device_port, drain_timeout="1s",
        connect="127.0.0.1:%d" % server.number), name="hurry").start()
    device = Tcp.dial(device_port)
    gateway.wait_state("pump-12", "up")
    device.sock.settimeout(0.5)
    try:
        while True:
            device.send(bytes(65536))
    except OSError:
        pass
    gateway.stop(seconds=6)
    server.stop()


def exit_codes():
    text = gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % port(), connect="127.0.0.1:%d" % port()) + \
        device_section("monitor-7", cert="monitor-7", port="serial:/dev/ttyUSB-not-there",
                       line="9600 8N1", connect="127.0.0.1:%d" % port(), start="always")
    gateway = Gateway(text, name="codes").start()
    # A port and a server that are not there are states, not errors.
    gateway.wait_device("monitor-7", "not up", lambda d: d["state"] != "up" and not d["port_open"])
    status, told = gateway.command("run")
    equal(status, 69, "exit status of a second instance on the same control socket (%s)" % told)
    gateway.wait_device("monitor-7", "still answers", lambda d: True)
    equal(gateway.command("status")[0], 0, "exit status of status")
    gateway.stop()
    check(gateway.command("status")[0] == 69, "status without a gateway must exit 69")

    for words in (["frobnicate"], [], ["run", "--nonsense"], ["check", "-c"]):
        equal(run([WARDGATE] + words)[0], 64, "exit status of wardgate %s" % " ".join(words))
    gateway.write(text.replace("protocol = raw", "protocol = rawish"))
    equal(gateway.command("run")[0], 78, "exit status of run with a wrong file")
    equal(gateway.command("check")[0], 78, "exit status of check with a wrong file")
    equal(run([WARDGATE, "check", "-c", "/nonexistent.conf"])[0], 78, "check without a file")

    holder = socket.create_server(("127.0.0.1", 0))
    busy = holder.getsockname()[1]
    gateway.write(gateway_section() + trust_section() + device_section(
        "pump-12", port="tcp-listen:127.0.0.1:%d" % port(), listen="127.0.0.1:%d" % busy))
    status, told = gateway.command("run")
    equal(status, 69, "exit status when the listen address is taken (%s)" % told)
    check(str(busy) in told, "the message does not name the address: " + told)
    holder.close()


def body():
    drains()
    hurries()
    exit_codes()


scenario(body)

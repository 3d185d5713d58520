#!/usr/bin/python3
# timeout: 40
"""Half-close goes through the gateway in both directions, and answers still come back."""
import socket
import ssl
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

import tls
from device import Tcp
from wg import Gateway, device_section, equal, gateway_section, port, scenario, trust_section, wait_for


def read_to_end(sock):
    got = b""
    while True:
        try:
            data = sock.recv(65536)
        except ssl.SSLZeroReturnError:
            return got  # the other side's farewell, after our own
        if not data:
            return got
        got += data


def send_farewell(sock):
    """close_notify only: unwrap() would wait for the answer, and we go on reading."""
    sock.setblocking(False)
    try:
        sock.unwrap()
    except (ssl.SSLWantReadError, ssl.SSLError):
        pass
    sock.setblocking(True)


def links(low, high):
    """A listening TLS server that hands over its connections raw."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(10)
    context = tls.server_context(low=low, high=high)

    def accept():
        raw, _ = listener.accept()
        return context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)

    return listener.getsockname()[1], accept


def ready(gateway):
    gateway.wait_device("pump-12", "up with its device", lambda d: d["state"] == "up"
                        and not d["words"].startswith("ready"))


def body():
    for version in (tls.V12, tls.V13):
        server_port, accept = links(version, version)
        device_port = port()
        gateway = Gateway(gateway_section() + trust_section(tls_min="1.2") + device_section(
            "pump-12", port="tcp-listen:127.0.0.1:%d" % device_port,
            connect="127.0.0.1:%d" % server_port), name="half-" + version.name).start()

        # The device ends first; the server answers after that.
        device = Tcp.dial(device_port)
        server = accept()
        ready(gateway)
        device.send(b"question")
        device.sock.shutdown(socket.SHUT_WR)
        equal(read_to_end(server), b"question", "what the server read to the end")
        server.sendall(b"answer")
        device.expect(b"answer")
        server.sendall(b"and more")
        send_farewell(server)
        server.close()
        device.expect(b"and more")
        device.wait_end()
        device.close()

        # The server ends first; the device answers after that.
        device = Tcp.dial(device_port)
        server = accept()
        ready(gateway)
        server.sendall(b"order")
        send_farewell(server)
        device.expect(b"order")
        device.wait_end()
        device.send(b"result" * 10000)
        device.sock.shutdown(socket.SHUT_WR)
        equal(read_to_end(server), b"result" * 10000, "what came after the server's farewell")
        server.close()
        device.close()
        wait_for("two links ended in good order",
                 lambda: len(gateway.events("link-ended", "pump-12")) == 2)
        for line in gateway.events("link-ended", "pump-12"):
            equal(line["cause"], "finished", "cause of a link that both sides ended")
        gateway.stop()


scenario(body)

#!/usr/bin/python3
# timeout: 60
"""python3-hl7's mllp_send, which knows nothing of TLS, sends a file of messages to a TLS server."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from wg import (LIB, Gateway, check, device_section, equal, gateway_section, port, run, scenario, spawn,
                trust_section, wait_listens)

COUNT = 300


def body():
    server_port, device_port = port(), port()
    spawn([sys.executable, os.path.join(LIB, "mllp_server.py"), server_port, "hl7-rsa", "server.txt"],
          log="server.log")
    wait_listens(server_port)
    gateway = Gateway(gateway_section() + trust_section() + device_section(
        "monitor-7", cert="monitor-7", port="tcp-listen:127.0.0.1:%d" % device_port, protocol="mllp",
        connect="127.0.0.1:%d" % server_port)).start()
    with open("messages.hl7", "wb") as out:
        for at in range(COUNT):
            out.write(b"\x0bMSH|^~\\&|MON|W3|HIS|H|20260101||ORU^R01|%d|P|2.5\rOBX|1|NM|%s\r\x1c\r"
                      % (at, b"9" * at))
    wait_listens(device_port)
    status, told = run(["mllp_send", "-f", "messages.hl7", "-p", device_port, "127.0.0.1"], 40)
    equal(status, 0, "exit status of mllp_send (%s)" % told)
    equal(told.count("MSA|AA|"), COUNT, "answers that mllp_send printed")
    with open("server.txt", encoding="ascii") as lines:
        seen = [line.split() for line in lines]
    equal(len(seen), COUNT, "messages at the server")
    check(all(records == "1" for _, _, records in seen), "a message in more than one record")
    seen = gateway.device("monitor-7")["messages"]
    equal((seen["device_to_server"], seen["server_to_device"]), (COUNT, COUNT), "messages in status")
    gateway.stop()


scenario(body)

"""The demo's monitor: an HL7 message every 0.4 s over one plain connection, and a line for each answer.

usage: monitor.py PORT NAME    It knows nothing of TLS, and ends when its connection does.
"""
import socket
import sys
import time

PORT, NAME = int(sys.argv[1]), sys.argv[2]
MESSAGE = "\x0bMSH|^~\\&|%s|W3|HIS|H|20260101||ORU^R01|%d|P|2.5\rOBX|1|NM|SPO2||97\r\x1c\r"


def talk(device):
    number = 100
    while True:
        device.sendall((MESSAGE % (NAME, number)).encode())
        answer = b""
        while not answer.endswith(b"\x1c\r"):
            part = device.recv(4096)
            if not part:
                return
            answer += part
        right = b"MSA|AA|%d\r" % number in answer
        print("answer %d %s" % (number, "right" if right else "WRONG"), flush=True)
        number += 1
        time.sleep(0.4)


try:
    with socket.create_connection(("127.0.0.1", PORT), 10) as connection:
        connection.settimeout(30)
        talk(connection)
except OSError as error:
    print("the connection broke: %s" % error, flush=True)
print("the connection ended", flush=True)

"""The hospital's HL7 server of the demo: Python's ssl, no code of the gateway.

usage: hl7_desk.py PORT PKI    It tells on stdout who came and what was received, and acknowledges.
"""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
os.environ["PKI"] = sys.argv[2]

import tls
from wg import say, wait_for


def on_link(link):
    say("a device came, %s, certificate of: %s" % (link.version, link.subject))


def on_record(link, record):
    if record[:1] != b"\x0b" or record[-2:] != b"\x1c\r":
        say("not a whole message")
        return
    header = record[1:].split(b"\r")[0].split(b"|")
    say("message %s from %s, %d bytes in one TLS record: acknowledged"
        % (header[9].decode(), header[2].decode(), len(record)))
    link.send(b"\x0bMSH|^~\\&|HIS||MON||||ACK||P|2.5\rMSA|AA|" + header[9] + b"\r\x1c\r")


SERVER = tls.Server(tls.server_context("hl7", tls.V13), int(sys.argv[1]), on_record, on_link).start()
say("listening")
wait_for("the end", lambda: SERVER.listener is None, 1e9, 1)

#!/usr/bin/python3
# timeout: 60
"""`wardgate check`: every error of a configuration is told with its file and line."""
import re
import shutil
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lib"))

from wg import (WARDGATE, Gateway, check, device_section, equal, gateway_section, pki, run, say,
                scenario, trust_section)

LISTEN = "listen = 127.0.0.1:8802\n"
GOOD_RTU = """\
[device bus-a]
port = serial:/dev/ttyUSB7
line = 9600 8E1
protocol = modbus-rtu
unit_map = 1
certificate = {pki}/monitor-7.pem
key = {pki}/monitor-7.key
listen = 127.0.0.1:8803
allow = dns:bms.hospital.example
trust = hospital
[device bus-b]
port = serial:/dev/ttyUSB7
line = 9600 8E1
protocol = modbus-rtu
unit_map = 2
certificate = {pki}/analyser-3.pem
key = {pki}/analyser-3.key
listen = 127.0.0.1:8804
allow = dns:bms.hospital.example
trust = hospital
"""


def good():
    return (gateway_section() + trust_section() + device_section(
        "pump-12", port="serial:/dev/ttyUSB0", line="9600 8E1", protocol="line", listen="127.0.0.1:8802",
        idle_timeout="10m", max_frame="4096")
        + device_section("tcp-1", cert="monitor-7", port="tcp-listen:127.0.0.1:2575",
                         connect="127.0.0.1:2576", protocol="mllp")
        + GOOD_RTU.format(pki=os.environ["PKI"]))


# what is edited: (name, old text, new text, the line that must be blamed, a word of the message)
# The blamed line is found by its text; a number counts from the end of the file.
TABLE = [
    ("unknown section", "[trust hospital]", "[trusts hospital]", "[trusts hospital]", "section"),
    ("unknown key", "idle_timeout = 10m", "idle_timeot = 10m", "idle_timeot", "idle_timeot"),
    ("key of another section", "idle_timeout = 10m", "anchors = x.pem", "anchors = x.pem", "anchors"),
    ("duplicate key", "idle_timeout = 10m", "idle_timeout = 10m\nidle_timeout = 11m",
     "idle_timeout = 11m", "idle_timeout"),
    ("duplicate section", "[device tcp-1]", "[device pump-12]", "2:[device pump-12]", "pump-12"),
    ("range, high", "idle_timeout = 10m", "response_timeout = 99h", "response_timeout", "response_timeout"),
    ("range, low", "max_frame = 4096", "max_frame = 0", "max_frame", "max_frame"),
    ("not a number", "max_frame = 4096", "max_frame = big", "max_frame", "max_frame"),
    ("duration without a unit", "idle_timeout = 10m", "idle_timeout = 10", "idle_timeout", "idle_timeout"),
    ("unknown protocol", "protocol = mllp", "protocol = mlpp", "protocol = mlpp", "protocol"),
    ("unknown port kind", "port = serial:/dev/ttyUSB0", "port = usb:/dev/ttyUSB0", "port = usb", "port"),
    ("bad line", "line = 9600 8E1\n", "line = 9600 9X3\n", "line = 9600 9X3", "line"),
    ("line too long", "idle_timeout = 10m", "description = " + "x" * 200, "description", "long|190"),
    ("indented line", "idle_timeout = 10m", "  idle_timeout = 10m", "  idle_timeout", "blank|indent"),
    ("not a key", "idle_timeout = 10m", "nonsense", "nonsense", ""),
    ("missing certificate", "{pki}/pump-12.pem", "/nonexistent/a.pem", "certificate = /nonexistent", "a.pem"),
    ("missing key", "{pki}/pump-12.key", "/nonexistent/a.key", "key = /nonexistent", "a.key"),
    ("key of another", "{pki}/pump-12.key", "{pki}/hl7.key", "/hl7.key", "not the key|match|fit"),
    ("expired", "{pki}/pump-12.pem", "{pki}/pump-12-expired.pem", "pump-12-expired", "expired"),
    ("not yet valid", "{pki}/pump-12.pem", "{pki}/pump-12-notyet.pem", "pump-12-notyet", "valid"),
    ("weak key", "{pki}/pump-12.pem\nkey = {pki}/pump-12.key",
     "{pki}/weak-rsa.pem\nkey = {pki}/weak-rsa.key", "weak-rsa", ""),
    ("encrypted key", "{pki}/pump-12.key", "{pki}/locked.key", "locked.key", "locked.key|encrypted"),
    ("open key", "{pki}/pump-12.key", "{pki}/mode-open.key", "mode-open.key", "0600|mode"),
    ("chain in wrong order", "{pki}/pump-12.pem", "{pki}/wrongorder.pem", "wrongorder", ""),
    ("anchors missing", "{pki}/root.pem", "/nonexistent/r.pem", "anchors", "r.pem"),
    ("anchor is no CA", "{pki}/root.pem", "{pki}/hl7.pem", "anchors", "hl7.pem"),
    ("unknown trust", "trust = hospital\nallow", "trust = clinic\nallow",
     "trust = clinic", "clinic"),
    ("no revocation", "revocation = off\n", "", "[trust hospital]", "revocation"),
    ("revocation on", "revocation = off", "revocation = on", "revocation = on", "revocation"),
    ("nothing to ask", "revocation = off", "revocation = hard", "revocation = hard", "nothing to ask"),
    ("missing CRL", "revocation = off", "crl = /nonexistent/a.crl", "crl = /nonexistent", "a.crl"),
    ("missing drop folder", "revocation = off", "crl = /nonexistent/", "crl = /nonexistent", "folder"),
    ("bad URL", "revocation = off", "crl = ldap://h/cn=ca", "crl = ldap", "http"),
    ("URL with a user", "revocation = off", "crl = http://me:secret@h/", "crl = http", "without USER"),
    ("CDPs of any host", "revocation = off", "follow_cdp = yes", "follow_cdp", "fetch_hosts"),
    ("grace without its mode", "revocation = off", "crl = http://h/\ngrace = 1h", "grace = 1h", "grace"),
    ("strict device, nothing to ask", "unit_map = 2", "unit_map = 2\nrevocation = hard",
     "revocation = hard", "nothing to ask"),
    ("strict writes, nobody asked", "unit_map = 2", "unit_map = 2\nwrite_revocation = hard",
     "write_revocation", "revocation is off"),
    ("bad tls_min", "tls_min = 1.3", "tls_min = 1.1", "tls_min", "1.2"),
    ("two on one port", "port = tcp-listen:127.0.0.1:2575", "port = serial:/dev/ttyUSB0\nline = 9600 8E1",
     "2:port = serial:/dev/ttyUSB0", "ttyUSB0|pump-12"),
    ("bus with two lines", "line = 9600 8E1\nprotocol = modbus-rtu\nunit_map = 2",
     "line = 19200 8E1\nprotocol = modbus-rtu\nunit_map = 2", "2:port = serial:/dev/ttyUSB7|line = 19200 8E1", ""),
    ("bus with one unit twice", "unit_map = 2", "unit_map = 1",
     "2:unit_map = 1|2:port = serial:/dev/ttyUSB7", "unit"),
    ("bad unit_map", "unit_map = 2", "unit_map = 300", "unit_map = 300", "unit_map"),
    ("tcp-listen without from", "tcp-listen:127.0.0.1:2575", "tcp-listen:0.0.0.0:2575",
     "port = tcp-listen:0.0.0.0|[device tcp-1]", "from"),
    ("listen without allow", "allow = dns:bms.hospital.example\nallow = uri:urn:hospital:bms\n", "",
     "listen = 127.0.0.1:8802|[device pump-12]", "allow"),
    ("bad allow", "allow = uri:urn:hospital:bms", "allow = bms", "allow = bms", "allow"),
    ("listen and connect", LISTEN, LISTEN + "connect = 127.0.0.1:99\n", "connect = 127.0.0.1:99|[device pump-12]", "connect|listen"),
    ("neither listen nor connect", "connect = 127.0.0.1:2576\n", "", "[device tcp-1]", "connect|listen"),
    ("connect without a port", "connect = 127.0.0.1:2576", "connect = 127.0.0.1", "connect = 127.0.0.1", "port"),
    ("no port", "port = serial:/dev/ttyUSB0\n", "", "[device pump-12]", "port"),
    ("serial without a line", "line = 9600 8E1\n", "", "[device pump-12]|port = serial:/dev/ttyUSB0", "line"),
    ("no certificate", "certificate = {pki}/pump-12.pem\n", "", "[device pump-12]", "certificate"),
    ("no key", "key = {pki}/pump-12.key\n", "", "[device pump-12]", "key"),
]


def line_of(text, want):
    """The line number of the first (or "N:" Nth) line that has this text."""
    nth = 1
    if re.match(r"\d:", want):
        nth, want = int(want[0]), want[2:]
    for number, line in enumerate(text.splitlines(), 1):
        if want in line:
            nth -= 1
            if nth == 0:
                return number
    raise ValueError(want)


def one(gateway, row):
    name, old, new, blamed, word = row
    text = good()
    old, new = (part.replace("{pki}", os.environ["PKI"]) for part in (old, new))
    if old not in text:
        return "%s: the table is wrong: no %r" % (name, old)
    text = text.replace(old, new, 1)
    gateway.write(text)
    status, told = gateway.command("check")
    if status != 78:
        return "%s: exit %d, told %r" % (name, status, told)
    starts = ["%s:%d: " % (gateway.conf, line_of(text, want)) for want in blamed.split("|")]
    hits = [line for line in told.splitlines() if line.startswith(tuple(starts))]
    if not hits:
        return "%s: no line starts with %s:\n%s" % (name, " or ".join(starts), told)
    if not any(re.search(word, line[len(starts[0]):]) for line in hits):
        return "%s: %r does not say %r" % (name, hits, word)
    return None


def body():
    gateway = Gateway(good())
    status, told = gateway.command("check")
    equal(status, 0, "exit status of check of a good file (%s)" % told)
    equal(len(told.splitlines()), 1, "lines told about a good file: %s" % told)
    red = list(filter(None, (one(gateway, row) for row in TABLE)))
    for line in red:
        say("RED " + line)
    check(not red, "%d of %d errors are not told as they should be" % (len(red), len(TABLE)))

    # Every problem at once, in the order of the file.
    gateway.write(good().replace("idle_timeout = 10m", "idle_timeout = soon")
                  .replace("protocol = mllp", "protocol = mlpp").replace("unit_map = 2", "unit_map = x"))
    lines = [line.split(":")[1] for line in gateway.command("check")[1].splitlines()
             if line.startswith(gateway.conf)]
    check(len(set(lines)) == 3 and lines == sorted(lines, key=int), "three problems: lines %r" % lines)

    # include = DIR: lexical order, paths relative to the file that names them, its own file blamed.
    os.makedirs("conf.d/id", exist_ok=True)
    for kind in ("pem", "key"):
        shutil.copy(pki("hl7." + kind), "conf.d/id/own." + kind)
    with open("conf.d/10-more.conf", "w", encoding="ascii") as out:
        out.write(device_section("included", port="tcp-listen:127.0.0.1:2599", connect="127.0.0.1:2598",
                                 certificate="id/own.pem", key="id/own.key"))
    gateway.write(good().replace("[trust", "include = conf.d\n[trust", 1))
    status, told = gateway.command("check")
    equal(status, 0, "exit status of check with an include (%s)" % told)
    with open("conf.d/20-bad.conf", "w", encoding="ascii") as out:
        out.write("; a comment\n[device bad]\ncolour = red\n")
    status, told = gateway.command("check")
    equal(status, 78, "exit status of check with a wrong include")
    check(os.path.abspath("conf.d/20-bad.conf") + ":3: " in told, "the include's line: " + told)

    status, told = run([WARDGATE, "check", "--help-config"])
    equal(status, 0, "exit status of check --help-config")
    for key in ("retry_max", "while_down", "anchors", "control"):
        check(key in told, "--help-config does not tell of " + key)


scenario(body)

"""Peers from Debian packages: openssl, gnutls, stunnel. Each is a command that we only configure."""
import os
import re
import subprocess

from wg import ROOT, check, end, pki, port, run, spawn, wait_for, wait_listens

OPENSSL_VERSION = {"1.1": "-tls1_1", "1.2": "-tls1_2", "1.3": "-tls1_3"}
GNUTLS_VERSION = {"1.1": "NORMAL:-VERS-ALL:+VERS-TLS1.1", "1.2": "NORMAL:-VERS-ALL:+VERS-TLS1.2",
                  "1.3": "NORMAL:-VERS-ALL:+VERS-TLS1.3"}


class Tool:
    """A running peer: give() writes to its stdin, text() is all that it printed."""

    count = 0

    def __init__(self, args, name, **more):
        Tool.count += 1
        self.log = os.path.abspath("%s-%d.out" % (name, Tool.count))
        self.child = spawn(args, log=self.log, stdin=subprocess.PIPE, **more)

    def give(self, data):
        self.child.stdin.write(data)
        self.child.stdin.flush()

    def finish(self):
        """End of its input."""
        self.child.stdin.close()

    def bytes(self):
        with open(self.log, "rb") as out:
            return out.read()

    def text(self):
        return self.bytes().decode(errors="replace")

    def wait_text(self, what, seconds=10):
        wait_for("%r in %s" % (what, os.path.basename(self.log)), lambda: what in self.text(), seconds)

    def wait_end(self, seconds=10):
        wait_for("the end of %s" % os.path.basename(self.log),
                 lambda: self.child.poll() is not None, seconds)
        return self.child.returncode

    def end(self):
        return end(self.child)


def s_server(cert="hl7", version=None, ca="root", more=(), demands=True):
    """openssl as the hospital's server, which demands a client certificate (or not)."""
    number = port()
    args = ["openssl", "s_server", "-4", "-accept", "127.0.0.1:%d" % number,
            "-cert", pki(cert + ".pem"), "-cert_chain", pki(cert + ".pem"),
            "-key", pki(cert + ".key"), "-CAfile", pki(ca + ".pem")]
    if demands:
        args += ["-Verify", "3", "-verify_return_error"]
    if version:
        args.append(OPENSSL_VERSION[version])
    tool = Tool(args + list(more), "s_server")
    tool.number = number
    wait_listens(number)
    return tool


def s_client(number, cert="bms", version=None, name="pump-12.ward.example", more=(), ca="root"):
    """openssl as the hospital's client. name None: sends no SNI."""
    args = ["openssl", "s_client", "-connect", "127.0.0.1:%d" % number,
            "-CAfile", pki(ca + ".pem"), "-verify_return_error"]
    if cert:
        args += ["-cert", pki(cert + ".pem"), "-key", pki(cert + ".key"),
                 "-cert_chain", pki(cert + ".pem")]
    if version:
        args.append(OPENSSL_VERSION[version])
    args += ["-servername", name, "-verify_hostname", name] if name else ["-noservername"]
    return Tool(args + list(more), "s_client")


def gnutls_serv(cert="hl7", version=None, ca="root", priority=None, more=()):
    """GnuTLS as the hospital's server; it sends back what it gets."""
    number = port()
    args = ["gnutls-serv", "--echo", "--port", number, "--x509certfile", pki(cert + ".pem"),
            "--x509keyfile", pki(cert + ".key"), "--x509cafile", pki(ca + ".pem"),
            "--require-client-cert", "--verify-client-cert"]
    priority = priority or GNUTLS_VERSION.get(version)
    if priority:
        args += ["--priority", priority]
    tool = Tool(args + list(more), "gnutls-serv")
    tool.number = number
    wait_listens(number)
    return tool


def gnutls_cli(number, cert="bms", version=None, name="pump-12.ward.example", ca="root",
               priority=None, more=()):
    args = ["gnutls-cli", "127.0.0.1", "--port", number, "--x509cafile", pki(ca + ".pem"),
            "--sni-hostname", name, "--verify-hostname", name]
    if cert:
        args += ["--x509certfile", pki(cert + ".pem"), "--x509keyfile", pki(cert + ".key")]
    priority = priority or GNUTLS_VERSION.get(version)
    if priority:
        args += ["--priority", priority]
    return Tool(args + list(more), "gnutls-cli")


def stunnel(role, accept, connect, cert, version=None, name=None, ca="root"):
    """stunnel as one end. role "client": plain in, TLS out; "server": TLS in, plain out."""
    Tool.count += 1
    conf = os.path.abspath("stunnel-%d.conf" % Tool.count)
    lines = ["foreground = yes", "pid =", "debug = info", "[link]",
             "client = " + ("yes" if role == "client" else "no"),
             "accept = 127.0.0.1:%d" % accept, "connect = 127.0.0.1:%d" % connect,
             "cert = " + pki(cert + ".pem"), "key = " + pki(cert + ".key"),
             "CAfile = " + pki(ca + ".pem"), "verifyChain = yes",
             "sslVersion = TLSv" + version if version else "sslVersionMin = TLSv1.2",
             "TIMEOUTclose = 0"]
    if name and role == "client":
        lines += ["checkHost = " + name, "sni = " + name]
    with open(conf, "w", encoding="ascii") as out:
        out.write("\n".join(lines) + "\n")
    tool = Tool(["stunnel", conf], "stunnel")
    wait_listens(accept)
    return tool


def _built(name, *libraries):
    """A program of tests/tools, built here when it is not yet."""
    built = os.path.join(ROOT, "build", name)
    if not os.path.exists(built):
        built = os.path.abspath(name)
        if not os.path.exists(built):
            status, told = run(["cc", "-std=c11", "-D_DEFAULT_SOURCE", "-O1", "-I", ROOT, "-o", built,
                                os.path.join(ROOT, "tests", "tools", name + ".c")] + list(libraries))
            check(status == 0, "%s does not compile: %s" % (name, told))
    return built


def start_pump(path, unit=1):
    """tests/tools/modbus_pump: a libmodbus RTU server on this terminal, or ("--tcp", PORT) on this port."""
    built = _built("modbus_pump", "-I/usr/include/modbus", "-lmodbus")
    return spawn([built, path, unit], log="pump.log")


class TimedWire:
    """tests/tools/modbus_wire: a serial line with units, which takes the time of a real one. `near` is the
    gateway's end. `more`: the unit that is dead, or "alert"."""

    def __init__(self, name, rate, *more):
        self.near, self.rate = os.path.abspath(name), rate
        self.tool = Tool([_built("modbus_wire"), self.near, rate] + list(more), "modbus_wire")
        self.tool.wait_text("ready\n")

    def dead_at(self):
        """When the dead unit was asked, in seconds of time.monotonic()."""
        return [int(at) / 1e6 for at in re.findall(r"^dead (\d+)$", self.tool.text(), re.M)]

    def finish(self):
        """What the line saw, in its own words; see modbus_wire.c."""
        self.tool.end()
        return {key: int(number) for key, number in re.findall(r"(\w+)=(\d+)", self.tool.text())}

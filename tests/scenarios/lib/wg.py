"""What every scenario needs: processes that always end, waiting for conditions, ports, the gateway.

A scenario runs in its own empty folder. Nothing here sleeps for a fixed time: everything waits for a
condition with a deadline.
"""
import atexit
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time

WARDGATE = os.environ.get("WARDGATE", "build/wardgate")
PKI = os.environ.get("PKI", "build/pki")
LIB = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(os.path.dirname(LIB)))

DEVICE_NAMES = {"pump-12": "pump-12.ward.example", "monitor-7": "monitor-7.ward.example",
                "analyser-3": "analyser-3.ward.example"}


class Failure(Exception):
    """The scenario's verdict is red; the text says why."""


def pki(name):
    path = os.path.join(PKI, name)
    if not os.path.exists(path):
        raise Failure("the test PKI has no %s" % name)
    return path


def check(fact, text):
    if not fact:
        raise Failure(text)


def equal(got, want, text):
    if got != want:
        raise Failure("%s: got %r, want %r" % (text, got, want))


def say(text):
    print(text, flush=True)


def figure(text):
    """A result that `make check` shows."""
    say("figure: " + text)


def wait_for(what, question, seconds=10.0, every=0.02):
    """Ask until the answer is true and return it; red after `seconds`."""
    end = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > end:
            raise Failure("not within %g s: %s" % (seconds, what))
        time.sleep(every)


# Processes ---------------------------------------------------------------------------------------

_started = []


def spawn(args, log=None, **more):
    """Start a process that ends with the scenario at the latest. log: file for its output."""
    if log is not None:
        out = open(log, "ab")
        more.setdefault("stdout", out)
        more.setdefault("stderr", out)
    more.setdefault("stdin", subprocess.DEVNULL)
    child = subprocess.Popen([str(a) for a in args], **more)
    _started.append(child)
    if log is not None:
        out.close()
    return child


def end(child, how=signal.SIGTERM, seconds=5.0):
    """End a process by its id and wait for it; its exit status."""
    if child.poll() is None:
        child.send_signal(how)
        try:
            child.wait(seconds)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
    return child.returncode


def _end_all():
    for child in reversed(_started):
        if child.poll() is None:
            child.kill()
            child.wait()


atexit.register(_end_all)


def run(args, seconds=20, given=None, **more):
    """Run a command to its end: (status, output and errors as text)."""
    done = subprocess.run([str(a) for a in args], input=given, timeout=seconds, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          **({} if given is not None else {"stdin": subprocess.DEVNULL}), **more)
    return done.returncode, done.stdout.decode(errors="replace")


# Ports -------------------------------------------------------------------------------------------

_held = []


def port():
    """A free port of 127.0.0.1, chosen by the kernel. It stays bound here (not listening), so that
    nobody else is given it; with SO_REUSEADDR a server can still listen on it."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind(("127.0.0.1", 0))
    _held.append(held)
    return held.getsockname()[1]


def listens(number):
    """Does somebody listen on this port of 127.0.0.1? Asks the kernel; does not connect."""
    want = ":%04X" % number
    for table in ("/proc/net/tcp", "/proc/net/tcp6"):
        with open(table, encoding="ascii") as lines:
            for line in lines:
                words = line.split()
                if words[1].endswith(want) and words[3] == "0A":
                    return True
    return False


def wait_listens(number, seconds=10):
    wait_for("a listener on port %d" % number, lambda: listens(number), seconds)


# The gateway -------------------------------------------------------------------------------------

def section(kind, name, keys):
    lines = ["[%s]" % (kind if name is None else "%s %s" % (kind, name))]
    for key, value in keys.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            lines.append("%s = %s" % (key, one))
    return "\n".join(lines) + "\n\n"


def gateway_section(**keys):
    base = {"name": "test-ward", "state_dir": "state", "control": "control.sock",
            "log_level": "debug"}
    base.update(keys)
    return section("gateway", None, base)


def trust_section(name="hospital", **keys):
    base = {"anchors": pki("root.pem"), "intermediates": pki("int.pem"), "revocation": "off",
            "tls_min": "1.3"}
    base.update(keys)
    return section("trust", name, base)


def device_section(name, cert="pump-12", **keys):
    """A device; cert names its files in the PKI. A key `from` is written as from_."""
    base = {"protocol": "raw", "certificate": pki(cert + ".pem"), "key": pki(cert + ".key"),
            "trust": "hospital"}
    if "listen" in keys:
        base["allow"] = ["dns:bms.hospital.example", "uri:urn:hospital:bms"]
    else:
        base.update({"server_name": "hl7.hospital.example", "retry_min": "100ms",
                     "retry_max": "500ms"})
    base.update({key.rstrip("_"): value for key, value in keys.items()})
    return section("device", name, {k: v for k, v in base.items() if v is not None})


def has_sanitizers():
    with open(WARDGATE, "rb") as binary:
        return b"__asan_init" in binary.read()


class Gateway:
    """One `wardgate run`, steered through its command line."""

    def __init__(self, text, name="gateway", wrap=()):
        self.conf = os.path.abspath(name + ".conf")
        self.log_path = os.path.abspath(name + ".log")
        self.wrap = list(wrap)
        self.child = None
        os.makedirs("state", exist_ok=True)
        self.write(text)

    def write(self, text):
        with open(self.conf, "w", encoding="ascii") as out:
            out.write(text)

    def start(self, wait=True):
        self.child = spawn(self.wrap + [WARDGATE, "run", "-c", self.conf], log=self.log_path)
        if wait:
            wait_for("the gateway answers `status`", self._answers, 10)
        return self

    def _answers(self):
        if self.child.poll() is not None:
            raise Failure("the gateway ended at start with %d:\n%s"
                          % (self.child.returncode, self.log()))
        return self.command("status", "--json")[0] == 0

    def command(self, *words, seconds=10):
        return run([WARDGATE, words[0], "-c", self.conf] + list(words[1:]), seconds)

    def status(self):
        status, text = self.command("status", "--json")
        if status != 0:
            raise Failure("`wardgate status --json` exits %d: %s" % (status, text))
        return json.loads(text)

    def device(self, name):
        for one in self.status()["devices"]:
            if one["name"] == name:
                return one
        raise Failure("status knows no device %s" % name)

    def wait_device(self, name, what, question, seconds=10):
        """Until question(device's status) is true; that status."""
        seen = {}

        def ask():
            seen["last"] = self.device(name)
            return question(seen["last"])

        try:
            wait_for("%s: %s" % (name, what), ask, seconds, 0.03)
        except Failure as red:
            raise Failure("%s; status was %s" % (red, json.dumps(seen.get("last")))) from None
        return seen["last"]

    def wait_state(self, name, state, seconds=10):
        return self.wait_device(name, "state " + state, lambda d: d["state"] == state, seconds)

    def wait_fault(self, name, code, seconds=10):
        return self.wait_device(
            name, "fault " + code,
            lambda d: (d.get("last_fault") or {}).get("code") == code, seconds)

    def log(self):
        try:
            with open(self.log_path, encoding="utf-8", errors="replace") as lines:
                return lines.read()
        except FileNotFoundError:
            return ""

    def log_lines(self, pattern):
        return [line for line in self.log().splitlines() if re.search(pattern, line)]

    def events(self, event, device=None):
        """The log's lines of one event (text format) as dictionaries."""
        found = []
        for line in self.log_lines(r"^(<\d>)?%s\b" % event):
            fields = {}
            for key, quoted, plain in re.findall(r' (\w+)=(?:"((?:[^"\\]|\\.)*)"|(\S*))', line):
                fields[key] = quoted or plain
            if device in (None, fields.get("device")):
                found.append(fields)
        return found

    def wait_event(self, event, device=None, count=1, seconds=10, **fields):
        """Until `count` such lines with these fields are there; those lines."""
        def ask():
            found = [e for e in self.events(event, device)
                     if all(e.get(k) == v for k, v in fields.items())]
            return found if len(found) >= count else None

        return wait_for("%d log lines %s %s of %s" % (count, event, fields, device), ask, seconds)

    def wait_log(self, pattern, seconds=10, count=1):
        """Until `count` lines match; those lines."""
        wait_for("log line /%s/" % pattern,
                 lambda: len(self.log_lines(pattern)) >= count, seconds)
        return self.log_lines(pattern)

    def hangup(self):
        self.child.send_signal(signal.SIGHUP)

    def memory_kb(self):
        with open("/proc/%d/status" % self.child.pid, encoding="ascii") as lines:
            for line in lines:
                if line.startswith("VmRSS:"):
                    return int(line.split()[1])
        raise Failure("the kernel tells no VmRSS")

    def grew_over(self, limit_kb, since_kb=0):
        """Is it bigger than it may be? A build with sanitizers keeps freed memory: there, never."""
        return not has_sanitizers() and self.memory_kb() - since_kb > limit_kb

    def descriptors(self):
        """How many files and sockets it has open."""
        return len(os.listdir("/proc/%d/fd" % self.child.pid))

    def stop(self, seconds=15):
        """SIGTERM; must end in good order and in time."""
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
        self.wait_stopped(seconds)

    def wait_stopped(self, seconds=15):
        """A SIGTERM was sent. (A second one would make it hurry.)"""
        try:
            self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.child.kill()
            raise Failure("the gateway did not end within %g s of SIGTERM" % seconds) from None
        equal(self.child.returncode, 0, "exit status of the gateway")
        check(not self.log_lines("internal-error"), "the gateway told of a mistake of its own")


def scenario(body):
    """Run the scenario's body; exit 0 or print why it is red and exit 1."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    try:
        body()
    except Failure as red:
        say("RED: %s" % red)
        sys.exit(1)
    say("pass")

"""The proxies: how each is configured for one direction of mutual TLS, started, watched and ended.

To the server: the plain side listens and the far side dials with TLS. To the device: the other way round. Every one
checks the peer's chain, and the CRL where it can.
"""
import json
import os
import resource
import shutil
import signal
import socket
import subprocess
import sys
import time

PROXY_CORE, LOAD_CORE = 0, 1
LINKS_PER_DEVICE = 1000  # wardgate's max_links ends at 1024


class Invalid(Exception):
    """A run that says nothing: a link failed, bytes were wrong, somebody did not start."""


def pin(core):
    """For a child, before it becomes the program: its core, and as many files as it may have."""
    def do():
        os.sched_setaffinity(0, {core % os.cpu_count()})
        most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    return do


def cpu_s(pids):
    """Time on the processor by the scheduler, to the nanosecond, also of threads that ended."""
    return sum(time.clock_gettime((~pid << 3) | 2) for pid in pids)


def memory_kb(pids, what="Pss"):
    total = 0
    for pid in pids:
        with open("/proc/%d/smaps_rollup" % pid, encoding="ascii") as file:
            total += sum(int(line.split()[1]) for line in file if line.startswith(what + ":"))
    return total


def listens(port):
    with open("/proc/net/tcp", encoding="ascii") as file:
        return any(line.split()[1].endswith(":%04X" % port) and line.split()[3] == "0A" for line in list(file)[1:])


def wait_for(question, what, seconds=60):
    end = time.monotonic() + seconds
    while not question():
        if time.monotonic() > end:
            raise Invalid(what)
        time.sleep(0.005)


class Proxy:
    """One program under test. near: its first port; far: where it dials; each: as many devices as links, each with its
    own section, port and sessions."""
    name = "?"
    wrap = ()  # a tool to run it under

    def __init__(self, pki, folder, near, far, links=1, to_device=False, tty=None, each=False):
        self.pki, self.near, self.far, self.links, self.to_device = pki, near, far, links, to_device
        self.tty = tty
        self.ports = links if each else 1
        self.folder = os.path.join(folder, self.name)
        os.makedirs(self.folder, exist_ok=True)
        self.log = os.path.join(self.folder, "log")
        with open(self.log, "wb") as out:
            self.child = subprocess.Popen([*self.wrap, *self.command()], stdout=out, stderr=out,
                                          stdin=subprocess.DEVNULL, preexec_fn=pin(PROXY_CORE))
        try:
            self.wait_ready()
        except BaseException:
            self.stop()
            raise

    def __enter__(self):
        return self

    def __exit__(self, *what):
        self.stop()

    def wait_ready(self):
        wait_for(lambda: listens(self.near + self.ports - 1) or self.child.poll() is not None,
                 self.name + " does not listen")
        if self.child.poll() is not None:
            raise Invalid("%s ended by itself; see %s" % (self.name, self.log))

    def file(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="ascii") as out:
            out.write(text)
        return path

    def pids(self):
        """The process and its children."""
        found = [self.child.pid]
        for pid in found:
            with open("/proc/%d/task/%d/children" % (pid, pid), encoding="ascii") as file:
                found += [int(child) for child in file.read().split()]
        return found

    def stop(self):
        if self.child.poll() is None:
            self.child.send_signal(signal.SIGTERM)
            try:
                self.child.wait(10)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()


class Wardgate(Proxy):
    name = "wardgate"
    program = os.path.abspath(os.environ.get("WARDGATE", "build/wardgate"))

    def head(self):
        return ("[gateway]\nname = bench\nstate_dir = {d}/state\ncontrol = {d}/control\n"
                "[trust bench]\nanchors = {p}/root.pem\nrevocation = hard\ncrl = {p}/root.crl\n"
                ).format(d=self.folder, p=self.pki.folder)

    def device(self, i, identity="device"):
        lines = ["[device d%d]" % i, "certificate = %s" % self.pki.path(identity + ".pem"),
                 "key = %s" % self.pki.path(identity + ".key"), "trust = bench",
                 "max_links = %d" % min(1024, LINKS_PER_DEVICE + 24)]
        if self.tty is not None:
            lines += ["port = serial:" + self.tty, "line = 115200 8N1"]
        if self.to_device:
            lines += ["listen = 127.0.0.1:%d" % (self.near + i), "allow = dns:server.bench.example"]
            lines += [] if self.tty else ["port = tcp:127.0.0.1:%d" % self.far]
        else:
            lines += ["port = tcp-listen:127.0.0.1:%d" % (self.near + i), "start = data",
                      "connect = 127.0.0.1:%d" % self.far]
        return "\n".join(lines + self.protocol()) + "\n"

    def protocol(self):
        return ["protocol = raw"]

    def clear(self):
        """What an earlier run stored is of another PKI."""
        shutil.rmtree(os.path.join(self.folder, "state"), ignore_errors=True)
        os.makedirs(os.path.join(self.folder, "state"))

    def command(self):
        self.clear()
        self.ports = max(self.ports, self.links // LINKS_PER_DEVICE)
        self.conf = self.file("conf", self.head() + "".join(self.device(i) for i in range(self.ports)))
        return [self.program, "run", "-c", self.conf]

    def status(self):
        done = subprocess.run([self.program, "status", "--json", "-c", self.conf], stdout=subprocess.PIPE, check=True)
        return json.loads(done.stdout)


class WardgateModbus(Wardgate):
    def protocol(self):
        return ["protocol = modbus-rtu", "unit_map = 1"]


class Haproxy(Proxy):
    name = "haproxy"

    def command(self):
        tls = "ca-file {0}/root.pem crl-file {0}/root.crl verify required".format(self.pki.folder)
        near = " ssl crt %s %s" % (self.pki.path("device.both"), tls) if self.to_device else ""
        far = "" if self.to_device else " ssl crt %s %s" % (self.pki.path("device.both"), tls)
        return ["haproxy", "-f", self.conf(near, far)]

    def conf(self, near, far):
        return self.file("conf", (
            "global\n nbthread 1\n maxconn 9000\n ssl-default-bind-options ssl-min-ver TLSv1.3\n"
            "defaults\n mode tcp\n timeout connect 10s\n timeout client 1h\n timeout server 1h\n"
            ) + "".join("listen d%d\n bind 127.0.0.1:%d backlog 4096%s\n server far 127.0.0.1:%d%s\n"
                        % (i, self.near + i, near, self.far, far) for i in range(self.ports)))


class Relay(Haproxy):
    """No TLS at all: what moving the bytes costs."""
    name = "plain"

    def command(self):
        return ["haproxy", "-f", self.conf("", "")]


class Nginx(Proxy):
    name = "nginx"

    def command(self):
        p = self.pki.folder
        tls = ("{0}ssl_certificate {1}/device.pem; {0}ssl_certificate_key {1}/device.key; {0}ssl_crl {1}/root.crl;"
               "{0}ssl_protocols TLSv1.3;").format("" if self.to_device else "proxy_", p)
        if self.to_device:
            tls += "ssl_verify_client on; ssl_client_certificate %s/root.pem;" % p
        else:
            tls += "proxy_ssl on; proxy_ssl_verify on; proxy_ssl_trusted_certificate %s/root.pem;" % p
            tls += "proxy_ssl_name server.bench.example;"
        conf = self.file("conf", (
            "daemon off; worker_processes 1; pid {d}/pid; error_log {d}/error crit;\n"
            "load_module /usr/lib/nginx/modules/ngx_stream_module.so;\n"
            "events {{ worker_connections 18000; }}\n"
            "stream {{\nproxy_timeout 1h; {tls}\n{servers}}}\n").format(
                d=self.folder, tls=tls, servers="".join(map(self.server, range(self.ports)))))
        return ["nginx", "-c", conf, "-p", self.folder]

    def server(self, i):
        """Sessions are kept by upstream: each device has its own."""
        return ("upstream d%d { server 127.0.0.1:%d; } server { listen 127.0.0.1:%d%s backlog=4096; proxy_pass d%d; }\n"
                % (i, self.far, self.near + i, " ssl" if self.to_device else "", i))


class Stunnel(Proxy):
    name = "stunnel"

    def command(self):
        conf = self.file("conf", (
            "foreground = yes\npid =\ndebug = 3\nsyslog = no\n"
            "CAfile = {p}/root.pem\nCRLfile = {p}/root.crl\nverifyChain = yes\nsslVersionMin = TLSv1.3\n"
            "TIMEOUTidle = 43200\n").format(p=self.pki.folder) + "".join(map(self.service, range(self.ports))))
        return ["stunnel4", conf]

    def service(self, i):
        return ("[d{i}]\nclient = {c}\naccept = 127.0.0.1:{near}\nconnect = 127.0.0.1:{far}\n"
                "cert = {p}/device.pem\nkey = {p}/device.key\n").format(
                    i=i, c="no" if self.to_device else "yes", near=self.near + i, far=self.far, p=self.pki.folder)


class Socat(Proxy):
    """One process per link; knows no CRL."""
    name = "socat"

    def command(self):
        far = "OPENSSL:127.0.0.1:{f},cafile={p}/root.pem,cert={p}/device.pem,key={p}/device.key,nodelay".format(
            f=self.far, p=self.pki.folder)
        return ["socat", "-b", "65536", "TCP-LISTEN:%d,bind=127.0.0.1,reuseaddr,fork,nodelay" % self.near, far]


class Ser2net(Proxy):
    """A client's certificate must chain to CA, and again to what its name may show (authdir)."""
    name = "ser2net"

    def command(self):
        allowed = os.path.join(self.folder, "auth", "server", "allowed_certs")
        os.makedirs(allowed, exist_ok=True)
        shutil.copy(self.pki.path("root.pem"), allowed)
        subprocess.run(["openssl", "rehash", allowed], check=True)
        conf = self.file("conf.yaml", (
            "connection: &bench\n    accepter: ssl(key={p}/device.key,cert={p}/device.pem,CA={p}/root.pem,clientauth),"
            "tcp,127.0.0.1,{near}\n    connector: serialdev,{tty},115200n81,local\n    options:\n"
            "      authdir: {d}/auth\n").format(p=self.pki.folder, near=self.near, tty=self.tty, d=self.folder))
        return ["ser2net", "-n", "-u", "-c", conf, "-P", os.path.join(self.folder, "pid")]


class Load:
    """The load generator, in one run."""
    program = os.path.abspath(os.environ.get("BENCH_LOAD", "build/bench/load"))

    def __init__(self, proxy, work, links=1, count=1, size=256, at_once=16, seconds=180, plain=False, master=None,
                 restarts=False):
        args = ["-w", work, "-n", proxy.near, "-N", proxy.ports, "-f", proxy.far, "-l", links, "-c", count, "-b", size,
                "-a", at_once, "-t", seconds, "-A", proxy.pki.path("root.pem"), "-C", proxy.pki.path("server.pem"),
                "-K", proxy.pki.path("server.key")]
        args += ["-r"] if proxy.to_device else []
        args += ["-x"] if plain else []
        args += ["-k"] if restarts else []
        args += ["-s", master] if master is not None else []
        self.holds = work != "links"
        args += ["-h"] if self.holds else ["-p", ",".join(map(str, proxy.pids()))]
        self.proxy = proxy
        self.child = subprocess.Popen([self.program, *map(str, args)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                      preexec_fn=pin(LOAD_CORE), pass_fds=[] if master is None else [master])
        if self.holds:
            self.line("up\n")

    def line(self, want=None):
        text = self.child.stdout.readline().decode()
        if want is not None and text != want:
            self.child.wait()
            raise Invalid("%s: %s" % (self.proxy.name, text.strip() or "the load generator ended"))
        return text

    def result(self):
        if self.holds:
            self.child.stdin.write((",".join(map(str, self.proxy.pids())) + "\n").encode())
            self.child.stdin.flush()
        text = self.line()
        self.child.stdin.close()
        self.child.wait()
        try:
            found = json.loads(text)
        except ValueError:
            raise Invalid("%s: the load generator ended" % self.proxy.name) from None
        if not found["ok"]:
            raise Invalid("%s: %s" % (self.proxy.name, found["why"]))
        return found


def free_ports(count, start=21000):
    """The first of `count` ports in a row that nobody has; the kernel gives out none of these by itself."""
    at = start
    while at + count < 32768:
        taken = None
        for port in range(at, at + count):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    taken = port
                    break
        if taken is None:
            return at
        at = taken + 1
    sys.exit("bench: no free ports")

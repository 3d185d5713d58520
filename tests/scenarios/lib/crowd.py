"""Many devices and many hospital ends at once, told apart by name.

Devices are plain TCP listeners that the gateway dials, all served by one thread. Hospital servers are
two TLS ports (1.2 and 1.3): the name that the gateway asks for (SNI) is the case, and chooses the
certificate that it is shown.
"""
import selectors
import socket
import ssl
import threading

import tls
from tools import OPENSSL_VERSION, Tool
from wg import port, wait_listens

VERSIONS = {"12": tls.V12, "13": tls.V13}


class Devices:
    """greet: what each device says first; echo: it sends back what it gets."""

    def __init__(self, greet=b"", echo=False):
        self.greet, self.echo = greet, echo
        self.got, self.dialled, self.listeners = {}, {}, []
        self.poll = selectors.DefaultSelector()
        self.guard = threading.Lock()
        threading.Thread(target=self._run, daemon=True).start()

    def add(self, name):
        """One more device; what its `port` says."""
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        listener.setblocking(False)
        self.got[name], self.dialled[name] = b"", 0
        self.poll.register(listener, selectors.EVENT_READ, (name, True))
        self.listeners.append(listener)
        return "tcp:127.0.0.1:%d" % listener.getsockname()[1]

    def forget(self, name):
        with self.guard:
            self.got[name] = b""

    def _run(self):
        while True:
            for key, _ in self.poll.select(0.1):
                try:
                    self._serve(key.fileobj, *key.data)
                except OSError:
                    self._drop(key.fileobj)

    def _serve(self, sock, name, is_listener):
        if is_listener:
            new, _ = sock.accept()
            new.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.dialled[name] += 1
            self.poll.register(new, selectors.EVENT_READ, (name, False))
            new.send(self.greet)
            return
        data = sock.recv(1 << 16)
        if not data:
            self._drop(sock)
            return
        with self.guard:
            self.got[name] += data
        if self.echo:
            sock.sendall(data)

    def _drop(self, sock):
        self.poll.unregister(sock)
        sock.close()


class Contexts:
    """TLS contexts of the laboratory's leaves, made once."""

    def __init__(self, lab, trusts):
        """trusts: the file whose CAs the ends trust for the devices' certificates."""
        self.lab, self.trusts, self.made = lab, trusts, {}
        self.guard = threading.Lock()

    def of(self, role, cert, version):
        with self.guard:
            key = (role, cert, version)
            if key not in self.made:
                self.made[key] = self._make(*key)
            return self.made[key]

    def _make(self, role, cert, version):
        ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER if role == "server" else ssl.PROTOCOL_TLS_CLIENT)
        ctx.check_hostname = False  # the name asked for is the case's
        ctx.minimum_version = ctx.maximum_version = VERSIONS[version]
        ctx.load_cert_chain(self.lab.path(cert + ".chain.pem"), self.lab.path(cert + ".key"))
        ctx.load_verify_locations(self.lab.path(self.trusts))
        ctx.verify_mode = ssl.CERT_REQUIRED
        return ctx


class Servers:
    """The hospital's servers: certs[case] is the certificate shown; links[case] what came of it."""

    def __init__(self, contexts, first_cert, greet=b"", on_record=None):
        self.contexts, self.greet = contexts, greet
        self.certs, self.links, self.reused = {}, {}, 0
        self.servers = {}
        for version in VERSIONS:
            # A context of its own: the callback is not for all who use the certificate.
            context = contexts._make("server", first_cert, version)
            context.sni_callback = lambda sock, name, _, v=version: self._choose(sock, name, v)
            self.servers[version] = tls.Server(context, on_record=on_record,
                                               on_link=self._on_link).start()

    def number(self, version):
        return self.servers[version].number

    def _choose(self, sock, name, version):
        if name not in self.certs:
            return ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        sock.case = name
        sock.context = self.contexts.of("server", self.certs[name], version)
        return None

    def _on_link(self, link):
        self.links.setdefault(link.sock.case, []).append(link)
        self.reused += 1 if link.sock.session_reused else 0
        try:
            if self.greet:
                link.send(self.greet)
        except (OSError, ValueError):
            pass  # ended by the gateway already

    def forget(self, case):
        for link in self.links.pop(case, []):
            link.close()

    def got(self, case):
        return b"".join(link.bytes() for link in self.links.get(case, []))


class Client:
    """One hospital client of the gateway. It says `says` and hears until bytes or the end come."""

    def __init__(self, number, context, case, says=b"", session=None, seconds=30):
        self.case, self.got, self.ended, self.sock = case, b"", None, None
        self.was_reused = False
        raw = socket.create_connection(("127.0.0.1", number), timeout=seconds)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            self.sock = context.wrap_socket(raw, server_hostname=case, session=session,
                                            suppress_ragged_eofs=False)
            self.was_reused = bool(self.sock.session_reused)
            if says:
                self.sock.sendall(says)
        except (OSError, ValueError) as error:
            self.ended = str(error)
            raw.close()

    def hear(self, want=1):
        """Until so many bytes are there; what there is. An end is kept in `ended`."""
        try:
            while self.ended is None and len(self.got) < want:
                data = self.sock.recv(1 << 16)
                self.got += data
                if not data:
                    self.ended = "eof"
        except (OSError, ValueError) as error:
            self.ended = str(error) or "error"
        return self.got

    def close(self):
        if self.sock is not None:
            self.sock.close()


class StapleServer(Tool):
    """`openssl s_server` that staples this OCSP answer, whatever it is worth."""

    def __init__(self, lab, cert, version, staple, says):
        self.number, self.says, self.known = port(), says, 0
        name = "staple-%d.der" % self.number
        with open(lab.path(name), "wb") as out:
            out.write(staple)
        super().__init__(
            ["openssl", "s_server", "-accept", "127.0.0.1:%d" % self.number, "-quiet",
             "-verify_quiet", "-cert",
             lab.path(cert + ".pem"), "-key", lab.path(cert + ".key"), "-cert_chain",
             lab.path(cert + ".chain.pem"), "-CAfile", lab.path("devices.pem"), "-Verify", "5",
             "-verify_return_error", "-status_file", lab.path(name),
             OPENSSL_VERSION[version[0] + "." + version[1]]], lab.path("s_server"))
        wait_listens(self.number)
        self.give(says)

    def got(self):
        """What it was told, and what it complained of, since forget()."""
        return self.bytes()[self.known:]

    def forget(self):
        """Ready for the next link."""
        self.known = len(self.bytes())
        self.give(self.says)

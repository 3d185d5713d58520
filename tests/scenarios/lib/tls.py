"""Hospital ends that are not our TLS code: Python's ssl (OpenSSL), with records kept apart.

One recv() of Python's ssl returns bytes of one TLS record at most, so a server that reads with a big
buffer sees how the gateway cut its records.
"""
import select
import socket
import ssl
import threading
import time

from wg import pki, port

V12 = ssl.TLSVersion.TLSv1_2
V13 = ssl.TLSVersion.TLSv1_3


def subject_text(cert):
    """What getpeercert() says, as "CN=…,OU=…,O=…"."""
    short = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}
    names = [(short.get(k, k), v) for rdn in cert.get("subject", ()) for k, v in rdn]
    return ",".join("%s=%s" % pair for pair in reversed(names))


def server_context(cert="hl7", low=V12, high=V13, ca="root"):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ctx.minimum_version, ctx.maximum_version = low, high
    ctx.load_cert_chain(pki(cert + ".pem"), pki(cert + ".key"))
    ctx.load_verify_locations(pki(ca + ".pem"))
    ctx.verify_mode = ssl.CERT_REQUIRED
    return ctx


def client_context(cert="bms", low=V12, high=V13, ca="root"):
    ctx = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    ctx.minimum_version, ctx.maximum_version = low, high
    if cert is not None:
        ctx.load_cert_chain(pki(cert + ".pem"), pki(cert + ".key"))
    ctx.load_verify_locations(pki(ca + ".pem"))
    return ctx


class Link:
    """One accepted TLS connection: its records as they come.

    OpenSSL allows one thread at a time in a connection, so the socket does not block and every call is
    made under the lock.
    """

    def __init__(self, sock, peer):
        self.sock = sock
        self.peer = peer
        self.subject = subject_text(sock.getpeercert() or {})
        self.version = sock.version()
        self.records = []
        self.ended = None  # "eof", or the error's text
        self.slow = threading.Event()  # set: read nothing
        self.lock = threading.Lock()
        sock.setblocking(False)

    def _wait(self, what):
        poll = select.poll()
        poll.register(self.sock.fileno(), what)
        poll.poll(200)

    def read_all(self, on_record):
        try:
            while self.ended is None:
                if self.slow.is_set():
                    time.sleep(0.01)
                    continue
                try:
                    with self.lock:
                        record = self.sock.recv(1 << 17)
                except ssl.SSLWantReadError:
                    self._wait(select.POLLIN)
                    continue
                if not record:
                    self.ended = "eof"
                    self._farewell()
                    return
                self.records.append(record)
                if on_record:
                    on_record(self, record)
        except (OSError, ValueError) as error:
            self.ended = self.ended or str(error) or "error"

    def _farewell(self):
        """close_notify, then the end: how a server answers a client that has ended."""
        try:
            with self.lock:
                self.sock.unwrap()
        except (OSError, ValueError):
            pass
        self.sock.close()

    def bytes(self):
        return b"".join(self.records)

    def send(self, data):
        left = memoryview(data)
        while left:
            try:
                with self.lock:
                    left = left[self.sock.send(left[:1 << 16]):]
            except ssl.SSLWantWriteError:
                self._wait(select.POLLOUT)

    def close(self):
        """TCP FIN or RST without a farewell, as from a server that crashed."""
        self.ended = self.ended or "closed here"
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.sock.close()


class Server:
    """A TLS server with one thread for each link. on_record(link, bytes) may answer."""

    def __init__(self, context, number=None, on_record=None, on_link=None):
        self.context = context
        self.number = number or port()
        self.on_record, self.on_link = on_record, on_link
        self.links, self.failures, self.tcp_count = [], [], 0
        self.listener = None
        self.life = 0  # counts stops: what a stop found in its handshake must not live on
        self.guard = threading.Lock()

    def start(self):
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", self.number))
        listener.listen(512)
        self.listener = listener
        threading.Thread(target=self._accept_all, args=(listener,), daemon=True).start()
        return self

    def _accept_all(self, listener):
        while True:
            try:
                raw, peer = listener.accept()
            except OSError:
                return
            self.tcp_count += 1
            threading.Thread(target=self._serve, args=(raw, peer), daemon=True).start()

    def _serve(self, raw, peer):
        life = self.life
        raw.settimeout(30)
        raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            sock = self.context.wrap_socket(raw, server_side=True, suppress_ragged_eofs=False)
        except (OSError, ValueError) as error:
            self.failures.append(str(error))
            raw.close()
            return
        link = Link(sock, peer)
        with self.guard:
            if life != self.life:
                link.close()
                return
            self.links.append(link)
        if self.on_link:
            self.on_link(link)
        link.read_all(self.on_record)

    def stop(self):
        """The listener and every link are gone when this returns."""
        if self.listener:
            # shutdown() wakes the accepting thread; close() alone would leave the port listening.
            try:
                self.listener.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            self.listener.close()
            self.listener = None
        with self.guard:
            self.life += 1
            for link in self.links:
                link.close()

    def open_links(self):
        return [link for link in self.links if link.ended is None]


def dial(number, context=None, name="pump-12.ward.example", seconds=10):
    """A TLS client of the gateway; name: SNI and the certificate's expected name (None: neither)."""
    context = context or client_context()
    if name is None:
        context.check_hostname = False
    raw = socket.create_connection(("127.0.0.1", number), timeout=seconds)
    raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    try:
        return context.wrap_socket(raw, server_hostname=name, suppress_ragged_eofs=False)
    except (OSError, ValueError):
        raw.close()
        raise

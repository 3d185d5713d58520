"""OCSP: answers made beforehand by `openssl ocsp`, right ones and forged ones, a door that serves them by
path and serial number, and `openssl ocsp -port` itself."""
import http.server
import os
import signal
import threading

from wg import end, port, spawn, wait_listens

OCSP_EXT = """basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = OCSPSigning
noCheck = yes
"""
OCSP_TYPE = "application/ocsp-response"


def error(number):
    """An answer that is only a status: 1 malformedRequest, 3 tryLater, 6 unauthorized."""
    return bytes([0x30, 3, 0x0a, 1, number])


def responder_cert(ca, out, extensions=OCSP_EXT, **how):
    """A certificate (and key) by this CA with which answers are signed."""
    ca.issue(out, "/O=Ward Laboratory/CN=%s" % out, extensions, key="responder", **how)
    return out


def v1_cert(lab, out, of, like):
    """Without any extension, naming `of` as its issuer, but signed by `like`: no key of the CA needed."""
    lab.key("responder")
    lab.run("x509", "-req", "-in", "responder.csr", "-CA", like.name + ".pem", "-CAkey",
            like.name + ".key", "-set_serial", "0x77", "-days", "30", "-out", out + ".pem")
    lab.write(out + ".key", lab.read("responder.key"))
    assert like.subject == of.subject
    return out


def answer(ca, cert, signer, books=None, life=("-ndays", "2"), more=(), nonce=False, at=None,
           asks=None):
    """What `openssl ocsp` says about cert (its file name) from the books of `books` (ca). at: its time,
    for faketime. asks: the issuer as the request names it. DER."""
    lab = ca.lab
    request = "%s-%s%s.req" % ((asks or ca).name, cert, "-nonce" if nonce else "")
    if not os.path.exists(lab.path(request)):
        lab.run("ocsp", "-issuer", (asks or ca).name + ".pem", "-cert", cert + ".pem",
                "-nonce" if nonce else "-no_nonce", "-reqout", request)
    args = ["ocsp", "-index", (books or ca).index(), "-CA", ca.name + ".pem", "-rsigner",
            signer + ".pem", "-rkey", signer + ".key", "-reqin", request, "-noverify",
            "-respout", "answer.der", *life, *more]
    lab.run(*args, wrap=("faketime", "-f", at) if at else ())
    return lab.bytes("answer.der")


# Requests ----------------------------------------------------------------------------------------

def _take(data):
    """The content of the first DER element, and what follows it."""
    size, at = data[1], 2
    if size & 0x80:
        at += size & 0x7f
        size = int.from_bytes(data[2:at], "big")
    return data[at:at + size], data[at + size:]


def asked_serial(request):
    """The serial number of the first CertID of an OCSPRequest."""
    tbs = _take(_take(request)[0])[0]
    cert_id = _take(_take(_take(tbs)[0])[0])[0]
    for _ in range(3):
        cert_id = _take(cert_id)[1]
    return int.from_bytes(_take(cert_id)[0], "big")


class _Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        self.server.door.serve(self, request)

    def do_GET(self):
        self.server.door.serve(self, b"")

    def log_message(self, *_):
        pass

    def give(self, body, kind=OCSP_TYPE, status=200, more=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in more:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512

    def handle_error(self, *_):
        pass  # the gateway hung up: its good right


class Door:
    """An HTTP server on a free port of 127.0.0.1 that answers by path.

    paths[PATH] is a dictionary serial -> DER (who is not in it: unauthorized), or a function of the
    handler and the request that answers itself. Anything else: 404.
    """

    def __init__(self):
        self.paths, self.asked = {}, []
        self.guard = threading.Lock()
        self.server = None
        self.number = None
        self.start()

    def start(self):
        self.server = _Server(("127.0.0.1", self.number or 0), _Handler)
        self.server.door = self
        self.number = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def stop(self):
        """Nobody listens any more; start() listens at the same port."""
        self.server.shutdown()
        self.server.server_close()

    def url(self, path):
        return "http://127.0.0.1:%d%s" % (self.number, path)

    def add(self, path, what):
        self.paths[path] = what
        return self.url(path)

    def serve(self, handler, request):
        what = self.paths.get(handler.path)
        with self.guard:
            self.asked.append(handler.path)
        if what is None:
            handler.give(b"not here", "text/plain", 404)
        elif callable(what):
            what(handler, request)
        else:
            handler.give(what.get(asked_serial(request), error(6)))

    def count(self, path):
        with self.guard:
            return self.asked.count(path)


class Live:
    """`openssl ocsp -port`, which reads its index again when that changes. It listens on every address
    of the machine, so it has a port that is free everywhere, and ends after so many requests or with
    the scenario."""

    def __init__(self, ca, signer, books=None, requests=5000):
        self.number = port()
        lab = ca.lab
        self.child = spawn(
            ["openssl", "ocsp", "-index", (books or ca).index(), "-port", self.number, "-CA",
             ca.name + ".pem", "-rsigner", signer + ".pem", "-rkey", signer + ".key", "-nmin", "60",
             "-ignore_err", "-nrequest", requests, "-timeout", "5"],
            log=os.path.abspath("ocsp-%d.out" % self.number), cwd=lab.folder)
        wait_listens(self.number)

    def url(self):
        return "http://127.0.0.1:%d/" % self.number

    def stop(self):
        end(self.child, signal.SIGKILL)

"""Where CRLs are fetched: nginx as a CRL distribution point, with ETag and Last-Modified."""
import atexit
import os
import shutil
import tempfile

from ca import der
from wg import end, port, spawn, wait_listens

CONF = """daemon off;
worker_processes 1;
pid {0}/nginx.pid;
error_log {0}/error.log;
events {{ worker_connections 512; }}
http {{
    types {{ application/pkix-crl crl; }}
    access_log {0}/access.log;
    client_body_temp_path {0}/body;
    proxy_temp_path {0}/proxy;
    fastcgi_temp_path {0}/fastcgi;
    uwsgi_temp_path {0}/uwsgi;
    scgi_temp_path {0}/scgi;
    server {{
        listen 127.0.0.1:{1};
        root {0}/www;
    }}
}}
"""


class Cdp:
    """nginx with a configuration of its own and no privileges, in a folder that it may read."""

    def __init__(self):
        self.number = port()
        self.folder = tempfile.mkdtemp(prefix="wardgate-cdp-")
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.published = 0
        os.mkdir(os.path.join(self.folder, "www"))
        with open(os.path.join(self.folder, "nginx.conf"), "w", encoding="ascii") as out:
            out.write(CONF.format(self.folder, self.number))
        self.child = None

    def start(self):
        as_nobody = {}
        if os.geteuid() == 0:
            shutil.chown(self.folder, "nobody", "nogroup")
            as_nobody = {"user": "nobody", "group": "nogroup", "extra_groups": []}
        # error_log of the command line: before the configuration is read it would be the system's.
        self.child = spawn(["/usr/sbin/nginx", "-p", self.folder, "-c", "nginx.conf", "-e",
                            self.folder + "/error.log"], log=os.path.abspath("nginx.out"), **as_nobody)
        atexit.register(self.stop)  # politely: a master that is killed leaves its worker behind
        wait_listens(self.number)
        return self

    def url(self, name):
        return "http://127.0.0.1:%d/%s.crl" % (self.number, name)

    def publish(self, name, pem):
        """Put this CRL there as NAME.crl, at once and whole. nginx makes Last-Modified and ETag of whole
        seconds and the size, so each publication gets a second of its own."""
        final = os.path.join(self.folder, "www", name + ".crl")
        with open(final + ".new", "wb") as out:
            out.write(der(pem))
        self.published += 1
        at = os.stat(self.folder).st_mtime - 100000 + self.published
        os.utime(final + ".new", (at, at))
        os.rename(final + ".new", final)

    def requests(self, status):
        """How many answers had this status."""
        with open(os.path.join(self.folder, "access.log"), encoding="ascii") as lines:
            return sum(1 for line in lines if '" %d ' % status in line)

    def stop(self):
        end(self.child)

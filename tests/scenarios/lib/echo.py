"""A device whose echo must go on whatever happens to others."""
import threading

from device import Tcp
from wg import Failure, check, wait_for


class Echo:
    """A device that asks all the time and wants every answer."""

    def __init__(self, number):
        self.device = Tcp.dial(number)
        self.count = 0
        self.red = None
        self.ending = False
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        try:
            while not self.ending:
                said = b"beat %d\n" % self.count
                self.device.send(said)
                self.device.expect(said, 5)
                self.count += 1
        except (Failure, OSError) as error:
            self.red = str(error)

    def go_on(self, more=20):
        """It is alive: that many more answers come."""
        want = self.count + more
        wait_for("the other device's echo goes on (%s)" % self.red,
                 lambda: self.count >= want or self.red, 10)
        check(self.red is None, "the other device noticed: %s" % self.red)

    def end(self):
        self.ending = True
        self.thread.join(10)

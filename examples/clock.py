"""The smallest useful service: it writes the time once a second.

Run it in this terminal; then, as administrator, make it a service:

    python examples/clock.py debug
    python examples/clock.py install
    python examples/clock.py start
"""

import time

import winsvc


class Clock(winsvc.Service):
    """Writes the time once a second."""

    name = "PyClock"
    display_name = "Python Clock"

    def run(self) -> None:
        """Tick until the service is to stop."""
        while not self.wait_stop(timeout=1.0):
            self.log.info("it is %s", time.strftime("%H:%M:%S"))


if __name__ == "__main__":
    winsvc.main(Clock)

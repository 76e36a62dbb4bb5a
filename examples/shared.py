"""Two services in one process: one measures, the other tells what was measured.

Each is started and stopped by itself; what they share is a variable:

    python examples/shared.py debug PyCollector
    python examples/shared.py install
    python examples/shared.py start --all
    python examples/shared.py status
    python examples/shared.py stop PyReporter
    python examples/shared.py remove --all
"""

import collections
import shutil
import sys
import threading

import winsvc

lock = threading.Lock()
measured: collections.deque[int] = collections.deque(maxlen=60)


class Collector(winsvc.Service):
    """Measures the free space of Python's disk once a second."""

    name = "PyCollector"
    display_name = "Python Collector"

    def run(self) -> None:
        """Measure until the service is to stop; the first has the main thread."""
        while not self.wait_stop(timeout=1.0):
            free = shutil.disk_usage(sys.prefix).free // 1_000_000
            with lock:
                measured.append(free)
            self.log.info("%d MB are free", free)


class Reporter(winsvc.Service):
    """Tells every two seconds how little was free in the last minute."""

    name = "PyReporter"
    display_name = "Python Reporter"

    def run(self) -> None:
        """Tell until the service is to stop, whether the other one runs or not."""
        while not self.wait_stop(timeout=2.0):
            with lock:
                lowest = min(measured, default=None)
            if lowest is None:
                self.log.info("nothing is measured yet")
            else:
                self.log.info("at least %d MB were free", lowest)


if __name__ == "__main__":
    winsvc.main(Collector, Reporter)

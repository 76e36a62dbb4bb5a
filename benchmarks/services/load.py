"""What the Python services do while they are measured: cservice.c does the same."""

import threading
import time
from collections.abc import Callable, Sequence

BUSY_THREADS = 4
HOLD_MS = 2000
GC_OBJECTS = 10**7
SLOW = 0.05  # seconds that a handler takes under the condition "slow"
IS_UP = 0  # in the place of a control: from now on the condition holds


class Load:
    """A condition, and the times at which handlers began.

    Args:
        arguments: Start parameters: the condition, and the file for the times.

    Conditions: ``idle``; ``busy``: four threads that compute; ``gil``: the thread
    of ``run`` sleeps without giving up the GIL; ``gc``: it collects garbage, which
    takes as long as 10⁷ objects take; ``slow``: handlers take 50 ms.
    """

    def __init__(self, arguments: Sequence[str]) -> None:
        self.condition, *files = arguments or ("idle",)
        self._file = files[0] if files else None
        self._times: list[tuple[int, int]] = []

    def came(self, control: int) -> None:
        """Note the time: a handler's first line."""
        self._times.append((control, time.perf_counter_ns()))

    def handle(self) -> None:
        """Do a handler's work."""
        if self.condition == "slow":
            time.sleep(SLOW)

    def work(
        self, wait_stop: Callable[[], object], is_stopping: Callable[[], bool]
    ) -> None:
        """Work until the service is to stop."""
        over = threading.Event()
        if self.condition == "busy":
            for _ in range(BUSY_THREADS):
                threading.Thread(target=compute, args=(over,), daemon=True).start()
            self.came(IS_UP)
        elif self.condition == "gil":
            import ctypes

            # PyDLL, unlike WinDLL, keeps the GIL.
            hold = ctypes.PyDLL("kernel32").Sleep
            self.came(IS_UP)
            while not is_stopping():
                hold(HOLD_MS)
        elif self.condition == "gc":
            import gc

            kept = [[] for _ in range(GC_OBJECTS)]  # type: ignore[var-annotated]
            self.came(IS_UP)
            while not is_stopping():
                gc.collect()
            del kept
        wait_stop()
        over.set()

    def write(self) -> None:
        """Write the times: ``control nanoseconds``, a line each."""
        if self._file is not None:
            lines = (f"{control} {time}\n" for control, time in self._times)
            with open(self._file, "w", encoding="ascii") as file:
                file.writelines(lines)


def compute(over: threading.Event) -> None:
    number = 0
    while not over.is_set():
        for _ in range(10_000):
            number = (number * 3 + 1) % 1_000_003

"""What the Python services do while they are measured: cservice.c does the same."""

import ctypes
import threading
from collections.abc import Callable

BUSY_THREADS = 4
HOLD_MS = 2000


def work(
    condition: str, wait_stop: Callable[[], object], is_stopping: Callable[[], bool]
) -> None:
    """Work under a condition until the service is to stop.

    Args:
        condition: ``idle``; ``busy``: four threads that compute; ``gil``: the
            calling thread sleeps without giving up the GIL.
        wait_stop: Blocks until the stop.
        is_stopping: Tells whether it has been asked for.
    """
    over = threading.Event()
    if condition == "busy":
        for _ in range(BUSY_THREADS):
            threading.Thread(target=_compute, args=(over,), daemon=True).start()
    elif condition == "gil":
        # PyDLL, unlike WinDLL, keeps the GIL.
        hold = ctypes.PyDLL("kernel32").Sleep
        while not is_stopping():
            hold(HOLD_MS)
    wait_stop()
    over.set()


def _compute(over: threading.Event) -> None:
    number = 0
    while not over.is_set():
        for _ in range(10_000):
            number = (number * 3 + 1) % 1_000_003

"""A service that is busy with its start, pause and stop for eight seconds each.

Its start parameter says what it does then: ``idle``: it sleeps; ``busy``: it sleeps
while four threads compute; ``gil``: it sleeps without giving up the GIL; ``gc``: it
collects the garbage of 10⁷ objects, over and over.
"""

import ctypes
import gc
import threading
import time

from load import BUSY_THREADS, GC_OBJECTS, compute

import winsvc

SECONDS = 8.0


class Pending(winsvc.Service):
    """Takes its time."""

    name = "BenchPending"

    def on_start(self) -> None:
        self.condition = self.args[0]
        self.over = threading.Event()
        if self.condition == "busy":
            for _ in range(BUSY_THREADS):
                threading.Thread(target=compute, args=(self.over,), daemon=True).start()
        elif self.condition == "gc":
            self.kept: list[list[int]] = [[] for _ in range(GC_OBJECTS)]
        self.take_time()

    def on_pause(self) -> None:
        self.take_time()

    def on_continue(self) -> None:
        pass

    def on_stop(self) -> None:
        self.take_time()
        self.over.set()

    def take_time(self) -> None:
        """Do what the condition says."""
        if self.condition == "gil":
            # PyDLL, unlike WinDLL, keeps the GIL.
            ctypes.PyDLL("kernel32").Sleep(int(SECONDS * 1000))
        elif self.condition == "gc":
            end = time.perf_counter() + SECONDS
            while time.perf_counter() < end:
                gc.collect()
        else:
            time.sleep(SECONDS)

"""The services that asyncio_delay.py measures: they note when what they wait for comes.

A sample is the pair of two times: when it was sent, and when Python code ran.
What a control's is follows from the journal.
"""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import winsvc
from winsvc.journal import Kind

# The core's clock: both are monotonic, with the same zero.
now_ns = time.perf_counter_ns if sys.platform == "win32" else time.monotonic_ns
CONTROL = 200
PAUSE = 0.002  # seconds between two samples: what waits is asleep again


class Samples:
    """The delays that a service measures, in microseconds, round by round."""

    def __init__(self, service: winsvc.Service | winsvc.AsyncService) -> None:
        self.rounds: dict[str, list[list[float]]] = {}
        self.came: list[int] = []  # when the handler ran
        self._service = service
        self._seen = -1

    def add_controls(self, kind: str) -> None:
        """Add a round: all controls since the last one."""
        entries = [
            entry
            for entry in self._service.journal()
            if entry.kind is Kind.CONTROL
            and entry.control == CONTROL
            and entry.number > self._seen
        ]
        sent = [round(entry.time * 1e9) for entry in entries]
        self._seen = entries[-1].number
        self.add(kind, list(zip(sent, self.came, strict=True)))
        self.came = []

    def add(self, kind: str, times: list[tuple[int, int]]) -> None:
        """Add a round."""
        delays = [(came - sent) / 1000 for sent, came in times]
        self.rounds.setdefault(kind, []).append(delays)

    def write(self) -> None:
        """Write all to the file that the start parameter names."""
        file, *_ = self._service.args
        Path(file).write_text(json.dumps(self.rounds), encoding="utf-8")


class PlainDelay(winsvc.Service):
    """Measures from a control to its handler."""

    name = "WinsvcPlainDelay"

    def on_start(self) -> None:
        self.samples = Samples(self)

    def on_user_control(self, code: int) -> None:
        self.samples.came.append(now_ns())

    def on_pause(self) -> None:
        """End a round."""
        self.samples.add_controls("Service")

    def on_continue(self) -> None:
        """Begin another one."""

    def on_stop(self) -> None:
        self.samples.write()


class AsyncDelay(winsvc.AsyncService):
    """Measures from a control to its coroutine, and what asyncio takes alone."""

    name = "WinsvcAsyncDelay"

    async def on_start(self) -> None:
        self.samples = Samples(self)

    async def on_user_control(self, code: int) -> None:
        self.samples.came.append(now_ns())

    async def on_pause(self) -> None:
        """End a round, and measure as many callbacks from another thread."""
        count = len(self.samples.came)
        self.samples.add_controls("AsyncService")
        times = await asyncio.to_thread(self.call, asyncio.get_running_loop(), count)
        self.samples.add("call_soon_threadsafe", times)

    def call(self, loop: Any, count: int) -> list[tuple[int, int]]:
        """Have the loop call back, again and again."""
        times: list[tuple[int, int]] = []
        is_back = threading.Event()

        def note(sent: int) -> None:
            times.append((sent, now_ns()))
            is_back.set()

        for _ in range(count):
            time.sleep(PAUSE)
            is_back.clear()
            loop.call_soon_threadsafe(note, now_ns())
            is_back.wait()
        return times

    async def on_continue(self) -> None:
        """Begin another one."""

    async def on_stop(self) -> None:
        self.samples.write()

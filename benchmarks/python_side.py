"""Measure Python's side of an event with pyperf, on the simulated SCM.

    python -m benchmarks.python_side -o python_side.json
    python -m pyperf compare_to before.json python_side.json

Needs the extra ``bench``.  All options are pyperf's own.
"""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID

import pyperf

from winsvc import Service, State
from winsvc.events import make_event
from winsvc.states import Control
from winsvc.testing import SimulatedScm

FIRST, NEXT, LAST = 200, 201, 202
AT_ONCE = 1000  # the queue has 1024 places
POWERSETTINGCHANGE = 0x8013
# Header and a DWORD: on battery.
POWER_DATA = (
    UUID("5d3e9a59-e9d5-4b00-a6bd-ff34ff516548").bytes_le
    + (4).to_bytes(4, "little")
    + (1).to_bytes(4, "little")
)
TIMEOUT = 60.0


class Counted(Service):
    """Takes the time from its first control's handler to that of the last."""

    name = "Counted"

    def __init__(self) -> None:
        self.gate = threading.Event()
        self.over = threading.Event()
        self.seconds = 0.0

    def on_user_control(self, code: int) -> None:
        """Hold the queue back until it is full, take the time at its end."""
        if code == FIRST:
            self.gate.wait(TIMEOUT)
            self.began = time.perf_counter()
        elif code == LAST:
            self.seconds += time.perf_counter() - self.began
            self.over.set()


@contextmanager
def running() -> Iterator[tuple[SimulatedScm, Counted]]:
    """Have the service running."""
    scm = SimulatedScm()
    handle = scm.add(Counted)
    handle.start()
    handle.wait_state(State.RUNNING, timeout=TIMEOUT)
    service = scm.instance(Counted.name)
    assert isinstance(service, Counted)
    yield scm, service
    handle.stop()
    handle.wait_state(State.STOPPED, timeout=TIMEOUT)


def handle_events(loops: int) -> float:
    """Return the seconds from the core's queue to the handler, for all events.

    They are queued while the control thread is held back: nothing else runs then.
    """
    with running() as (scm, service):
        for first in range(0, loops, AT_ONCE):
            count = min(AT_ONCE, loops - first)
            service.gate.clear()
            service.over.clear()
            # The first handler begins the time, so that the last ends `count`.
            codes = [FIRST, *[NEXT] * (count - 1), LAST]
            scm.send_many(service.name, [(code, 0, None) for code in codes])
            service.gate.set()
            if not service.over.wait(TIMEOUT):
                msg = "the events were not handled"
                raise TimeoutError(msg)
        return service.seconds


def read_journal(loops: int) -> float:
    """Return the seconds of reading a full journal."""
    with running() as (scm, service):
        sent = scm.send_many(service.name, [(Control.INTERROGATE, 0, None)] * 600)
        began = time.perf_counter()
        for _ in range(loops):
            entries = service.journal()
        seconds = time.perf_counter() - began
        assert (sent, len(entries)) == (600, 512)
        return seconds


# What winsvc/process.py imports until then.
HOSTING = [
    f"winsvc.{name}"
    for name in ("process", "serving", "log", "signals", "target", "service")
]


def main() -> None:
    """Run all benchmarks."""
    # As a module: pyperf's workers find the package, whatever it is called.
    spec = __spec__
    runner = pyperf.Runner(program_args=("-m", spec.name) if spec else None)
    power = (Control.POWEREVENT, POWERSETTINGCHANGE, POWER_DATA, 1)
    runner.bench_func("make_event: user control", make_event, FIRST, 0, b"", 1)
    runner.bench_func("make_event: stop", make_event, Control.STOP, 0, b"", 1)
    runner.bench_func("make_event: power setting", make_event, *power)
    runner.bench_time_func("event: queue to handler", handle_events)
    runner.bench_time_func("journal: 512 entries", read_journal)
    for what, statement in (
        ("nothing", "pass"),
        ("import winsvc", "import winsvc"),
        ("the import before the first report", "import winsvc.process"),
        ("the imports before RUNNING", f"import {', '.join(HOSTING)}"),
    ):
        command = [sys.executable, "-c", statement]
        runner.bench_command(f"python: {what}", command)


if __name__ == "__main__":
    main()

"""A service of coroutines that records, and how the tests wait for it."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any, ClassVar

import pytest
from simrig import Rig, eventually

import winsvc
from winsvc.states import State

FOREVER = 3600.0


@pytest.fixture(autouse=True)
def no_leftovers() -> Iterator[None]:
    """No thread, no open loop (a ResourceWarning) and no lost coroutine is left."""
    before = set(threading.enumerate())
    yield
    eventually(lambda: set(threading.enumerate()) <= before, "all threads have ended")
    gc.collect()


class Base(winsvc.AsyncService):
    """Records what it is told, and lets tests wait for that."""

    name = "Async"
    stop_grace: ClassVar[float] = 0.0

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.threads: set[str] = set()
        self.gates: dict[str, threading.Event] = {}

    def note(self, what: str) -> None:
        """Add a call, and its thread."""
        self.calls.append(what)
        self.threads.add(threading.current_thread().name)

    def gate(self, what: str) -> threading.Event:
        """Return the gate of that name."""
        return self.gates.setdefault(what, threading.Event())

    async def passing(self, what: str) -> None:
        """Say that it is there, and wait until the test opens the gate."""
        self.note(what)
        while not self.gate(what).is_set():
            await asyncio.sleep(0.001)


class Recorder(Base):
    """Has handlers that record."""

    async def on_start(self) -> None:
        self.note("start " + " ".join(self.args))

    async def run(self) -> None:
        self.note("run")
        await self.wait_stop()

    async def on_stop(self) -> None:
        self.note("stop")

    async def on_pause(self) -> None:
        self.note("pause")

    async def on_continue(self) -> None:
        self.note("continue")

    async def on_param_change(self) -> None:
        self.note("param change")

    async def on_user_control(self, code: int) -> None:
        self.note(f"user {code}")


def start(
    rig: Rig, cls: type[Base], state: State | None = State.RUNNING
) -> tuple[winsvc.ServiceHandle, Any]:
    """Start a service, wait for a state; return its handle and its instance."""
    handle = rig.scm.add(cls)
    handle.start("a", "b c")
    if state is not None:
        rig.reach(cls.name, state)
    rig.eventually(lambda: rig.scm.process(cls.name).host, "it is hosted")
    host = rig.scm.process(cls.name).host
    assert host is not None
    rig.eventually(lambda: host.service, "it is loaded")
    return handle, host.service


def finish(rig: Rig, handle: winsvc.ServiceHandle) -> int:
    """Stop it; return its process's exit code."""
    handle.stop()
    return rig.scm.wait_gone(handle.name)


def called(rig: Rig, service: Base, what: str) -> None:
    """Wait until it has been called so."""
    rig.eventually(lambda: what in service.calls, f"{what} in {service.calls}")

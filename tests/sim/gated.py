"""Services that wait inside the handlers that a test closes."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

from simrig import Rig

import winsvc
from winsvc.events import Event
from winsvc.states import State

NAME = "Gated"


class Gated(winsvc.Service):
    """Waits inside each handler that is closed; hears all events."""

    name = NAME
    closed: frozenset[str] = frozenset()
    stop_timeout = 5.0

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.events: list[Event] = []
        self.inside = threading.Semaphore(0)
        self.gate = threading.Event()

    def enter(self, name: str) -> None:
        """Note the call, and wait if it is closed."""
        self.calls.append(name)
        if name in self.closed:
            self.inside.release()
            assert self.gate.wait(20)

    def on_start(self) -> None:
        self.enter("on_start")

    def on_stop(self) -> None:
        self.enter("on_stop")

    def on_shutdown(self) -> None:
        self.enter("on_shutdown")

    def on_pause(self) -> None:
        self.enter("on_pause")

    def on_event(self, event: Event) -> bool | None:
        self.events.append(event)
        return super().on_event(event)


class AsyncGated(winsvc.AsyncService):
    """The same of coroutines, as far as it is asked here."""

    name = NAME
    closed: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.inside = threading.Semaphore(0)
        self.gate = threading.Event()

    async def enter(self, name: str) -> None:
        """Note the call, and wait if it is closed."""
        self.calls.append(name)
        if name in self.closed:
            self.inside.release()
            assert await asyncio.to_thread(self.gate.wait, 20)

    async def on_start(self) -> None:
        await self.enter("on_start")

    async def on_stop(self) -> None:
        await self.enter("on_stop")

    async def on_shutdown(self) -> None:
        await self.enter("on_shutdown")

    async def on_pause(self) -> None:
        await self.enter("on_pause")


def start(rig: Rig, base: type[Any], *closed: str, **more: object) -> Any:
    """Start a service whose gates of these names are closed."""
    rig.scm.add(type(NAME, (base,), more | {"closed": frozenset(closed)})).start()

    def loaded() -> bool:
        host = rig.scm.process(NAME).host
        return host is not None and host.service is not None

    rig.eventually(loaded, "the service is loaded")
    service = rig.scm.instance(NAME)
    if "on_start" in closed:
        assert service.inside.acquire(timeout=20)
    else:
        rig.reach(NAME, State.RUNNING)
    return service

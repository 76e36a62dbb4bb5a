"""Services that note what they hear, plain and asynchronous."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from typing import Any

from simrig import Rig

import winsvc
from winsvc.base import ServiceBase
from winsvc.events import Event
from winsvc.states import State

NAME = "Listener"
HOLD = 255
"""Code that holds the control thread until ``gate`` is set."""


class Notes:
    """What a listener has heard, whatever its style."""

    name = NAME

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.calls: list[tuple[str, tuple[object, ...]]] = []
        self.gate = threading.Event()

    def note(self, handler: str, *arguments: object) -> bool | None:
        """Note the call of a handler; its answer."""
        self.calls.append((handler, arguments))
        return None


class Listener(Notes, winsvc.Service):
    """Hears everything in ``on_event``."""

    def on_event(self, event: Event) -> bool | None:
        if event.control == HOLD:
            assert self.gate.wait(20)
            return None
        self.events.append(event)
        return super().on_event(event)


class AsyncListener(Notes, winsvc.AsyncService):
    """The same, of coroutines."""

    async def on_event(self, event: Event) -> bool | None:
        if event.control == HOLD:
            assert await asyncio.to_thread(self.gate.wait, 20)
            return None
        self.events.append(event)
        return await super().on_event(event)


def listening(
    base: type[Notes], *handlers: str, **attributes: object
) -> type[ServiceBase]:
    """Return a listener that has these handlers of its own."""

    def handler(name: str) -> Callable[..., Any]:
        def plain(self: Notes, *arguments: object) -> bool | None:
            return self.note(name, *arguments)

        async def asynchronous(self: Notes, *arguments: object) -> bool | None:
            return self.note(name, *arguments)

        return asynchronous if issubclass(base, AsyncListener) else plain

    return type(NAME, (base,), attributes | {name: handler(name) for name in handlers})


def start(rig: Rig, cls: type[ServiceBase]) -> Any:
    """Start a listener; return its instance once it runs."""
    rig.scm.add(cls).start()
    rig.reach(NAME, State.RUNNING)
    return rig.scm.instance(NAME)


def finish(rig: Rig, service: Notes) -> None:
    """Let it go on, stop it, and see it end well."""
    service.gate.set()
    with rig.scm.open(NAME) as handle:
        if handle.status().state not in (State.STOP_PENDING, State.STOPPED):
            rig.scm.send(NAME, winsvc.Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0

"""A service that answers the two queries of the system as it is told (D-13)."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import payloads
import pytest
from simrig import Rig

import winsvc
from winsvc.events import DeviceEvent, Event, HardwareProfileChange
from winsvc.journal import Kind
from winsvc.states import Control, Query, State

NAME = "Doorman"
YES, NO = 0, 170  # ERROR_BUSY
# (control, event type, data) of each query; beside it one that is none.
QUESTION = {
    Query.DEVICEQUERYREMOVE: (Control.DEVICEEVENT, 0x8001, payloads.interface()),
    Query.QUERYCHANGECONFIG: (Control.HARDWAREPROFILECHANGE, 0x17, None),
}
NEWS = {
    Query.DEVICEQUERYREMOVE: (Control.DEVICEEVENT, 0x8004, payloads.interface()),
    Query.QUERYCHANGECONFIG: (Control.HARDWAREPROFILECHANGE, 0x18, None),
}
each_query = pytest.mark.parametrize("query", Query, ids=lambda query: query.name)


class Answers:
    """Answers queries as it is told, once its gate is open."""

    name = NAME
    answer: bool | None = None
    error: BaseException | None = None

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.inside = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def decide(self, event: Event) -> bool | None:
        """Answer."""
        self.events.append(event)
        if self.error is not None:
            raise self.error
        return self.answer


class Doorman(Answers, winsvc.Service):
    """Plain."""

    def on_device_event(self, event: DeviceEvent) -> bool | None:
        self.inside.release()
        assert self.gate.wait(20)
        return self.decide(event)

    def on_hardware_profile_change(self, event: HardwareProfileChange) -> bool | None:
        self.inside.release()
        assert self.gate.wait(20)
        return self.decide(event)

    def on_user_control(self, code: int) -> None:
        self.inside.release()
        assert self.gate.wait(20)


class AsyncDoorman(Answers, winsvc.AsyncService):
    """Of coroutines."""

    async def on_device_event(self, event: DeviceEvent) -> bool | None:
        self.inside.release()
        assert await asyncio.to_thread(self.gate.wait, 20)
        return self.decide(event)

    async def on_hardware_profile_change(
        self, event: HardwareProfileChange
    ) -> bool | None:
        self.inside.release()
        assert await asyncio.to_thread(self.gate.wait, 20)
        return self.decide(event)


both_styles = pytest.mark.parametrize("cls", [Doorman, AsyncDoorman])


def start(rig: Rig, cls: type[Any] = Doorman) -> Any:
    """Start a doorman; return its instance once it runs."""
    rig.scm.add(cls).start()
    rig.reach(NAME, State.RUNNING)
    return rig.scm.instance(NAME)


def finish(rig: Rig, service: Answers) -> None:
    """Let it go on, stop it, and see it end well."""
    service.gate.set()
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0


def late(rig: Rig) -> list[int]:
    """Return what was answered for want of an answer, oldest first."""
    return [e.result for e in rig.scm.journal(NAME) if e.kind is Kind.LATE]

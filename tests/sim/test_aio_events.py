"""Iterating over the events of a service of coroutines."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from typing import Any, ClassVar

from aiorig import FOREVER, Base, called, finish, start
from aiorig import no_leftovers as no_leftovers
from simrig import Rig

import winsvc
from winsvc.states import State


class Listener(Base):
    """Iterates over its events, and waits where the test wants it."""

    stop_grace: ClassVar[float] = FOREVER

    async def on_event(self, event: winsvc.Event) -> bool | None:
        self.note(f"handler {type(event).__name__}")
        return await super().on_event(event)

    async def on_pause(self) -> None:
        """Accept it."""

    async def run(self) -> None:
        await self.listen("run")
        self.note("run over")

    async def listen(self, who: str) -> None:
        """Pass the gate for each event."""
        async for event in self.events():
            await self.passing(f"{who} {type(event).__name__}")


def listening(rig: Rig, service: Any, count: int = 1) -> None:
    """Wait until so many iterations have begun."""
    rig.eventually(lambda: len(service._looper._inboxes) == count, "it iterates")


def test_event_is_handled_when_the_iteration_comes_round(rig: Rig) -> None:
    """PAUSED is shown then; the handler comes first, the last event is the stop."""
    handle, service = start(rig, Listener)
    listening(rig, service)
    handle.pause()
    called(rig, service, "run Pause")
    before = rig.state("Async")
    service.gate("run Pause").set()
    rig.reach("Async", State.PAUSED)
    service.gate("run Stop").set()
    code = finish(rig, handle)

    assert before is State.PAUSE_PENDING
    assert code == 0
    assert service.calls == [
        "handler Pause",
        "run Pause",
        "handler Stop",
        "run Stop",
        "run over",
    ]


def test_stop_does_not_wait_for_a_slow_iteration(rig: Rig) -> None:
    """on_stop is called; the iteration has its grace, then run is cancelled."""

    class Slow(Listener):
        stop_grace = 0.0

        async def listen(self, who: str) -> None:
            async for event in self.events():
                self.note(f"{who} {type(event).__name__}")
                await asyncio.sleep(FOREVER)

    handle, service = start(rig, Slow)
    listening(rig, service)
    handle.pause()
    called(rig, service, "run Pause")
    handle.stop()

    assert rig.scm.wait_gone("Async") == 0
    assert service.calls == ["handler Pause", "run Pause", "handler Stop"]


def test_two_iterations_see_every_event(rig: Rig) -> None:
    """An event is handled when both have come round; a task's has its grace too."""

    class Two(Listener):
        async def on_start(self) -> None:
            self.create_task(self.listen("task"))

    handle, service = start(rig, Two)
    listening(rig, service, 2)
    handle.pause()
    called(rig, service, "run Pause")
    called(rig, service, "task Pause")
    service.gate("run Pause").set()
    handle.control(200)
    service.gate("task Pause").set()
    rig.reach("Async", State.PAUSED)
    for who in ("run", "task"):
        service.gate(f"{who} UserControl").set()
    handle.stop()
    service.gate("run Stop").set()
    called(rig, service, "run over")
    called(rig, service, "task Stop")
    service.gate("task Stop").set()

    assert rig.scm.wait_gone("Async") == 0
    assert service.calls.index("handler UserControl") > service.calls.index(
        "task Pause"
    )


def test_iteration_may_close_another_one(rig: Rig) -> None:
    """What that one has not seen is not waited for."""

    class Closing(Listener):
        async def on_start(self) -> None:
            self.task = self.create_task(self.listen("task"))
            await asyncio.sleep(0)

        async def run(self) -> None:
            async for event in self.events():
                self.note(f"run {type(event).__name__}")
                self.task.cancel()

    handle, service = start(rig, Closing)
    listening(rig, service, 2)
    handle.pause()
    rig.reach("Async", State.PAUSED)

    assert finish(rig, handle) == 0
    assert service.calls[-1] == "run Stop"


def test_iteration_that_is_left_holds_up_nothing(rig: Rig) -> None:
    """``break`` in a loop over events() is enough."""

    class Once(Listener):
        async def run(self) -> None:
            async for event in self.events():
                self.note(f"run {type(event).__name__}")
                break
            await self.wait_stop()

    handle, service = start(rig, Once)
    listening(rig, service)
    handle.pause()
    rig.reach("Async", State.PAUSED)
    handle.control(200)
    handle.control(201)

    assert finish(rig, handle) == 0
    assert service.calls.count("handler UserControl") == 2
    assert service.calls.count("run Pause") == 1


def test_iteration_that_raises_ends_the_service(rig: Rig) -> None:
    """At once, without its grace, though its frame keeps the iterator."""

    class Raising(Listener):
        async def run(self) -> None:
            self.note("run")
            self.kept = self.events()
            async for _ in self.kept:
                raise winsvc.ServiceExit(4)

        async def on_stop(self) -> None:
            await self.kept.aclose()

        kept: AsyncGenerator[winsvc.Event, None]

    handle, service = start(rig, Raising)
    listening(rig, service)
    handle.pause()

    assert rig.scm.wait_gone("Async") == 4
    assert "handler Stop" in service.calls


def test_iteration_while_stopping_ends_at_once(rig: Rig) -> None:
    """The stop has been handled, or is never to come."""

    class Late(Listener):
        async def run(self) -> None:
            await self.wait_stop()
            await self.passing("late")
            async for _ in self.events():
                self.note("an event")
            self.note("run over")

    handle, service = start(rig, Late)
    handle.stop()
    called(rig, service, "handler Stop")
    rig.eventually(lambda: service._looper._is_over, "the stop was handled")
    service.gate("late").set()

    assert rig.scm.wait_gone("Async") == 0
    assert service.calls[-1] == "run over"
    assert "an event" not in service.calls


def test_events_of_on_start_wait_for_running(rig: Rig) -> None:
    """An iteration may begin before: nothing is lost, or comes early."""

    class Early(Listener):
        async def on_start(self) -> None:
            self.create_task(self.listen("task"))
            await self.passing("starting")

        async def run(self) -> None:
            await self.wait_stop()

    handle, service = start(rig, Early, state=None)
    called(rig, service, "starting")
    listening(rig, service)
    handle.stop()
    service.gate("starting").set()
    service.gate("task Stop").set()

    assert rig.scm.wait_gone("Async") == 0
    assert service.calls == ["starting", "handler Stop", "task Stop"]

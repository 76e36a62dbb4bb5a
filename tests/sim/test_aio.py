"""Services of coroutines on the simulated SCM: their life, and their loop."""

from __future__ import annotations

import asyncio
import contextvars
import json
import subprocess
import sys
from contextlib import suppress
from typing import Any, ClassVar

import pytest
from aiorig import FOREVER, Base, Recorder, called, finish, start
from aiorig import no_leftovers as no_leftovers
from simrig import PATIENCE, Rig
from test_idle import PROGRAM, SECONDS

from winsvc import events
from winsvc.states import Control, FailureCode, Query, State

# --- a good life ---------------------------------------------------------------------


def test_whole_life_is_on_the_main_threads_loop(rig: Rig) -> None:
    """Each handler once, in order, all on the main thread; the states in order."""
    handle, service = start(rig, Recorder)
    handle.control(200)
    handle.control(Control.PARAMCHANGE)
    handle.pause()
    rig.reach("Async", State.PAUSED)
    handle.resume()
    rig.reach("Async", State.RUNNING)
    code = finish(rig, handle)

    assert code == 0
    assert sorted(service.calls[:3]) == ["run", "start a b c", "user 200"]
    assert service.calls[-4:] == ["param change", "pause", "continue", "stop"]
    assert service.threads == {"main of Async"}
    assert [r.state for r in rig.scm.reports("Async")] == [
        State.START_PENDING,
        State.START_PENDING,
        State.RUNNING,
        State.PAUSE_PENDING,
        State.PAUSED,
        State.CONTINUE_PENDING,
        State.RUNNING,
        State.STOP_PENDING,
        State.STOPPED,
    ]


def test_handlers_run_one_at_a_time_beside_run(rig: Rig) -> None:
    """A handler that waits holds up the next one, not ``run``."""

    class Slow(Recorder):
        async def run(self) -> None:
            await self.passing("run")
            self.note("run over")
            await self.wait_stop()

        async def on_user_control(self, code: int) -> None:
            await self.passing(f"user {code}")
            self.note(f"done {code}")

    handle, service = start(rig, Slow)
    handle.control(200)
    handle.control(201)
    called(rig, service, "user 200")
    service.gate("run").set()
    called(rig, service, "run over")
    before = list(service.calls)
    service.gate("user 200").set()
    service.gate("user 201").set()

    assert finish(rig, handle) == 0
    assert "user 201" not in before
    assert service.calls[-4:] == ["done 200", "user 201", "done 201", "stop"]


def test_stop_while_starting_leaves_run_out(rig: Rig) -> None:
    """It is shown at once; on_stop comes when on_start has returned."""

    class Slow(Recorder):
        async def on_start(self) -> None:
            await self.wait_stop()
            await self.passing("stopping")

    handle, service = start(rig, Slow, state=None)
    rig.eventually(lambda: handle.status().accepts, "it accepts STOP")
    handle.stop()
    called(rig, service, "stopping")
    shown = rig.state("Async")
    service.gate("stopping").set()

    assert rig.scm.wait_gone("Async") == 0
    assert shown is State.STOP_PENDING
    assert service.calls == ["stopping", "stop"]


def test_context_of_on_start_is_that_of_run(rig: Rig) -> None:
    """As if they were one coroutine."""
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable")

    class Contextual(Base):
        async def on_start(self) -> None:
            variable.set("from on_start")

        async def run(self) -> None:
            self.note(variable.get())

    _, service = start(rig, Contextual, state=None)

    assert rig.scm.wait_gone("Async") == 0
    assert service.calls == ["from on_start"]


def test_coroutine_answers_a_query(rig: Rig) -> None:
    """ask(): what the handler returns is what the SCM gets (D-13)."""

    class Asked(Base):
        async def on_start(self) -> None:
            self.ask(Query.DEVICEQUERYREMOVE, timeout=5.0)

        async def on_device_event(self, event: events.DeviceEvent) -> bool:
            await asyncio.sleep(0)
            return not event.is_query

    handle, _ = start(rig, Asked)
    answer = rig.scm.send("Async", Control.DEVICEEVENT, 0x8001)

    assert answer != 0
    assert finish(rig, handle) == 0


def test_loop_that_is_blocked_holds_up_no_answer(rig: Rig) -> None:
    """The SCM is answered, and shown STOP_PENDING, while the loop stands still."""

    class Blocked(Recorder):
        async def run(self) -> None:
            self.note("run")
            assert self.gate("run").wait(PATIENCE)

    handle, service = start(rig, Blocked)
    called(rig, service, "run")
    handle.control(Control.INTERROGATE)
    handle.control(200)
    handle.stop()
    shown = rig.state("Async")
    service.gate("run").set()

    assert rig.scm.wait_gone("Async") == 0
    assert shown is State.STOP_PENDING
    assert service.calls[-2:] == ["user 200", "stop"]


def test_idle_service_has_no_wakeup() -> None:
    """Promise 8, with a loop: as the kernel counts."""
    program = PROGRAM.replace("winsvc.Service", "winsvc.AsyncService")
    done = subprocess.run(
        [sys.executable, "-c", program, str(SECONDS)],
        capture_output=True,
        text=True,
        timeout=SECONDS + 60,
        check=True,
    )
    result = json.loads(done.stdout)

    assert "AsyncService" in program
    assert result["journal"] == 0
    # One more than a plain service: it waits for the stop.
    assert result["threads"] == (6 if sys.platform == "linux" else 0)
    assert not any(result["switches"].values()), result


# --- the loop ------------------------------------------------------------------------


class OwnLoop(asyncio.SelectorEventLoop):
    """A loop that can be told from others."""


def make_own_loop() -> asyncio.AbstractEventLoop:
    """Return a loop of one's own."""
    return OwnLoop()


@pytest.mark.parametrize(
    "factory",
    [OwnLoop, make_own_loop, lambda: OwnLoop(), staticmethod(make_own_loop)],
    ids=["class", "function", "lambda", "staticmethod"],
)
def test_loop_factory_makes_the_loop(rig: Rig, factory: Any) -> None:
    """Whatever can be called; the loop is closed at the end."""

    class Own(Base):
        loop_factory = factory

        async def on_start(self) -> None:
            self.loop = asyncio.get_running_loop()

    handle, service = start(rig, Own)

    assert finish(rig, handle) == 0
    assert type(service.loop) is OwnLoop
    assert service.loop.is_closed()


def test_loop_factory_that_fails_is_a_failed_start(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """64002, with the traceback."""

    def fail() -> asyncio.AbstractEventLoop:
        raise OSError("no loop today")

    handle = rig.scm.add(type("Own", (Recorder,), {"loop_factory": fail}))
    handle.start()

    assert rig.scm.wait_gone("Async") == FailureCode.START
    assert "no loop today" in caplog.text


@pytest.mark.parametrize("where", ["on_start", "run"])
def test_stopping_the_loop_stops_the_service(rig: Rig, where: str) -> None:
    """In order, and not before it has started."""

    async def stop_loop(self: Base) -> None:
        self.note(where)
        asyncio.get_running_loop().stop()
        await asyncio.sleep(0.01)
        self.note("goes on")
        await self.wait_stop(0.01)

    cls = type("Stopping", (Recorder,), {"stop_grace": FOREVER, where: stop_loop})
    handle, service = start(rig, cls, state=None)
    if where == "on_start":
        called(rig, service, "run")
        handle.stop()

    assert rig.scm.wait_gone("Async") == 0
    assert "goes on" in service.calls
    assert service.calls[-1] == "stop" or where == "run"


def test_service_that_cancels_all_tasks_stops_in_order(rig: Rig) -> None:
    """Nothing of ours is among them; ``run`` is, which has failed then."""

    class Radical(Recorder):
        async def run(self) -> None:
            for task in asyncio.all_tasks():
                task.cancel()
            await super().run()

    _, service = start(rig, Radical, state=None)

    assert rig.scm.wait_gone("Async") == FailureCode.RUN
    assert service.calls == ["start a b c", "run", "stop"]


def test_second_life_has_a_loop_of_its_own(rig: Rig) -> None:
    """In a new process, and in a shared one, on threads of their own."""

    class Other(Recorder):
        name = "Other"

    first, second = rig.scm.add_process(Recorder, Other)
    for handle in (first, second):
        handle.start("once")
        rig.reach(handle.name, State.RUNNING)
    before = rig.scm.instance("Other")
    second.stop()
    rig.reach("Other", State.STOPPED)
    second.start("twice")
    rig.reach("Other", State.RUNNING)
    after = rig.scm.instance("Other")
    second.stop()
    rig.reach("Other", State.STOPPED)
    first.stop()

    assert rig.scm.wait_gone("Async") == 0
    assert isinstance(before, Recorder)
    assert isinstance(after, Recorder)
    assert (before.calls[0], after.calls[0]) == ("start once", "start twice")
    assert before.threads == after.threads == {"winsvc-main Other"}


# --- run and its end -----------------------------------------------------------------


class Endless(Recorder):
    """Does not look at the stop."""

    async def run(self) -> None:
        try:
            await asyncio.sleep(FOREVER)
        except asyncio.CancelledError:
            self.note("cancelled")
            raise


def test_run_is_cancelled_after_on_stop(rig: Rig) -> None:
    """Once its grace is over."""
    handle, service = start(rig, Endless)

    assert finish(rig, handle) == 0
    assert service.calls[-2:] == ["stop", "cancelled"]


def test_run_may_end_within_its_grace(rig: Rig) -> None:
    """Then it is not cancelled, however long on_stop has taken."""

    class Tidy(Recorder):
        stop_grace = FOREVER

        async def run(self) -> None:
            await self.wait_stop()
            await self.passing("tidying")
            self.note("tidy")

    handle, service = start(rig, Tidy)
    handle.stop()
    called(rig, service, "stop")
    called(rig, service, "tidying")
    service.gate("tidying").set()

    assert rig.scm.wait_gone("Async") == 0
    assert service.calls[-1] == "tidy"


def test_on_stop_may_be_slower_than_run(rig: Rig) -> None:
    """STOPPED comes when both have ended."""

    class Slow(Recorder):
        async def run(self) -> None:
            await self.wait_stop()
            self.note("run over")

        async def on_stop(self) -> None:
            await self.passing("stopping")
            self.note("stop")

    handle, service = start(rig, Slow)
    handle.stop()
    called(rig, service, "run over")
    called(rig, service, "stopping")
    shown = rig.state("Async")
    service.gate("stopping").set()

    assert rig.scm.wait_gone("Async") == 0
    assert shown is State.STOP_PENDING
    assert service.calls[-1] == "stop"


def test_error_of_a_cancelled_run_counts(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Its clean-up has failed."""

    class Untidy(Endless):
        async def run(self) -> None:
            try:
                await super().run()
            finally:
                raise OSError("the clean-up failed")

    handle, _ = start(rig, Untidy)

    assert finish(rig, handle) == FailureCode.RUN
    assert "the clean-up failed" in caplog.text


def test_run_that_ignores_its_cancellation_meets_the_deadline(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Promise 4: the process ends with 64006."""

    class Deaf(Recorder):
        async def run(self) -> None:
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(FOREVER)
            await self.passing("still here")

    handle, service = start(rig, Deaf)
    handle.stop()
    called(rig, service, "still here")
    rig.scm.advance(30.0)
    rig.eventually(lambda: "took too long in STOP_PENDING" in caplog.text, "the log")
    rig.scm.advance(6.0)
    rig.reach("Async", State.STOPPED)
    service.gate("still here").set()

    assert rig.scm.wait_gone("Async") == FailureCode.DEADLINE


def test_request_stop_stops_once(rig: Rig) -> None:
    """With the code; from the loop, or from a thread."""

    class Own(Recorder):
        async def run(self) -> None:
            await asyncio.to_thread(self.request_stop, 5)
            self.request_stop(6)
            await self.wait_stop()

    _, service = start(rig, Own, state=None)

    assert rig.scm.wait_gone("Async") == 5
    assert service.calls.count("stop") == 1


# --- waiting for the stop ------------------------------------------------------------


def test_wait_stop_says_whether_the_time_was_up(rig: Rig) -> None:
    """False after its time, whatever it is; True at once when it is to stop."""

    class Patient(Base):
        stop_grace = FOREVER

        async def on_start(self) -> None:
            self.results = [await self.wait_stop(t) for t in (0.001, 0, -1)]

        async def run(self) -> None:
            self.results.append(await self.wait_stop(FOREVER))
            self.results += [await self.wait_stop(t) for t in (None, 0, -1)]

    handle, service = start(rig, Patient)

    assert finish(rig, handle) == 0
    assert service.results == [False] * 3 + [True] * 4


def test_wait_stop_is_woken_while_a_handler_is_busy(rig: Rig) -> None:
    """Also in that handler: STOP_PENDING is shown already."""

    class Busy(Recorder):
        async def run(self) -> None:
            await self.wait_stop()
            self.note("run knows")

        async def on_user_control(self, code: int) -> None:
            await self.wait_stop()
            await self.passing("handler knows")

    handle, service = start(rig, Busy)
    handle.control(200)
    handle.stop()
    called(rig, service, "run knows")
    called(rig, service, "handler knows")
    assert "stop" not in service.calls
    service.gate("handler knows").set()

    assert rig.scm.wait_gone("Async") == 0
    assert service.calls[-1] == "stop"


def test_wait_stop_can_be_cancelled(rig: Rig) -> None:
    """By a time-out around it, say: the next wait is as good."""

    class Impatient(Base):
        async def run(self) -> None:
            try:
                async with asyncio.timeout(0.001):
                    await self.wait_stop()
            except TimeoutError:
                self.note("time-out")
            await self.wait_stop()

    handle, service = start(rig, Impatient)
    called(rig, service, "time-out")

    assert finish(rig, handle) == 0


@pytest.mark.parametrize("what", ["wait_stop", "create_task", "events"])
def test_service_that_is_not_hosted_says_so(what: str) -> None:
    """Instead of an AttributeError."""

    async def call() -> None:
        service = Recorder()
        match what:
            case "wait_stop":
                await service.wait_stop()
            case "events":
                await anext(service.events())
            case _:
                coroutine = asyncio.sleep(0)
                try:
                    service.create_task(coroutine)
                finally:
                    coroutine.close()

    with pytest.raises(RuntimeError, match="not hosted"):
        asyncio.run(call())


# --- the process is killed -----------------------------------------------------------


class Killed(Recorder):
    """Can be held up everywhere."""

    stop_grace = FOREVER
    hold: ClassVar[str]

    async def at(self, where: str) -> None:
        """Stay here, if this is where it is to be."""
        if where == self.hold:
            await self.passing("held")

    async def on_start(self) -> None:
        await self.at("on_start")

    async def on_pause(self) -> None:
        await self.at("on_pause")

    async def on_stop(self) -> None:
        await self.at("on_stop")

    async def run(self) -> None:
        if self.hold == "events":
            async for _ in self.events():
                await self.at("events")
        await self.wait_stop()
        self.note("run over")


@pytest.mark.parametrize("hold", ["on_start", "run", "on_pause", "on_stop", "events"])
def test_killed_process_ends_in_every_state(rig: Rig, hold: str) -> None:
    """As the simulated SCM kills it: its coroutines come to their ends."""
    cls = type("Killed", (Killed,), {"hold": hold})
    handle, service = start(rig, cls, None if hold == "on_start" else State.RUNNING)
    if hold == "on_pause":
        handle.pause()
    elif hold == "events":
        handle.control(200)
    elif hold == "on_stop":
        handle.stop()
    if hold != "run":
        called(rig, service, "held")
    rig.scm.kill("Async", exit_code=9)
    rig.reach("Async", State.STOPPED)
    service.gate("held").set()

    assert rig.scm.wait_gone("Async") == 9
    assert ("run over" in service.calls) is (hold != "on_start")

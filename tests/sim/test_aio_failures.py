"""What services of coroutines raise, and where: how they end then."""

from __future__ import annotations

import asyncio
import logging
import random
import sys
from contextlib import suppress
from typing import ClassVar

import pytest
from aiorig import FOREVER, Base, Recorder, called, finish, start
from aiorig import no_leftovers as no_leftovers
from simrig import Rig

import winsvc
from winsvc.errors import ServiceError
from winsvc.states import Control, FailureCode, State

ENDS = [
    ("sys.exit(3)", SystemExit(3), 3),
    ("sys.exit(0)", SystemExit(0), 0),
    ("sys.exit('text')", SystemExit("text"), 1),
    ("ServiceExit(7)", winsvc.ServiceExit(7), 7),
    ("ServiceExit(0)", winsvc.ServiceExit(0), 0),
    ("KeyboardInterrupt", KeyboardInterrupt(), None),
    ("exception", OSError("boom"), None),
    ("BaseException", BaseException("boom"), None),
]
AFTER_RUNNING = {"on_user_control": 200, "on_pause": Control.PAUSE, "on_stop": 1}


@pytest.mark.parametrize(
    ("where", "failure"),
    [
        ("on_start", FailureCode.START),
        ("run", FailureCode.RUN),
        ("on_user_control", FailureCode.HANDLER),
        ("on_pause", FailureCode.HANDLER),
        ("on_stop", FailureCode.STOP),
    ],
)
@pytest.mark.parametrize(
    ("error", "code"), [end[1:] for end in ENDS], ids=[end[0] for end in ENDS]
)
def test_exception_in_a_coroutine_reports_its_code(
    rig: Rig,
    caplog: pytest.LogCaptureFixture,
    where: str,
    failure: FailureCode,
    error: BaseException,
    code: int | None,
) -> None:
    """As in plain services; on_stop is called after every start that returned."""
    expected = int(failure) if code is None else code

    async def raise_it(self: Base, *args: object) -> None:
        self.note(where)
        raise error

    cls = type("Ends", (Recorder,), {where: raise_it})
    with caplog.at_level(logging.ERROR):
        if where in AFTER_RUNNING:
            handle, service = start(rig, cls)
            handle.control(AFTER_RUNNING[where])
        else:
            handle, service = start(rig, cls, state=None)
        exit_code = rig.scm.wait_gone("Async")

    assert exit_code == expected
    assert handle.status().service_exit_code == expected
    assert ("raise_it" in caplog.text) is bool(expected)
    if where not in ("on_start", "on_stop"):
        assert service.calls[-1] == "stop"
    if where == "on_start":
        assert service.calls == ["on_start"]


class Raiser(Recorder):
    """Lets something raise that is no handler."""

    how: ClassVar[str]
    error: ClassVar[BaseException]

    async def raise_it(self) -> None:
        await asyncio.sleep(0)
        raise self.error

    def raise_at_once(self) -> None:
        raise self.error

    async def begin(self) -> None:
        """Let it raise."""
        match self.how:
            case "create_task":
                self.create_task(self.raise_it())
            case "asyncio.create_task":
                self.forgotten = asyncio.create_task(self.raise_it())
                self.forgotten.add_done_callback(lambda _: self.forget())
            case "callback":
                asyncio.get_running_loop().call_soon(self.raise_at_once)
            case _:
                raise NotImplementedError

    def forget(self) -> None:
        """Let asyncio see that nobody wants the task's exception."""
        del self.forgotten

    async def run(self) -> None:
        await self.begin()
        await super().run()


class EarlyRaiser(Raiser):
    """Does so in its start."""

    async def on_start(self) -> None:
        await self.begin()
        try:
            await asyncio.sleep(FOREVER)
        except asyncio.CancelledError:
            self.note("start cancelled")
            raise

    async def run(self) -> None:
        raise NotImplementedError


TASKS = ["create_task", "asyncio.create_task"]
OUTSIDE = [
    *((how, *end) for how in TASKS for end in ENDS),
    *(("callback", *end) for end in ENDS if "exit" in end[0] or "Key" in end[0]),
]


@pytest.mark.parametrize(
    ("how", "error", "code"),
    [(how, *end) for how, _, *end in OUTSIDE],
    ids=[f"{how}-{name}" for how, name, *_ in OUTSIDE],
)
@pytest.mark.parametrize(
    ("cls", "failure"),
    [(Raiser, FailureCode.RUN), (EarlyRaiser, FailureCode.START)],
    ids=["run", "on_start"],
)
def test_exception_in_a_task_ends_the_service(
    rig: Rig,
    caplog: pytest.LogCaptureFixture,
    cls: type[Raiser],
    failure: FailureCode,
    how: str,
    error: BaseException,
    code: int | None,
) -> None:
    """At once: a start is cancelled, ``run`` is stopped in order; told once."""
    expected = int(failure) if code is None else code
    own = type("Ends", (cls,), {"how": how, "error": error})
    with caplog.at_level(logging.ERROR):
        _, service = start(rig, own, state=None)
        exit_code = rig.scm.wait_gone("Async")

    assert exit_code == expected
    assert caplog.text.count("Traceback (") == bool(expected)
    assert ("in raise_" in caplog.text) is bool(expected)
    if cls is EarlyRaiser:
        assert service.calls == ["start cancelled"]
    else:
        assert service.calls[-2:] == ["run", "stop"]


def test_exception_in_a_callback_is_logged(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Like a transport's, it ends nothing."""
    how = {"how": "callback", "error": OSError("boom")}
    handle, _ = start(rig, type("Calls", (Raiser,), how))
    rig.eventually(lambda: "in raise_at_once" in caplog.text, "the traceback")

    assert finish(rig, handle) == 0


class IocpProactor:
    """Stands for asyncio's, whose tasks have such names."""

    def accept(self) -> asyncio.Task[None]:
        """Fail as it does when a client goes before it is accepted."""

        async def accept_coro() -> None:
            raise OSError(64, "the network name is no longer available")

        return asyncio.create_task(accept_coro())


def test_client_that_goes_early_ends_no_service(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """python/cpython#93821: a task of the Proactor fails whenever one does."""

    class Serving(Recorder):
        async def run(self) -> None:
            IocpProactor().accept()
            await super().run()

    handle, _ = start(rig, Serving)
    rig.eventually(lambda: "no longer available" in caplog.text, "the log")

    assert finish(rig, handle) == 0


def test_start_that_ignores_its_cancellation_has_failed(rig: Rig) -> None:
    """A task has failed before RUNNING: that is shown in no case."""

    class Stubborn(EarlyRaiser):
        how = "create_task"
        error = OSError("boom")

        async def on_start(self) -> None:
            with suppress(asyncio.CancelledError):
                await super().on_start()

    _, service = start(rig, Stubborn, state=None)

    assert rig.scm.wait_gone("Async") == FailureCode.START
    assert service.calls == ["start cancelled"]
    assert State.RUNNING not in {r.state for r in rig.scm.reports("Async")}


@pytest.mark.parametrize("where", ["on_start", "run"])
def test_cancelled_error_that_nobody_asked_for_is_a_failure(
    rig: Rig, where: str
) -> None:
    """Such as of a task that was cancelled, and is awaited."""

    async def wait_for_cancelled(self: Base) -> None:
        task = asyncio.create_task(asyncio.sleep(FOREVER))
        task.cancel()
        await task

    _, service = start(rig, type("C", (Recorder,), {where: wait_for_cancelled}), None)
    expected = FailureCode.START if where == "on_start" else FailureCode.RUN

    assert rig.scm.wait_gone("Async") == expected
    assert ("stop" in service.calls) is (where == "run")


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (winsvc.ServiceExit(7), 7),
        (SystemExit(3), 3),
        (OSError("boom"), FailureCode.RUN),
    ],
)
def test_task_group_hands_on_what_its_tasks_raise(
    rig: Rig, error: BaseException, code: int
) -> None:
    """In a group, for which the code of the exception in it counts."""

    class Grouping(Recorder):
        async def run(self) -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(self.raise_it())
                group.create_task(self.wait_stop())

        async def raise_it(self) -> None:
            raise error

    _, service = start(rig, Grouping, state=None)

    assert rig.scm.wait_gone("Async") == code
    assert service.calls[-1] == "stop"


def test_exit_in_a_task_spares_the_handler_that_runs(rig: Rig) -> None:
    """sys.exit breaks out of the loop: what else is on it goes on."""

    class Exits(Recorder):
        async def on_user_control(self, code: int) -> None:
            await self.passing("handling")
            self.note("handled")

        async def run(self) -> None:
            self.create_task(self.exit())
            await super().run()

        async def exit(self) -> None:
            await self.passing("working")
            raise SystemExit(9)

    handle, service = start(rig, Exits)
    handle.control(200)
    called(rig, service, "handling")
    called(rig, service, "working")
    service.gate("working").set()
    rig.reach("Async", State.STOP_PENDING)
    service.gate("handling").set()

    assert rig.scm.wait_gone("Async") == 9
    assert service.calls[-2:] == ["handled", "stop"]


@pytest.mark.parametrize("failing", ["", "own", "asyncio's"])
def test_tasks_end_with_the_service(rig: Rig, failing: str) -> None:
    """Cancelled after ``run``, and waited for; an error then counts too."""

    class Working(Recorder):
        async def on_start(self) -> None:
            self.create_task(self.work("own"), name="own")
            asyncio.create_task(self.work("asyncio's"))  # noqa: RUF006

        async def work(self, which: str) -> None:
            try:
                await asyncio.sleep(FOREVER)
            finally:
                await asyncio.sleep(0)
                self.note(f"end of {which}")
                if which == failing:
                    raise OSError("too late")

    handle, service = start(rig, Working)

    assert finish(rig, handle) == (FailureCode.RUN if failing else 0)
    assert sorted(service.calls[-2:]) == ["end of asyncio's", "end of own"]


def test_raising_log_handler_hides_no_failure(rig: Rig) -> None:
    """Whatever logging does, the task's exception ends the service."""

    class Picky(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise RuntimeError("no")

    picky = Picky()
    for how in TASKS:
        cls = type("Ends", (Raiser,), {"how": how, "error": OSError("boom")})
        cls.name = how
        logging.getLogger().addHandler(picky)
        try:
            rig.scm.add(cls).start()
            code = rig.scm.wait_gone(how)
        finally:
            logging.getLogger().removeHandler(picky)

        assert code == FailureCode.RUN


# --- all at the same time ------------------------------------------------------------


class Racing(Base):
    """Ends in one of many ways, at one of many times."""

    random: ClassVar[random.Random]

    async def chance(self, where: str) -> None:
        """Take a while; then go on, fail, exit, or ask for the stop."""
        for _ in range(self.random.randrange(6)):
            await asyncio.sleep(0)
        match self.random.randrange(12):
            case 0:
                raise winsvc.ServiceExit(7)
            case 1:
                raise SystemExit(7)
            case 2:
                self.request_stop(7)
            case 3:
                self.create_task(self.chance("task"))
            case 4:
                asyncio.get_running_loop().call_soon(sys.exit, 7)
        self.note(where)

    async def on_start(self) -> None:
        await self.chance("start")

    async def run(self) -> None:
        self.create_task(self.chance("task"))
        async for _ in self.events():
            await self.chance("run")

    async def on_stop(self) -> None:
        self.note("on_stop")
        await self.chance("stop")

    async def on_pause(self) -> None:
        await self.chance("pause")

    async def on_user_control(self, code: int) -> None:
        await self.chance("user")


@pytest.mark.parametrize("seed", range(60))
def test_every_race_has_an_orderly_end(rig: Rig, seed: int) -> None:
    """Whatever comes first: one end, one on_stop, STOPPED last, nothing left."""
    chances = random.Random(seed)
    cls = type("Racing", (Racing,), {"random": random.Random(seed)})
    handle, service = start(rig, cls, state=None)
    for _ in range(chances.randrange(8)):
        with suppress(ServiceError):
            handle.control(chances.choice((200, Control.PAUSE, Control.CONTINUE)))
    with suppress(ServiceError):
        handle.stop()
    is_killed = chances.random() < 0.2
    if is_killed:
        rig.scm.kill("Async", exit_code=9)
    else:
        rig.eventually(
            lambda: handle.status().state is State.STOPPED or stop(handle), ""
        )
    code = rig.scm.wait_gone("Async")
    states = [r.state for r in rig.scm.reports("Async")]

    assert code in ({0, 7, 9} if is_killed else {0, 7})
    assert service.calls.count("on_stop") <= 1
    if not is_killed:
        assert states[-1] is State.STOPPED
        assert "on_stop" in service.calls or State.RUNNING not in states


def stop(handle: winsvc.ServiceHandle) -> None:
    """Stop it, if it can be."""
    with suppress(ServiceError):
        handle.stop()

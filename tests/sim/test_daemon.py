"""Daemons of state callbacks on the simulated SCM: what docs/from-perl.md says."""

from __future__ import annotations

import asyncio
import functools
import re
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from simrig import Rig

import winsvc
from winsvc import constants, daemon
from winsvc.base import ServiceBase
from winsvc.daemon import CONTROL_NONE, Daemon
from winsvc.events import SessionChange
from winsvc.host import Host
from winsvc.states import Accept, Control, FailureCode, StartType, State
from winsvc.target import load_target, parse_target

NAME = "win32daemon"
NONE = CONTROL_NONE
ACCEPTS = (
    Accept.STOP
    | Accept.SHUTDOWN
    | Accept.PAUSE_CONTINUE
    | Accept.PARAMCHANGE
    | Accept.NETBINDCHANGE
)


@pytest.fixture(autouse=True)
def nothing_spawned() -> None:
    """Forget what other tests have spawned."""
    daemon._spawned.clear()


class Script:
    """A generic callback: notes its calls, and moves on if it shall."""

    def __init__(self, *stays: State) -> None:
        self.calls: list[tuple[State, int]] = []
        self.threads: set[str] = set()
        self.stays = set(stays)
        self.react: Callable[[Daemon, State, int], object] = lambda *_: None

    def __call__(self, daemon: Daemon, state: State, message: int) -> None:
        self.threads.add(threading.current_thread().name)
        self.react(daemon, state, message)
        if state not in self.stays:
            daemon.next_state()
        self.calls.append((state, message))

    @property
    def states(self) -> list[State]:
        """The states it was called with."""
        return [state for state, _ in self.calls]


def start(rig: Rig, made: Daemon, *args: str) -> winsvc.ServiceHandle:
    """Start a daemon and wait until it runs, and has been told so."""
    handle = rig.scm.add(made)
    handle.start(*args)
    rig.reach(made.service.name, State.RUNNING)
    rig.eventually(lambda: made.state is State.RUNNING, "it knows")
    return handle


def wait_calls(rig: Rig, script: Script, count: int) -> None:
    """Wait until a script has been called so often."""
    rig.eventually(lambda: len(script.calls) >= count, f"{count} calls")


def cycle(rig: Rig, script: Script) -> None:
    """Let a second pass; wait for the call that comes with it."""
    count = len(script.calls)
    rig.scm.advance(1.0)
    wait_calls(rig, script, count + 1)


# --- the states ---------------------------------------------------------------------


def test_generic_callback_gets_every_state(rig: Rig) -> None:
    """Called at once on each change, with the control that has brought it about."""
    script = Script()
    handle = start(rig, daemon.spawn(script))
    wait_calls(rig, script, 2)
    handle.pause()
    rig.reach(NAME, State.PAUSED)
    wait_calls(rig, script, 4)
    handle.resume()
    rig.reach(NAME, State.RUNNING)
    wait_calls(rig, script, 6)
    handle.stop()

    assert rig.scm.wait_gone(NAME) == 0
    assert script.calls == [
        (State.START_PENDING, NONE),
        (State.RUNNING, NONE),
        (State.PAUSE_PENDING, Control.PAUSE),
        (State.PAUSED, NONE),
        (State.CONTINUE_PENDING, Control.CONTINUE),
        (State.RUNNING, NONE),
        (State.STOP_PENDING, Control.STOP),
        (State.STOPPED, NONE),
    ]
    assert script.threads == {f"main of {NAME}"}


@pytest.mark.parametrize(
    ("state", "after"),
    [
        (State.START_PENDING, State.RUNNING),
        (State.PAUSE_PENDING, State.PAUSED),
        (State.CONTINUE_PENDING, State.RUNNING),
        (State.STOP_PENDING, State.STOPPED),
    ],
)
def test_pending_state_repeats_until_next_state(
    rig: Rig, state: State, after: State
) -> None:
    """Every cycle, and the SCM sees the pending state all the while."""
    script = Script(state)
    made = daemon.spawn(script)
    handle = rig.scm.add(made)
    handle.start()
    if state is not State.START_PENDING:
        rig.reach(NAME, State.RUNNING)
    if state in (State.PAUSE_PENDING, State.CONTINUE_PENDING):
        handle.pause()
    if state is State.CONTINUE_PENDING:
        rig.reach(NAME, State.PAUSED)
        handle.resume()
    if state is State.STOP_PENDING:
        handle.stop()
    rig.eventually(lambda: script.states[-1:] == [state], "its first call")
    for _ in range(5):
        cycle(rig, script)
    shown = rig.state(NAME)
    made.next_state()
    rig.reach(NAME, after)

    assert shown is state
    assert script.states.count(state) == 6
    if after is not State.STOPPED:
        handle.stop()
    assert rig.scm.wait_gone(NAME) == 0


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_states_of_rest_repeat_and_next_state_does_nothing(
    rig: Rig, state: State
) -> None:
    """The callback of RUNNING, and of PAUSED, comes once a second for ever."""
    script = Script()
    handle = start(rig, daemon.spawn(script))
    if state is State.PAUSED:
        handle.pause()
        rig.reach(NAME, state)
    rig.eventually(lambda: script.states[-1:] == [state], "its first call")
    for _ in range(10):
        cycle(rig, script)

    assert script.calls[-11:] == [(state, NONE)] * 11
    assert rig.state(NAME) is state
    handle.stop()
    assert rig.scm.wait_gone(NAME) == 0


def test_poll_interval_is_kept(rig: Rig) -> None:
    """Seconds of the SCM's clock."""
    script = Script()
    handle = start(rig, daemon.spawn(script, poll_interval=60))
    wait_calls(rig, script, 2)
    rig.scm.advance(59.0)
    before = len(script.calls)
    rig.scm.advance(1.0)
    wait_calls(rig, script, 3)

    assert before == 2
    handle.stop()
    assert rig.scm.wait_gone(NAME) == 0


def test_states_without_callbacks_are_left_at_once(rig: Rig) -> None:
    """All happens by itself; what there is, is called."""
    names: list[str] = []
    made = daemon.spawn({"stopped": lambda *_: names.append("stopped")})
    handle = start(rig, made)
    handle.pause()
    rig.reach(NAME, State.PAUSED)
    handle.resume()
    rig.reach(NAME, State.RUNNING)
    handle.control(200)
    rig.scm.send(NAME, Control.SHUTDOWN)

    assert rig.scm.wait_gone(NAME) == 0
    assert names == ["stopped"]
    assert 30.0 in {report.wait_hint for report in rig.scm.reports(NAME)}


def test_mapping_calls_each_states_own(rig: Rig) -> None:
    """State-specific callbacks, under POE's names."""
    called: list[tuple[str, State]] = []

    def make(name: str) -> Callable[[Daemon, State, int], None]:
        def callback(daemon: Daemon, state: State, message: int) -> None:
            del message
            called.append((name, state))
            daemon.next_state()

        return callback

    def at(name: str) -> None:  # a control that is there already comes before it
        rig.eventually(lambda: called[-1:] == [(name, State[name.upper()])], name)

    made = daemon.spawn({name: make(name) for name in daemon.NAMES})
    handle = start(rig, made)
    at("running")
    handle.control(200)
    handle.pause()
    at("paused")
    handle.resume()
    at("running")
    rig.scm.send(NAME, Control.SHUTDOWN)
    rig.scm.wait_gone(NAME)

    assert list(dict.fromkeys(called)) == [
        ("start_pending", State.START_PENDING),
        ("running", State.RUNNING),
        ("unhandled", State.RUNNING),
        ("pause_pending", State.PAUSE_PENDING),
        ("paused", State.PAUSED),
        ("continue_pending", State.CONTINUE_PENDING),
        ("shutdown", State.RUNNING),
        ("stop_pending", State.STOP_PENDING),
        ("stopped", State.STOPPED),
    ]


def test_nobody_is_woken_when_nothing_polls(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a callback for RUNNING an hour passes without a wake-up."""
    waits: list[int | None] = []
    wait = Host.wait_news

    def counted(self: Host, until: int | None, seen: int) -> tuple[int, int]:
        waits.append(until)
        return wait(self, until, seen)

    monkeypatch.setattr(Host, "wait_news", counted)
    script = Script()
    handle = start(rig, daemon.spawn({"stop_pending": script}))
    rig.eventually(lambda: waits, "it waits")
    before = list(waits)
    for _ in range(60):
        rig.scm.advance(60.0)

    assert waits == before == [None]
    handle.stop()
    assert rig.scm.wait_gone(NAME) == 0


# --- stopping -----------------------------------------------------------------------


def test_stopped_is_called_before_stopped_is_reported(rig: Rig) -> None:
    """Once; after it the SCM hears STOPPED, last (promise 6)."""
    script = Script()
    shown: list[State] = []

    def react(made: Daemon, state: State, message: int) -> None:
        del message
        if state is State.STOPPED:
            rig.reach(NAME, State.STOP_PENDING)  # it is still being reported
            shown.extend((made.instance.state, made.state))

    script.react = react
    handle = start(rig, daemon.spawn(script))
    handle.stop()
    rig.scm.wait_gone(NAME)
    reports = rig.scm.reports(NAME)

    assert shown == [State.STOP_PENDING, State.STOPPED]
    assert script.states.count(State.STOPPED) == 1
    assert [report.state for report in reports].count(State.STOPPED) == 1
    assert reports[-1].state is State.STOPPED


@pytest.mark.parametrize("control", [Control.SHUTDOWN, Control.PRESHUTDOWN])
@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_shutdown_comes_with_the_state_before(
    rig: Rig, control: Control, state: State
) -> None:
    """Every cycle, with its message, until next_state; then STOP_PENDING."""
    script = Script(State.RUNNING, State.PAUSED)
    more = Accept.PRESHUTDOWN if control is Control.PRESHUTDOWN else Accept(0)
    made = daemon.spawn(script, accepts=more)
    handle = start(rig, made)
    if state is State.PAUSED:
        handle.pause()
        rig.reach(NAME, State.PAUSED)
    rig.eventually(lambda: script.states[-1:] == [state], "its first call")
    rig.scm.send(NAME, control)
    rig.eventually(lambda: script.calls[-1] == (state, control), "the message")
    shown = rig.state(NAME)
    for _ in range(40):  # the system's time counts, not stop_timeout
        cycle(rig, script)
    made.next_state(45 * 1000)

    assert rig.scm.wait_gone(NAME) == 0
    assert shown is State.STOP_PENDING  # the SCM's thread has said so at once
    assert script.calls[-43:] == [
        *[(state, control)] * 41,
        (State.STOP_PENDING, NONE),
        (State.STOPPED, NONE),
    ]


@pytest.mark.parametrize(("delay", "hint"), [(None, 30.0), (45_000, 45.0)])
def test_shutdown_delay_is_the_wait_hint(
    rig: Rig, delay: int | None, hint: float
) -> None:
    """30 s, or what next_state was told; the checkpoints go on with it."""
    script = Script(State.STOP_PENDING)
    made = daemon.spawn(
        {
            "shutdown": lambda made, *_: made.next_state(delay),
            "stop_pending": script,
        }
    )
    start(rig, made)
    rig.scm.send(NAME, Control.SHUTDOWN)
    wait_calls(rig, script, 1)
    rig.scm.advance(50.0)
    reports = [r for r in rig.scm.reports(NAME) if r.state is State.STOP_PENDING]
    made.next_state()

    assert rig.scm.wait_gone(NAME) == 0
    assert [report.wait_hint for report in reports] == [3.0] + [hint] * (
        1 + int(50 / (hint / 2))
    )


def test_stop_while_starting_leaves_running_out(rig: Rig) -> None:
    """START_PENDING's callback is not waited for; STOP_PENDING's comes at once."""
    script = Script(State.START_PENDING)
    made = daemon.spawn(script)
    handle = rig.scm.add(made)
    handle.start()
    wait_calls(rig, script, 1)
    handle.stop()

    assert rig.scm.wait_gone(NAME) == 0
    assert script.states == [State.START_PENDING, State.STOP_PENDING, State.STOPPED]
    assert State.RUNNING not in {r.state for r in rig.scm.reports(NAME)}


def test_stop_ends_a_pause_that_is_not_done(rig: Rig) -> None:
    """STOP_PENDING's callback comes at once; PAUSED is never shown."""
    script = Script(State.PAUSE_PENDING)
    made = daemon.spawn(script)
    handle = start(rig, made)
    handle.pause()
    rig.eventually(lambda: State.PAUSE_PENDING in script.states, "the pause")
    handle.stop()

    assert rig.scm.wait_gone(NAME) == 0
    assert script.states[-2:] == [State.STOP_PENDING, State.STOPPED]
    assert State.PAUSED not in {r.state for r in rig.scm.reports(NAME)}


def test_pause_past_its_deadline_is_taken_back(rig: Rig) -> None:
    """RUNNING is shown again; what the script has done late is shown all the same."""
    script = Script(State.PAUSE_PENDING)
    made = daemon.spawn(script, pause_timeout=10.0)
    handle = start(rig, made)
    handle.pause()
    rig.eventually(lambda: State.PAUSE_PENDING in script.states, "the pause")
    rig.scm.advance(11.0)
    rig.reach(NAME, State.RUNNING)
    before = made.state
    made.next_state()
    rig.reach(NAME, State.PAUSED)
    handle.stop()

    assert before is State.PAUSE_PENDING
    assert rig.scm.wait_gone(NAME) == 0


@pytest.mark.parametrize("state", [State.START_PENDING, State.RUNNING, State.PAUSED])
def test_daemon_stops_itself(rig: Rig, state: State) -> None:
    """With an exit code of its own, in whichever state; from any thread."""
    script = Script()

    def react(made: Daemon, now: State, message: int) -> None:
        del message
        if now is state:
            stop = functools.partial(made.stop, 7)
            threading.Thread(target=stop).start()

    script.react = react
    made = daemon.spawn(script)
    handle = rig.scm.add(made)
    handle.start()
    if state is State.PAUSED:
        rig.reach(NAME, State.RUNNING)
        handle.pause()

    assert rig.scm.wait_gone(NAME) == 7
    assert handle.status().service_exit_code == 7
    assert script.calls[-2:] == [
        (State.STOP_PENDING, Control.STOP),
        (State.STOPPED, NONE),
    ]


def test_stop_past_its_deadline_ends_the_process(rig: Rig) -> None:
    """A script that never moves on does not stick in STOP_PENDING (promise 4)."""
    script = Script(State.STOP_PENDING)
    made = daemon.spawn(script, stop_timeout=10.0)
    handle = start(rig, made)
    handle.stop()
    rig.eventually(lambda: State.STOP_PENDING in script.states, "it stops")
    rig.scm.advance(20.0)
    rig.reach(NAME, State.STOPPED)
    made.next_state()

    assert handle.status().exit_code == 1067
    assert rig.scm.wait_gone(NAME) == FailureCode.DEADLINE


def test_process_that_is_killed_while_it_starts_ends(rig: Rig) -> None:
    """Nobody goes on calling for an SCM that is gone."""
    script = Script(State.START_PENDING)
    made = daemon.spawn(script)
    rig.scm.add(made).start()
    wait_calls(rig, script, 1)
    rig.scm.kill(NAME, 9)

    assert rig.scm.wait_gone(NAME) == 9


def test_daemon_can_be_started_again(rig: Rig) -> None:
    """Each life begins anew."""
    script = Script()
    made = daemon.spawn(script)
    handle = start(rig, made, "first")
    handle.control(200)
    handle.stop()
    rig.scm.wait_gone(NAME)
    first = made.instance
    begin = len(script.calls)
    handle.start("second")
    rig.reach(NAME, State.RUNNING)
    last = made.last_message()
    handle.stop()
    rig.scm.wait_gone(NAME)

    assert made.instance is not first
    assert (first.args, made.args, last) == (("first",), ("second",), NONE)
    assert script.states[begin] is State.START_PENDING


# --- other controls -----------------------------------------------------------------


def test_every_control_reaches_unhandled_once_and_in_order(rig: Rig) -> None:
    """None is lost, whatever the SCM sends meanwhile."""
    messages: list[int] = []
    script = Script()
    made = daemon.spawn(
        {"running": script, "unhandled": lambda _, __, code: messages.append(code)}
    )
    handle = start(rig, made)
    sent = [*range(128, 256), Control.PARAMCHANGE, Control.NETBINDADD] * 3
    for code in sent:
        handle.control(code)
    handle.stop()

    assert rig.scm.wait_gone(NAME) == 0
    assert messages == sent


def test_without_unhandled_the_state_gets_the_message(rig: Rig) -> None:
    """Once, beside its calls of every cycle."""
    script = Script()
    handle = start(rig, daemon.spawn({"running": script, "paused": script}))
    wait_calls(rig, script, 1)
    handle.control(200)
    wait_calls(rig, script, 2)
    cycle(rig, script)
    handle.pause()
    rig.reach(NAME, State.PAUSED)
    wait_calls(rig, script, 4)
    handle.control(201)
    handle.stop()
    rig.scm.wait_gone(NAME)

    assert script.calls == [
        (State.RUNNING, NONE),
        (State.RUNNING, 200),
        (State.RUNNING, NONE),
        (State.PAUSED, NONE),
        (State.PAUSED, 201),
    ]


def test_event_has_what_the_message_lacks(rig: Rig) -> None:
    """Decoded, during the call."""
    seen: list[object] = []
    made = daemon.spawn(
        {"unhandled": lambda made, *_: seen.append(made.event)},
        accepts=Accept.SESSIONCHANGE,
    )
    handle = start(rig, made)
    rig.scm.send(NAME, Control.SESSIONCHANGE, 5, b"\x08\0\0\0\x07\0\0\0")
    rig.eventually(lambda: seen, "the event")

    assert isinstance(seen[0], SessionChange)
    assert seen[0].session_id == 7
    rig.eventually(lambda: made.event is None, "the call is over")
    assert handle.status().accepts == ACCEPTS | Accept.SESSIONCHANGE
    handle.stop()
    rig.scm.wait_gone(NAME)


def test_callback_may_refuse_a_query(rig: Rig) -> None:
    """Its return value answers what it was asked to answer (D-13)."""
    made = daemon.spawn({"unhandled": lambda *_: False})
    handle = start(rig, made)
    made.instance.ask(winsvc.Query.DEVICEQUERYREMOVE, timeout=5)
    answer = rig.scm.send(NAME, Control.DEVICEEVENT, 0x8001)
    handle.stop()
    rig.scm.wait_gone(NAME)

    assert answer == 170  # ERROR_BUSY


def test_last_message_stays_until_it_is_reset(rig: Rig) -> None:
    """As QueryLastMessage, whose reset comes after the reading."""
    script = Script()
    made = daemon.spawn(script)
    handle = start(rig, made)
    before = made.last_message()
    handle.control(200)
    rig.eventually(lambda: (State.RUNNING, 200) in script.calls, "the message")

    assert before == NONE
    assert [made.last_message(), made.last_message(reset=True)] == [200, 200]
    assert made.last_message() == NONE
    handle.stop()
    rig.scm.wait_gone(NAME)


# --- what a daemon can do -----------------------------------------------------------


def test_daemon_has_what_services_have(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Arguments, log, journal, progress, what it accepts; all else by instance."""
    script = Script(State.START_PENDING)
    made = daemon.spawn(script)
    handle = rig.scm.add(made)
    handle.start("a", "b c")
    wait_calls(rig, script, 1)
    made.progress(wait_hint=12.0)
    hint = handle.status().wait_hint
    made.next_state()
    rig.reach(NAME, State.RUNNING)
    made.ignore(Accept.PAUSE_CONTINUE)
    fewer = handle.status().accepts
    made.accept(Accept.PAUSE_CONTINUE)
    made.log.warning("hello")

    assert made.args == ("a", "b c")
    assert hint == 12.0
    assert (fewer, handle.status().accepts) == (
        ACCEPTS & ~Accept.PAUSE_CONTINUE,
        ACCEPTS,
    )
    assert made.journal() == rig.scm.journal(NAME)
    assert made.instance is rig.scm.instance(NAME)
    assert (f"winsvc.{NAME}", 30, "hello") in caplog.record_tuples
    handle.stop()
    rig.scm.wait_gone(NAME)


def test_unhosted_daemon_says_so() -> None:
    """Before its start it is NOT_READY, and cannot do what needs the SCM."""
    made = daemon.spawn(Script())
    made.next_state()

    assert made.state is State.NOT_READY
    assert (made.args, made.journal(), made.event) == ((), (), None)
    with pytest.raises(RuntimeError, match="win32daemon cannot stop itself"):
        made.stop()


BOOM = OSError("boom")


@pytest.mark.parametrize(
    ("name", "failure"),
    [
        ("start_pending", FailureCode.START),
        ("running", FailureCode.RUN),
        ("pause_pending", FailureCode.HANDLER),
        ("paused", FailureCode.RUN),
        ("continue_pending", FailureCode.HANDLER),
        ("unhandled", FailureCode.HANDLER),
        ("shutdown", FailureCode.STOP),
        ("stop_pending", FailureCode.STOP),
        ("stopped", FailureCode.STOP),
    ],
)
@pytest.mark.parametrize(
    ("error", "code"), [(BOOM, None), (SystemExit(0), 0), (winsvc.ServiceExit(5), 5)]
)
@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_exception_in_a_callback_ends_the_service(
    rig: Rig,
    caplog: pytest.LogCaptureFixture,
    name: str,
    failure: FailureCode,
    error: BaseException,
    code: int | None,
    kind: str,
) -> None:
    """As in the handlers of any service: 1066 and the phase's code (promise 5)."""

    def plain(*_: object) -> None:
        raise error

    async def coroutine(*_: object) -> None:
        raise error

    made = daemon.spawn({name: plain if kind == "plain" else coroutine})
    handle = rig.scm.add(made)
    handle.start()
    if name not in ("start_pending", "running"):
        rig.reach(NAME, State.RUNNING)
        match name:
            case "pause_pending" | "paused":
                handle.pause()
            case "continue_pending":
                handle.pause()
                rig.reach(NAME, State.PAUSED)
                handle.resume()
            case "unhandled":
                handle.control(200)
            case "shutdown":
                rig.scm.send(NAME, Control.SHUTDOWN)
            case _:
                handle.stop()

    expected = failure if code is None else code
    assert rig.scm.wait_gone(NAME) == expected
    assert handle.status().service_exit_code == expected
    assert ("boom" in caplog.text) is (error is BOOM)


def test_failed_daemon_is_stopped_all_the_same(rig: Rig) -> None:
    """The states of the stop come after an exception too, but not after a start's."""
    script = Script()
    made = daemon.spawn({"running": lambda *_: 1 / 0, "stop_pending": script})
    rig.scm.add(made).start()
    rig.scm.wait_gone(NAME)
    other = Script()
    failing = daemon.spawn(
        {"start_pending": lambda *_: 1 / 0, "stop_pending": other}, alias="Failing"
    )
    rig.scm.add(failing).start()
    rig.scm.wait_gone("Failing")

    assert script.calls == [(State.STOP_PENDING, Control.STOP)]
    assert other.calls == []


# --- coroutines ---------------------------------------------------------------------


def test_coroutines_share_the_main_threads_loop(rig: Rig) -> None:
    """Their tasks go on between the calls; a task may move on."""
    script = Script()
    loops: set[asyncio.AbstractEventLoop] = set()
    tasks: list[asyncio.Task[None]] = []
    ticks = 0

    async def work(made: Daemon) -> None:
        nonlocal ticks
        await asyncio.sleep(0.01)
        made.next_state()
        while True:
            ticks += 1
            await asyncio.sleep(0.001)

    async def starting(made: Daemon, state: State, message: int) -> None:
        script.calls.append((state, message))
        script.threads.add(threading.current_thread().name)
        loops.add(asyncio.get_running_loop())
        if not tasks:
            tasks.append(asyncio.create_task(work(made)))

    async def stopping(made: Daemon, state: State, message: int) -> None:
        loops.add(asyncio.get_running_loop())
        await asyncio.sleep(0.01)
        script(made, state, message)

    # A plain one among them runs on the loop as well.
    made = daemon.spawn(
        {"start_pending": starting, "running": script, "stop_pending": stopping}
    )
    handle = start(rig, made)
    wait_calls(rig, script, 2)
    cycle(rig, script)
    before = ticks
    rig.eventually(lambda: ticks > before, "the task goes on")
    handle.stop()

    assert rig.scm.wait_gone(NAME) == 0
    assert len(loops) == 1
    assert script.threads == {f"main of {NAME}"}
    assert tasks[0].cancelled()
    assert script.states == [
        State.START_PENDING,
        State.RUNNING,
        State.RUNNING,
        State.STOP_PENDING,
    ]


def test_coroutine_methods_and_partials_are_known(rig: Rig) -> None:
    """Bound methods, callable objects, functools.partial."""

    class Works:
        async def method(self, made: Daemon, state: State, message: int) -> None:
            del state, message
            await asyncio.sleep(0)
            made.next_state()

        async def __call__(self, made: Daemon, state: State, message: int) -> None:
            await self.method(made, state, message)

    works = Works()
    kinds = (works, works.method, functools.partial(Works.method, works))
    for number, kind in enumerate(kinds):
        made = daemon.spawn(kind, alias=f"Kind{number}")
        assert made.is_async
        handle = start(rig, made)
        handle.stop()
        assert rig.scm.wait_gone(made.alias) == 0


@pytest.mark.parametrize("where", ["start_pending", "running"])
def test_exit_in_a_task_ends_the_service(
    rig: Rig, caplog: pytest.LogCaptureFixture, where: str
) -> None:
    """What breaks out of the loop ends the service, with its states of the stop."""
    stopped: list[State] = []
    tasks: list[asyncio.Task[None]] = []

    async def task() -> None:
        raise SystemExit(3)

    async def callback(made: Daemon, state: State, message: int) -> None:
        del message
        if state is State[where.upper()]:
            tasks.append(asyncio.create_task(task()))
            await asyncio.sleep(0.01)
        if state in (State.STOP_PENDING, State.STOPPED):
            stopped.append(state)
        made.next_state()

    made = daemon.spawn(callback)
    rig.scm.add(made).start()

    assert rig.scm.wait_gone(NAME) == 3
    if where == "running":
        assert stopped == [State.STOP_PENDING, State.STOPPED]
    # Once is enough: asyncio finds tasks that nobody has waited for, at any time.
    assert caplog.text.count("SystemExit: 3") == 1
    for each in tasks:
        each.__del__()
    assert caplog.text.count("SystemExit: 3") == 1


def host_on(rig: Rig) -> Callable[..., int]:
    """Return what ``winsvc.run`` would be if the simulated SCM were the real one."""

    def run(*services: type[ServiceBase]) -> int:
        for service in services:
            rig.scm.add(service).start()
        return rig.scm.wait_gone(services[0].name)

    return run


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_await_hosts_on_the_running_loop(
    rig: Rig, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Its callbacks run there, beside what else runs there."""
    monkeypatch.setattr("winsvc.process.run", host_on(rig))
    script = Script()
    loops: set[asyncio.AbstractEventLoop] = set()
    beside: list[State] = []

    def plain(made: Daemon, state: State, message: int) -> None:
        loops.add(asyncio.get_running_loop())
        script(made, state, message)

    async def coroutine(made: Daemon, state: State, message: int) -> None:
        await asyncio.sleep(0)
        plain(made, state, message)

    async def main() -> int:
        made = daemon.spawn(plain if kind == "plain" else coroutine)
        loops.add(asyncio.get_running_loop())
        hosting = asyncio.ensure_future(made)
        while made.state is not State.RUNNING:
            await asyncio.sleep(0.001)
        beside.append(made.state)
        made.stop(4)
        return await hosting

    assert asyncio.run(main()) == 4
    assert len(loops) == 1
    assert script.threads == {threading.current_thread().name}
    assert script.states[-1] is State.STOPPED


def test_cancelled_await_stops_the_service(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And only then raises CancelledError."""
    monkeypatch.setattr("winsvc.process.run", host_on(rig))
    script = Script()

    async def main() -> None:
        made = daemon.spawn(script)
        hosting = asyncio.ensure_future(made)
        while State.RUNNING not in script.states:
            await asyncio.sleep(0.001)
        hosting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hosting

    asyncio.run(main())

    assert script.states[-2:] == [State.STOP_PENDING, State.STOPPED]
    assert rig.scm.wait_gone(NAME) == 0


# --- spawning -----------------------------------------------------------------------


def test_defaults_are_poes(rig: Rig) -> None:
    """Alias win32daemon, a second, Win32::Daemon's accept mask."""
    made = winsvc.daemon.spawn(Script())
    handle = start(rig, made)

    assert (made.alias, made.service.name, made.poll_interval) == (NAME, NAME, 1.0)
    assert handle.status().accepts == ACCEPTS
    assert made.service.start_type is StartType.AUTO
    handle.stop()
    rig.scm.wait_gone(NAME)


def test_options_are_the_services_attributes() -> None:
    """Key name, texts, start type, time-outs; accepts is added to."""
    made = daemon.spawn(
        Script(),
        alias="mail checker",
        name="PyMail",
        display_name="Mail Checker",
        description="Checks mail.",
        start_type=StartType.MANUAL,
        stop_timeout=None,
        wait_hint=5.0,
        accepts=Accept.POWEREVENT,
    )

    service = made.service
    assert (service.name, service.display_name) == ("PyMail", "Mail Checker")
    assert (service.description, service.start_type) == (
        "Checks mail.",
        StartType.MANUAL,
    )
    assert (service.stop_timeout, service.start_timeout, service.wait_hint) == (
        None,
        120.0,
        5.0,
    )
    assert Accept.POWEREVENT | Accept.PAUSE_CONTINUE in service.accepts
    assert service.__name__ == "mail_checker"
    assert daemon.spawn(Script(), alias="2nd").service.__name__ == "_2nd"


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({}, TypeError, "needs a callback.*start_pending"),
        ({"callback": {}}, TypeError, "needs a callback"),
        ({"callback": {"starting": print}}, ValueError, "'starting'.*start_pending"),
        ({"callback": {"running": 5}}, TypeError, "'running' is 5"),
        ({"callback": print, "poll_interval": 0}, ValueError, "poll_interval"),
        ({"callback": print, "poll_interval": float("nan")}, ValueError, "interval"),
        ({"callback": print, "poll_interval": float("inf")}, ValueError, "interval"),
        ({"callback": print, "alias": ""}, TypeError, "no name"),
        ({"callback": print, "alias": " "}, TypeError, "no name.*is ' '"),
        ({"callback": print, "stop_timeout": -1}, TypeError, "stop_timeout"),
        ({"callback": print, "color": "red"}, TypeError, "color.*display_name"),
    ],
)
def test_spawn_says_what_is_wrong(
    arguments: dict[str, object], error: type[Exception], text: str
) -> None:
    """At once, and what would be right."""
    with pytest.raises(error, match=text):
        daemon.spawn(**arguments)  # type: ignore[arg-type]

    with pytest.raises(RuntimeError, match="spawn a daemon first"):
        daemon.run()


def test_several_daemons_share_a_process(rig: Rig) -> None:
    """Each has its key name, its states and its thread; one stops alone (A-8, A-28)."""
    scripts = {name: Script() for name in ("Alpha", "Beta")}
    made = [daemon.spawn(script, alias=name) for name, script in scripts.items()]
    handles = rig.scm.add_process(*made)
    for handle, each in zip(handles, made, strict=True):
        handle.start()
        rig.eventually(lambda one=each: one.state is State.RUNNING, "it runs")
    handles[0].pause()
    rig.reach("Alpha", State.PAUSED)
    states = [State.PAUSED, State.RUNNING]
    rig.eventually(lambda: [each.state for each in made] == states, "each knows itself")
    handles[0].stop()
    rig.reach("Alpha", State.STOPPED)
    handles[1].control(200)
    rig.eventually(lambda: (State.RUNNING, 200) in scripts["Beta"].calls, "it lives")
    handles[0].start("again")
    rig.reach("Alpha", State.RUNNING)
    args = made[0].args
    for handle in handles:
        handle.stop()

    assert args == ("again",)
    assert rig.scm.wait_gone("Alpha") == 0
    assert scripts["Beta"].states[-1] is State.STOPPED


def test_run_hosts_all_that_was_spawned(monkeypatch: pytest.MonkeyPatch) -> None:
    """In one process, in order; once."""
    hosted: list[tuple[type[ServiceBase], ...]] = []

    def run(*services: type[ServiceBase]) -> int:
        hosted.append(services)
        return 6

    monkeypatch.setattr("winsvc.process.run", run)
    alpha, beta = (daemon.spawn(Script(), alias=name) for name in ("Alpha", "Beta"))
    gamma = daemon.spawn(Script(), alias="Gamma")

    assert gamma.run() == 6
    assert daemon.run() == 6
    assert hosted == [(gamma.service,), (alpha.service, beta.service)]
    with pytest.raises(RuntimeError, match="spawn a daemon first"):
        daemon.run()


def test_run_refuses_two_of_one_name() -> None:
    """The SCM could not tell them apart."""
    daemon.spawn(Script(), alias="Alpha")
    daemon.spawn(Script(), alias="ALPHA")

    with pytest.raises(ValueError, match="Alpha, ALPHA"):
        daemon.run()


@pytest.mark.parametrize("kind", ["plain", "coroutine"])
def test_not_ready_is_called_while_the_process_waits(
    monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    """Every poll_interval until the SCM starts it."""
    script = Script()

    async def coroutine(made: Daemon, state: State, message: int) -> None:
        await asyncio.sleep(0)
        script(made, state, message)

    made = daemon.spawn(script if kind == "plain" else coroutine, poll_interval=2.5)
    patiences: list[float] = []

    def run(
        loads: object, names: object, log_file: object, folder: object, idles: object
    ) -> int:
        del loads, names, log_file, folder
        assert isinstance(idles, dict)
        patiences.extend(idles[0]() for _ in range(3))
        return 0

    monkeypatch.setattr("winsvc.process._run", run)
    made.run()

    assert patiences == [2.5] * 3
    assert script.calls == [(State.NOT_READY, NONE)] * 3


def test_not_ready_that_raises_is_not_called_again() -> None:
    """The process hears of it; in a shared one it is logged, and the rest goes on."""
    made = daemon.spawn({"not_ready": lambda *_: 1 / 0})

    with pytest.raises(ZeroDivisionError):
        made.idle()
    assert made.idle() == float("inf")


def test_not_ready_ends_with_the_first_start(rig: Rig) -> None:
    """What comes after STOPPED is nobody's business any more."""
    script = Script()
    made = daemon.spawn({"not_ready": script})
    quiet = daemon.spawn({"running": script}, alias="Quiet")
    start(rig, made).stop()
    rig.scm.wait_gone(NAME)

    assert made.idle() == quiet.idle() == float("inf")
    assert not script.calls


# --- targets ------------------------------------------------------------------------

MODULE = """
import winsvc

def callback(daemon, state, message):
    daemon.next_state()

first = winsvc.daemon.spawn(callback, alias="Mail Checker")
second = {second}
"""


@pytest.mark.parametrize("target", ["first", "Mail_Checker", ""])
def test_target_names_a_daemon(rig: Rig, tmp_path: Path, target: str) -> None:
    """By its variable, by its alias, or as the only one; by the command line too."""
    file = tmp_path / f"daemons_{target or 'only'}.py"
    file.write_text(MODULE.format(second="first.service"))
    service = load_target(parse_target(f"{file}:{target}" if target else str(file)))
    config = winsvc.ServiceConfig(
        name="Mail",
        command=(r"C:\python.exe", "-m", "winsvc", "host", f"{file}:Mail_Checker"),
    )
    handle = rig.scm.create(config)
    handle.start()
    rig.reach("Mail", State.RUNNING)
    handle.stop()

    assert (service.name, service.__module__) == ("Mail Checker", file.stem)
    assert rig.scm.wait_gone("Mail") == 0


def test_target_of_several_daemons_must_say_which(tmp_path: Path) -> None:
    """What there is, is in the message."""
    file = tmp_path / "several_daemons.py"
    file.write_text(
        MODULE.format(second='winsvc.daemon.spawn(callback, alias="Other")')
    )

    with pytest.raises(TypeError, match="it has Mail_Checker, Other"):
        load_target(parse_target(str(file)))
    with pytest.raises(TypeError, match="has no Third; it has Mail_Checker, Other"):
        load_target(parse_target(f"{file}:Third"))


def test_states_equal_the_constants(rig: Rig) -> None:
    """So that a script of Perl's is translated word by word."""
    seen: set[int] = set()

    def callback(made: Daemon, state: State, message: int) -> None:
        if message == constants.SERVICE_CONTROL_NONE:
            seen.add(state)
        made.next_state()

    handle = start(rig, daemon.spawn(callback))
    handle.stop()
    rig.scm.wait_gone(NAME)

    assert seen >= {constants.SERVICE_START_PENDING, constants.SERVICE_STOPPED}


# --- the example, and the page about it -----------------------------------------------

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "examples" / "poe_component.py"


def wait_hints(rig: Rig, name: str) -> list[float]:
    """Return the wait hints of a service's stop."""
    reports = rig.scm.reports(name)
    return [r.wait_hint for r in reports if r.state is State.STOP_PENDING]


def test_example_goes_on_cycle_by_cycle(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """It loads and puts away a part a second; a shutdown gets its 45 s."""
    caplog.set_level("INFO", "winsvc")

    def said(text: str, count: int = 1) -> None:
        rig.eventually(lambda: caplog.messages.count(text) >= count, text)

    service = load_target(parse_target(f"{EXAMPLE}:PyPoeStates"))
    name = service.name
    handle = rig.scm.add(service)
    handle.start()
    for part in (1, 2):
        said(f"loaded part {part} of 3")
        assert rig.state(name) is State.START_PENDING
        rig.scm.advance(1.0)
    said("loaded part 3 of 3")
    rig.reach(name, State.RUNNING)
    for count in range(1, 6):
        said("working with 3 parts", count)
        rig.scm.advance(1.0)
    handle.pause()
    rig.reach(name, State.PAUSED)
    handle.resume()
    rig.reach(name, State.RUNNING)
    rig.scm.send(name, Control.SHUTDOWN)
    for part in (3, 2, 1):
        said(f"put part {part} away")
        rig.scm.advance(1.0)

    assert rig.scm.wait_gone(name) == 0
    assert wait_hints(rig, name)[-1] == 45.0
    assert "pausing" in caplog.text
    assert "no further service communications will take place" in caplog.messages


def test_generic_example_allows_45_seconds(rig: Rig) -> None:
    """Every state in one function, as Perl's synopsis has it."""
    handle = rig.scm.add(load_target(parse_target(f"{EXAMPLE}:generic")))
    handle.start()
    rig.reach(handle.name, State.RUNNING)
    rig.scm.send(handle.name, Control.SHUTDOWN)

    assert rig.scm.wait_gone(handle.name) == 0
    assert wait_hints(rig, handle.name) == [3.0, 45.0]


@pytest.mark.skipif(not (ROOT / "docs").exists(), reason="the pages are not here")
@pytest.mark.parametrize("page", ["from-perl.md", "from-pywin32.md"])
def test_page_names_tests_that_are_there(page: str) -> None:
    """Each row has its tests, or says that the feature is not there."""
    text = (ROOT / "docs" / page).read_text(encoding="utf-8")
    rows = [row for row in text.splitlines() if row.startswith("| ")]
    named = re.findall(r"`(\w+/test_\w+\.py)::(test_\w+)`", text)

    assert rows
    for row in rows:
        is_head = row.endswith("| test |")
        assert (
            is_head or "::test_" in row or "the same two" in row or "not there" in row
        )
    for file, test in named:
        code = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {test}\(", code, re.MULTILINE), f"{file}::{test}"

"""The events of a service's life that its host hands to the event log."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Iterator

import pytest
from simrig import PATIENCE, Rig

import winsvc
from winsvc import log, log_life
from winsvc.states import Control, State


class Told(logging.Handler):
    """Keeps the events of records; what writes them is tested in tests/unit."""

    def __init__(self) -> None:
        super().__init__()
        self.events: list[tuple[str, ...]] = []
        self.reasons: list[str] = []  # of starts

    def emit(self, record: logging.LogRecord) -> None:
        if event := getattr(record, "winsvc_event", ()):
            if event[0] == "STARTED":
                self.reasons.append(event[2])
                event = event[:2]
            has_traceback = (record.exc_info or (None,))[0] is not None
            self.events.append((*event, *(["traceback"] if has_traceback else [])))


@pytest.fixture
def handler(monkeypatch: pytest.MonkeyPatch) -> Iterator[Told]:
    """Hears the events of all services, which wait until it has."""
    monkeypatch.setattr(log_life, "GRACE", PATIENCE)
    logger = logging.getLogger("winsvc")
    handler = Told()
    level = logger.level
    logger.setLevel(logging.INFO)
    logger.addHandler(handler)
    yield handler
    logger.removeHandler(handler)
    logger.setLevel(level)


@pytest.fixture
def told(handler: Told) -> list[tuple[str, ...]]:
    """The events, in order."""
    return handler.events


class Plain(winsvc.Service):
    """Does nothing."""

    name = "Plain"


STARTED = ("STARTED", "Plain")


@pytest.mark.parametrize("control", [Control.STOP, Control.SHUTDOWN])
def test_stop_has_its_cause(
    rig: Rig, told: list[tuple[str, ...]], control: Control
) -> None:
    """The control that came."""
    rig.scm.add(Plain).start()
    rig.reach("Plain", State.RUNNING)
    rig.scm.send("Plain", control)
    rig.scm.wait_gone("Plain")

    stopped = ("STOPPED", "Plain", f"the control {control.name}", "0")
    assert told == [STARTED, stopped]


@pytest.mark.parametrize(("code", "name"), [(0, "STOPPED"), (5, "STOPPED_WITH_CODE")])
@pytest.mark.parametrize("how", ["request_stop", "return"])
def test_service_that_ends_by_itself(
    rig: Rig, told: list[tuple[str, ...]], code: int, name: str, how: str
) -> None:
    """``run`` returns, or it asks for its stop: nobody else did."""

    class Ends(Plain):
        def run(self) -> None:
            if code or how == "request_stop":
                self.request_stop(code)

    rig.scm.add(Ends).start()
    rig.scm.wait_gone("Plain")

    assert told == [STARTED, (name, "Plain", "itself", str(code))]


@pytest.mark.parametrize(
    ("where", "event", "what"),
    [
        ("on_start", "START_FAILED", "failed in on_start"),
        ("run", "RUN_FAILED", "failed in run"),
        ("on_pause", "HANDLER_FAILED", "failed in the handler of Pause"),
        ("on_stop", "STOP_FAILED", "failed in the handler of Stop"),
    ],
)
def test_failure_has_its_event(
    rig: Rig, told: list[tuple[str, ...]], where: str, event: str, what: str
) -> None:
    """With its traceback; the stop names it as the cause, unless one came before."""

    def fail(_service: object) -> None:
        raise ValueError("boom")

    service = type("Fails", (Plain,), {where: fail})
    handle = rig.scm.add(service)
    handle.start()
    if where in ("on_pause", "on_stop"):
        rig.eventually(lambda: told, "STARTED")
        handle.pause() if where == "on_pause" else handle.stop()
    code = str(rig.scm.wait_gone("Plain"))
    cause = "the control STOP" if where == "on_stop" else "a failure"

    assert told == [
        *([] if where == "on_start" else [STARTED]),
        (event, "Plain", what, code, "traceback"),
        ("STOPPED_WITH_CODE", "Plain", cause, code),
    ]


def test_failed_import_has_its_event(rig: Rig, told: list[tuple[str, ...]]) -> None:
    """Before there is a service at all."""
    handle = rig.scm.add(Plain)
    rig.scm._record("Plain").load = lambda: sys.exit(3)
    handle.start()
    rig.scm.wait_gone("Plain")

    assert told == [
        ("IMPORT_FAILED", "Plain", "could not be loaded", "3", "traceback"),
        ("STOPPED_WITH_CODE", "Plain", "a failure", "3"),
    ]


def test_missed_deadline_has_its_event(rig: Rig, told: list[tuple[str, ...]]) -> None:
    """With where the threads are."""
    entered, free = threading.Event(), threading.Event()

    class Slow(Plain):
        pause_timeout = 10.0

        def on_pause(self) -> None:
            entered.set()
            free.wait()

    handle = rig.scm.add(Slow)
    handle.start()
    rig.reach("Plain", State.RUNNING)
    handle.pause()
    assert entered.wait(PATIENCE)
    rig.scm.advance(11.0)
    rig.eventually(lambda: len(told) == 2, "the deadline is told of")
    free.set()
    rig.reach("Plain", State.PAUSED)
    handle.stop()
    rig.scm.wait_gone("Plain")

    name, service, state, threads = told[1]
    assert (name, service, state) == ("DEADLINE_MISSED", "Plain", "PAUSE_PENDING")
    assert "in on_pause" in threads


@pytest.mark.parametrize("error", [ValueError("boom"), SystemExit(3)])
def test_failed_thread_has_its_event(
    rig: Rig,
    told: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
    error: BaseException,
) -> None:
    """The service goes on; SystemExit ends a thread as ever."""
    monkeypatch.setattr(threading, "excepthook", lambda args: None)

    class Threaded(Plain):
        def run(self) -> None:
            thread = threading.Thread(target=self.fail)
            thread.start()
            thread.join()

        def fail(self) -> None:
            raise error

    rig.scm.add(Threaded).start()
    rig.scm.wait_gone("Plain")

    failed = [event for event in told if event[0] == "THREAD_FAILED"]
    if isinstance(error, SystemExit):
        assert failed == []
    else:
        ((_, service, last, lines),) = failed
        assert (service, last) == ("Plain", "ValueError: boom")
        assert lines.startswith("Traceback")
    assert told[-1] == ("STOPPED", "Plain", "itself", "0")


class Started(Plain):
    """Knows why it was started, or that nobody tells."""

    tells = True

    @property
    def start_reason(self) -> object:
        if not self.tells:
            raise OSError(120, "not on this system")
        return Control.STOP  # anything with a name


@pytest.mark.parametrize(("tells", "reason"), [(True, "STOP"), (False, "not known")])
def test_start_reason_is_told_if_it_is_known(
    rig: Rig, handler: Told, tells: bool, reason: str
) -> None:
    """D.6; a system that does not tell is no failure."""
    service = rig.scm.add(type("Told", (Started,), {"tells": tells}))
    service.start()
    rig.reach("Plain", State.RUNNING)
    service.stop()
    rig.scm.wait_gone("Plain")

    assert handler.reasons == [reason]
    assert handler.events[0] == STARTED


class Half(Plain):
    """Prints half a line, as a service does whose output is logged."""

    def run(self) -> None:
        log_life.writers[0].write("half a ")
        super().run()
        log_life.writers[0].write("line")


def test_unfinished_line_is_logged_before_the_last_event(
    rig: Rig, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever sees STOPPED finds it."""
    writers = [log.LogWriter(log.STDOUT, logging.INFO)]
    monkeypatch.setattr(log_life, "writers", writers)
    caplog.set_level(logging.INFO, "winsvc")
    service = rig.scm.add(Half)
    service.start()
    rig.reach("Plain", State.RUNNING)
    service.stop()
    rig.scm.wait_gone("Plain")
    messages = [record.getMessage() for record in caplog.records]

    assert messages[-2:] == ["half a line", "Plain stops with exit code 0"]


class Stalled(logging.Handler):
    """Does not come back from one event until it is let go, as a hung event log.

    Args:
        at: Which one.
    """

    def __init__(self, at: str) -> None:
        super().__init__()
        self.reached, self.free = threading.Event(), threading.Event()
        self.over = threading.Event()
        self._at = at

    def emit(self, record: logging.LogRecord) -> None:
        if getattr(record, "winsvc_event", ("",))[0] == self._at:
            self.reached.set()
            self.free.wait()
            self.over.set()


@pytest.fixture
def stalled(
    request: pytest.FixtureRequest, told: list[tuple[str, ...]]
) -> Iterator[Stalled]:
    """A handler of all services that stalls; ``told`` is before it."""
    logger = logging.getLogger("winsvc")
    handler = Stalled(request.param)
    logger.addHandler(handler)
    yield handler
    handler.free.set()
    logger.removeHandler(handler)
    assert handler.over.wait(PATIENCE)


class Deaf(Plain):
    """Notes the controls that it gets."""

    heard = threading.Event()

    def on_user_control(self, code: int) -> None:
        self.heard.set()


@pytest.mark.parametrize("stalled", ["STARTED"], indirect=True)
def test_controls_go_on_with_a_stalled_log(
    rig: Rig, stalled: Stalled, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They are handled once the grace is over, whatever becomes of the event."""
    monkeypatch.setattr(log_life, "GRACE", 0.01)
    Deaf.heard.clear()
    handle = rig.scm.add(Deaf)
    handle.start()
    assert stalled.reached.wait(PATIENCE)
    handle.control(200)
    was_heard = Deaf.heard.wait(PATIENCE)
    stalled.free.set()
    rig.scm.send("Plain", Control.STOP)
    rig.scm.wait_gone("Plain")

    assert was_heard


@pytest.mark.parametrize("stalled", ["STARTED", "STOPPED"], indirect=True)
def test_clean_stop_does_not_wait_for_a_stalled_log(
    rig: Rig,
    stalled: Stalled,
    told: list[tuple[str, ...]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It is STOPPED with 0 while the event log still hangs: no 64006 (A-11)."""
    monkeypatch.setattr(log_life, "GRACE", 0.01)
    handle = rig.scm.add(Plain)
    handle.start()
    rig.reach("Plain", State.RUNNING)
    rig.eventually(lambda: told, "STARTED")  # it may be late, but not the second
    rig.scm.send("Plain", Control.STOP)
    assert stalled.reached.wait(PATIENCE)
    rig.reach("Plain", State.STOPPED)
    status = handle.status()
    hangs = not stalled.over.is_set()
    stalled.free.set()
    rig.scm.wait_gone("Plain")

    assert hangs
    assert (status.exit_code, status.service_exit_code) == (0, 0)
    assert told[0] == STARTED


def test_stopped_is_reported_after_its_event(
    rig: Rig, handler: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who sees STOPPED finds the event (A-11)."""
    states: list[State] = []
    emit = handler.emit

    def look(record: logging.LogRecord) -> None:
        if getattr(record, "winsvc_event", ("",))[0] == "STOPPED":
            states.append(rig.state("Plain"))
        emit(record)

    monkeypatch.setattr(handler, "emit", look)
    rig.scm.add(Plain).start()
    rig.reach("Plain", State.RUNNING)
    rig.scm.send("Plain", Control.STOP)
    rig.scm.wait_gone("Plain")

    assert states == [State.STOP_PENDING]

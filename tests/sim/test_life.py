"""A service's whole life on the simulated SCM."""

from __future__ import annotations

import logging
import threading
from itertools import pairwise

import pytest
from simrig import Rig

import winsvc
from winsvc.errors import (
    ServiceCannotAcceptControl,
    ServiceError,
    ServiceFailed,
    ServiceNotActive,
)
from winsvc.journal import Kind
from winsvc.states import Accept, Control, FailureCode, State

ERROR_SERVICE_SPECIFIC_ERROR = 1066


class Recorder(winsvc.Service):
    """Records what it is told."""

    name = "Recorder"

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []

    def note(self, what: str) -> None:
        """Add a call, with the name of its thread."""
        self.calls.append((what, threading.current_thread().name))

    def on_start(self) -> None:
        self.note("start " + " ".join(self.args))

    def run(self) -> None:
        self.note("run")
        self.wait_stop()

    def on_stop(self) -> None:
        self.note("stop")

    def on_pause(self) -> None:
        self.note("pause")

    def on_continue(self) -> None:
        self.note("continue")

    def on_param_change(self) -> None:
        self.note("param change")

    def on_user_control(self, code: int) -> None:
        self.note(f"user {code}")


def running(rig: Rig, name: str) -> Recorder:
    """Wait until a service is in ``run``, which its first handlers may be before."""
    rig.reach(name, State.RUNNING)
    service = rig.scm.instance(name)
    assert isinstance(service, Recorder)
    rig.eventually(lambda: "run" in dict(service.calls), "it is in run")
    return service


def test_whole_life_calls_handlers_in_order(rig: Rig) -> None:
    """Start, user code, parameters, pause, continue, stop: each once, in order."""
    handle = rig.scm.add(Recorder)
    handle.start("a", "b c")
    service = running(rig, "Recorder")
    handle.control(200)
    handle.control(Control.PARAMCHANGE)
    handle.pause()
    rig.reach("Recorder", State.PAUSED)
    handle.resume()
    rig.reach("Recorder", State.RUNNING)
    handle.stop()
    exit_code = rig.scm.wait_gone("Recorder")

    main, control = "main of Recorder", "winsvc-control Recorder"
    assert service.calls[:2] == [("start a b c", main), ("run", main)]
    assert service.calls[2:] == [
        (what, control)
        for what in ("user 200", "param change", "pause", "continue", "stop")
    ]
    assert exit_code == 0
    assert [r.state for r in rig.scm.reports("Recorder")] == [
        State.START_PENDING,
        State.START_PENDING,  # loaded: this one says what it accepts
        State.RUNNING,
        State.PAUSE_PENDING,
        State.PAUSED,
        State.CONTINUE_PENDING,
        State.RUNNING,
        State.STOP_PENDING,
        State.STOPPED,
    ]


def test_simulation_knows_no_start_reason(rig: Rig) -> None:
    """D.6: None, as on a Windows before 8; also before the start and after it."""
    seen: list[object] = []

    class Asker(winsvc.Service):
        name = "Asker"

        def run(self) -> None:
            seen.append(self.start_reason)

    assert Asker().start_reason is None
    rig.scm.add(Asker).start()
    rig.scm.wait_gone("Asker")

    assert seen == [None]
    service = rig.scm.instance("Asker")
    assert isinstance(service, Asker)
    assert service.start_reason is None


def test_accepted_controls_follow_from_handlers(rig: Rig) -> None:
    """What is overridden is accepted; STOP and SHUTDOWN always are."""

    class Plain(winsvc.Service):
        name = "Plain"

    class Careful(Plain):
        name = "Careful"

        def on_preshutdown(self) -> None: ...

    for cls in (Plain, Careful, Recorder):
        rig.scm.add(cls).start()
        rig.reach(cls.name, State.RUNNING)

    accepts = {
        name: rig.scm.open(name).status().accepts
        for name in ("Plain", "Careful", "Recorder")
    }
    assert accepts == {
        "Plain": Accept.STOP | Accept.SHUTDOWN,
        "Careful": Accept.STOP | Accept.PRESHUTDOWN,
        "Recorder": Accept.STOP
        | Accept.SHUTDOWN
        | Accept.PAUSE_CONTINUE
        | Accept.PARAMCHANGE,
    }
    for name in accepts:
        rig.scm.open(name).stop()
        rig.scm.wait_gone(name)


def test_accepted_controls_can_be_changed(rig: Rig) -> None:
    """ignore() and accept() are reported at once; no report without a change."""
    handle = rig.scm.add(Recorder)
    handle.start()
    rig.reach("Recorder", State.RUNNING)
    service = rig.scm.instance("Recorder")
    service.ignore(Accept.STOP | Accept.PAUSE_CONTINUE)
    count = len(rig.scm.reports("Recorder"))
    service.ignore(Accept.STOP)
    with pytest.raises(ServiceError) as caught:
        handle.stop()
    service.accept(Accept.STOP)
    handle.stop()

    assert caught.value.winerror == 1052
    assert rig.scm.wait_gone("Recorder") == 0
    assert rig.scm.reports("Recorder")[count].accepts & Accept.STOP


@pytest.mark.parametrize("control", [Control.SHUTDOWN, Control.PRESHUTDOWN])
def test_shutdown_without_handler_stops(rig: Rig, control: Control) -> None:
    """Both end as a stop, and our own budget does not count (design 4)."""
    released = threading.Event()

    class Slow(winsvc.Service):
        name = "Slow"
        stop_timeout = 1.0

        def on_preshutdown(self) -> None:
            self.on_stop()

        def on_stop(self) -> None:
            released.wait(20)

    if control is Control.SHUTDOWN:
        del Slow.on_preshutdown
    rig.scm.add(Slow).start()
    rig.reach("Slow", State.RUNNING)
    rig.scm.send("Slow", control)
    rig.scm.advance(60.0)
    pending = rig.state("Slow")
    released.set()

    assert pending is State.STOP_PENDING
    assert rig.scm.wait_gone("Slow") == 0


def test_shutdown_after_preshutdown_is_ignored(rig: Rig) -> None:
    """A service that gets both stops once (I-122)."""

    class Careful(Recorder):
        name = "Careful"

        def __init__(self) -> None:
            super().__init__()
            self.inside = threading.Event()
            self.go = threading.Event()

        def on_preshutdown(self) -> None:
            self.note("preshutdown")
            self.inside.set()
            assert self.go.wait(20)

    rig.scm.add(Careful).start()
    service = running(rig, "Careful")
    assert isinstance(service, Careful)
    rig.scm.send("Careful", Control.PRESHUTDOWN)
    assert service.inside.wait(20)
    rig.scm.send("Careful", Control.SHUTDOWN)
    service.go.set()
    rig.scm.wait_gone("Careful")

    assert [what for what, _ in service.calls][2:] == ["preshutdown"]


# --- starting takes its time -------------------------------------------------------


class SlowStart(winsvc.Service):
    """Starts when it is let."""

    name = "SlowStart"
    start_timeout = 60.0

    def __init__(self) -> None:
        self.go = threading.Event()
        self.starting = threading.Event()

    def on_start(self) -> None:
        self.starting.set()
        assert self.go.wait(20)


def start_slowly(rig: Rig, cls: type[SlowStart] = SlowStart) -> SlowStart:
    """Start the service and wait until it is inside ``on_start``."""
    rig.scm.add(cls).start()
    rig.eventually(lambda: rig.scm.process(cls.name).host, "it is hosted")
    host = rig.scm.process(cls.name).host
    assert host is not None
    rig.eventually(lambda: host.service, "it is loaded")
    service = host.service
    assert isinstance(service, SlowStart)
    assert service.starting.wait(20)
    return service


def test_slow_start_raises_checkpoints_every_half_hint(rig: Rig) -> None:
    """Between the first report and RUNNING no gap exceeds hint / 2 (C-1)."""
    service = start_slowly(rig)
    rig.scm.advance(30.0)
    service.go.set()
    rig.reach("SlowStart", State.RUNNING)

    pending = [
        r for r in rig.scm.reports("SlowStart") if r.state is State.START_PENDING
    ]
    assert [r.checkpoint for r in pending] == list(range(1, len(pending) + 1))
    assert {r.wait_hint for r in pending} == {3.0}
    gaps = [b.time - a.time for a, b in pairwise(pending)]
    assert len(gaps) == 21
    assert max(gaps) <= 1.5 + 1e-6
    rig.scm.open("SlowStart").stop()
    rig.scm.wait_gone("SlowStart")


def test_start_past_deadline_ends_the_process(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """After start_timeout no checkpoint rises; the traceback is logged; it dies."""
    service = start_slowly(rig)
    with caplog.at_level(logging.CRITICAL):
        rig.scm.advance(60.0)
        last = rig.scm.reports("SlowStart")[-1]
        rig.eventually(lambda: "in on_start" in caplog.text, "the traceback")
        rig.scm.advance(6.0)
        rig.reach("SlowStart", State.STOPPED)
    status = rig.scm.open("SlowStart").status()
    reports = rig.scm.reports("SlowStart")
    service.go.set()

    assert reports[-1] == last
    assert last.time < 1.0 + 60.0
    assert status.exit_code == 1067  # E-51: the SCM's word for a dead process
    assert rig.scm.wait_gone("SlowStart") == FailureCode.DEADLINE


def test_progress_moves_the_deadline_on(rig: Rig) -> None:
    """Each progress() gives the phase its whole time again."""
    service = start_slowly(rig)
    for _ in range(4):
        rig.scm.advance(50.0)
        service.progress(wait_hint=10.0)
    service.go.set()
    rig.reach("SlowStart", State.RUNNING)

    hints = [r.wait_hint for r in rig.scm.reports("SlowStart")[:-1]]
    assert hints[0] == 3.0
    assert hints[-1] == 10.0
    rig.scm.open("SlowStart").stop()
    rig.scm.wait_gone("SlowStart")


def test_no_timeout_never_expires(rig: Rig) -> None:
    """``None`` is no limit: checkpoints rise for a day."""

    class Patient(SlowStart):
        name = "Patient"
        start_timeout = None
        wait_hint = 600.0

    service = start_slowly(rig, Patient)
    rig.scm.advance(86_400.0)
    checkpoint = rig.scm.reports("Patient")[-1].checkpoint
    service.go.set()
    rig.reach("Patient", State.RUNNING)

    assert checkpoint == 290
    rig.scm.open("Patient").stop()
    rig.scm.wait_gone("Patient")


# --- stopping, pausing: the deadlines -----------------------------------------------


class Stuck(winsvc.Service):
    """Hangs in the handlers that it is told to hang in."""

    name = "Stuck"
    hang_in: tuple[str, ...] = ()

    def __init__(self) -> None:
        self.release = threading.Event()
        self.inside = threading.Event()

    def hang(self, where: str) -> None:
        """Hang, if here."""
        if where in self.hang_in:
            self.inside.set()
            assert self.release.wait(20)

    def on_stop(self) -> None:
        self.hang("stop")

    def on_pause(self) -> None:
        self.hang("pause")

    def on_continue(self) -> None:
        self.hang("continue")


def run_stuck(rig: Rig, *hang_in: str) -> Stuck:
    """Start a service that will hang."""
    cls = type("Stuck", (Stuck,), {"hang_in": hang_in})
    rig.scm.add(cls).start()
    rig.reach("Stuck", State.RUNNING)
    service = rig.scm.instance("Stuck")
    assert isinstance(service, Stuck)
    return service


def test_stop_past_deadline_ends_the_process(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Checkpoints rise until stop_timeout; then tracebacks, and it is gone."""
    service = run_stuck(rig, "stop")
    with caplog.at_level(logging.CRITICAL):
        rig.scm.open("Stuck").stop()
        assert service.inside.wait(20)
        rig.scm.advance(30.0)
        rig.eventually(lambda: "in on_stop" in caplog.text, "the traceback")
        rig.scm.advance(6.0)
        rig.reach("Stuck", State.STOPPED)
    service.release.set()

    stops = [r for r in rig.scm.reports("Stuck") if r.state is State.STOP_PENDING]
    assert [r.checkpoint for r in stops] == list(range(1, 21))
    assert rig.scm.wait_gone("Stuck") == FailureCode.DEADLINE


@pytest.mark.parametrize(
    ("where", "before", "after"),
    [
        ("pause", State.RUNNING, State.PAUSED),
        ("continue", State.PAUSED, State.RUNNING),
    ],
)
def test_pause_past_deadline_goes_back_and_logs(
    rig: Rig,
    caplog: pytest.LogCaptureFixture,
    where: str,
    before: State,
    after: State,
) -> None:
    """The state before comes back; a handler that ends late is shown all the same."""
    service = run_stuck(rig, where)
    handle = rig.scm.open("Stuck")
    handle.pause()
    if where == "continue":
        rig.reach("Stuck", State.PAUSED)
        handle.resume()
    assert service.inside.wait(20)
    with caplog.at_level(logging.CRITICAL):
        rig.scm.advance(31.0)
        rig.reach("Stuck", before)
        rig.eventually(lambda: f"in on_{where}" in caplog.text, "the traceback")
    service.release.set()
    rig.reach("Stuck", after)

    expired = [e for e in rig.scm.journal("Stuck") if e.kind is Kind.EXPIRED]
    assert len(expired) == 1
    handle.stop()
    assert rig.scm.wait_gone("Stuck") == 0


# --- how it ends ----------------------------------------------------------------------


def boom() -> None:
    """Raise."""
    msg = "boom"
    raise OSError(msg)


ENDS = [
    ("sys.exit(3)", SystemExit(3), 3),
    ("sys.exit(0)", SystemExit(0), 0),
    ("sys.exit()", SystemExit(), 0),
    ("sys.exit('text')", SystemExit("text"), 1),
    ("sys.exit(-1)", SystemExit(-1), 0xFFFFFFFF),
    ("sys.exit(2**32)", SystemExit(2**32), 1),
    ("ServiceExit(7)", winsvc.ServiceExit(7), 7),
    ("ServiceExit(0)", winsvc.ServiceExit(0), 0),
    ("KeyboardInterrupt", KeyboardInterrupt(), None),
    ("exception", OSError("boom"), None),
]


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
def test_exception_anywhere_reports_its_code(
    rig: Rig,
    caplog: pytest.LogCaptureFixture,
    where: str,
    failure: FailureCode,
    error: BaseException,
    code: int | None,
) -> None:
    """1066 and the specific code; the traceback is logged (promise 5)."""
    expected = int(failure) if code is None else code

    def raise_it(self: winsvc.Service, *args: object) -> None:
        del self, args
        raise error

    cls = type("Ends", (winsvc.Service,), {"name": "Ends", where: raise_it})
    with caplog.at_level(logging.ERROR):
        handle = rig.scm.add(cls)
        handle.start()
        if where in ("on_user_control", "on_pause", "on_stop"):
            rig.reach("Ends", State.RUNNING)
            if where == "on_user_control":
                handle.control(128)
            elif where == "on_pause":
                handle.pause()
            else:
                handle.stop()
        exit_code = rig.scm.wait_gone("Ends")
    status = handle.status()

    assert status.state is State.STOPPED
    assert status.exit_code == (ERROR_SERVICE_SPECIFIC_ERROR if expected else 0)
    assert status.service_exit_code == expected
    assert exit_code == expected
    assert ("Traceback" in caplog.text) is bool(expected)
    assert ("raise_it" in caplog.text) is bool(expected)


def test_import_failure_reports_its_code(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """START_PENDING comes before the import, 1066 and the code after (promise 2)."""

    def load() -> type[winsvc.Service]:
        msg = "No module named 'nothing'"
        raise ImportError(msg)

    handle = rig.scm.add(Recorder)
    rig.scm._record("Recorder").load = load
    handle.start()
    rig.scm.wait_gone("Recorder")
    status = handle.status()

    states = [r.state for r in rig.scm.reports("Recorder")]
    assert states == [State.START_PENDING, State.STOPPED]
    assert status.service_exit_code == FailureCode.IMPORT
    assert "No module named 'nothing'" in caplog.text


@pytest.mark.parametrize("thread", ["main", "control", "other"])
def test_request_stop_from_any_thread_stops_once(rig: Rig, thread: str) -> None:
    """on_stop runs once, the code is reported."""

    class Own(Recorder):
        name = "Own"

        def run(self) -> None:
            if thread == "main":
                self.request_stop(5)
                self.request_stop(6)
            elif thread == "other":
                threading.Thread(target=self.request_stop, args=(5,)).start()
            self.wait_stop()

        def on_user_control(self, code: int) -> None:
            del code
            self.request_stop(5)

    handle = rig.scm.add(Own)
    handle.start()
    if thread == "control":
        rig.reach("Own", State.RUNNING)
        handle.control(128)
    rig.scm.wait_gone("Own")
    service = rig.scm.instance("Own")

    assert isinstance(service, Recorder)
    assert [what for what, _ in service.calls].count("stop") == 1
    assert handle.status().service_exit_code == 5


def test_run_returning_ends_the_service_well(rig: Rig) -> None:
    """Through STOP_PENDING and on_stop, exit code 0."""

    class Short(Recorder):
        name = "Short"

        def run(self) -> None:
            return

    handle = rig.scm.add(Short)
    handle.start()
    rig.scm.wait_gone("Short")
    service = rig.scm.instance("Short")

    assert isinstance(service, Recorder)
    assert [what for what, _ in service.calls][-1] == "stop"
    assert [r.state for r in rig.scm.reports("Short")][-2:] == [
        State.STOP_PENDING,
        State.STOPPED,
    ]
    assert handle.status().exit_code == 0


def test_wait_state_fails_at_once_when_it_dies(rig: Rig) -> None:
    """Waiting for RUNNING ends with the exit code, not with a time-out (I-143)."""

    class Bad(winsvc.Service):
        name = "Bad"

        def on_start(self) -> None:
            raise winsvc.ServiceExit(9)

    handle = rig.scm.add(Bad)
    handle.start()
    with pytest.raises(ServiceFailed) as caught:
        handle.wait_state(State.RUNNING, timeout=60.0)

    assert caught.value.service_exit_code == 9


def test_stopped_is_reported_last(rig: Rig) -> None:
    """Nothing follows STOPPED, though the handler still gets controls (I-51)."""
    rig.scm.add(Recorder).start()
    rig.reach("Recorder", State.RUNNING)
    handle = rig.scm.open("Recorder")
    handle.stop()
    rig.scm.wait_gone("Recorder")
    with pytest.raises(ServiceNotActive):
        handle.control(200)

    assert rig.scm.reports("Recorder")[-1].state is State.STOPPED


def test_restart_is_a_new_process(rig: Rig) -> None:
    """A second start has new arguments and a new instance (A-29)."""
    handle = rig.scm.add(Recorder)
    handle.start("one")
    rig.reach("Recorder", State.RUNNING)
    first = rig.scm.instance("Recorder")
    handle.stop()
    rig.scm.wait_gone("Recorder")
    handle.start("two")
    rig.reach("Recorder", State.RUNNING)
    second = rig.scm.instance("Recorder")

    assert first is not second
    assert second.args == ("two",)
    handle.stop()
    rig.scm.wait_gone("Recorder")


def test_kill_is_noticed(rig: Rig) -> None:
    """A dead process shows STOPPED and 1067 (E-51)."""
    handle = rig.scm.add(Recorder)
    handle.start()
    rig.reach("Recorder", State.RUNNING)
    rig.scm.kill("Recorder")
    status = handle.status()
    with pytest.raises(ServiceError) as caught:
        handle.stop()

    assert (status.state, status.exit_code, status.pid) == (State.STOPPED, 1067, 0)
    assert caught.value.winerror == 1062
    rig.scm.wait_gone("Recorder")


def test_idle_service_never_wakes_up(rig: Rig) -> None:
    """An hour of RUNNING: no wake-up of the reporter, no report (promise 8)."""
    rig.scm.add(Recorder).start()
    running(rig, "Recorder")  # the report's own entry is done then, too
    rig.eventually(
        lambda: rig.scm.journal("Recorder")[-1].kind is Kind.WAKEUP,
        "the reporter saw RUNNING",
    )
    before = rig.scm.journal("Recorder")
    rig.scm.advance(3600.0)

    assert rig.scm.journal("Recorder") == before
    rig.scm.open("Recorder").stop()
    rig.scm.wait_gone("Recorder")


def test_full_queue_is_never_silent(rig: Rig, caplog: pytest.LogCaptureFixture) -> None:
    """User codes are refused with 1816 and journalled; PARAMCHANGE coalesces."""

    class Busy(Recorder):
        name = "Busy"

        def __init__(self) -> None:
            super().__init__()
            self.go = threading.Event()
            self.counts: list[tuple[int, int]] = []

        def on_event(self, event: winsvc.Event) -> None:
            assert self.go.wait(60)
            self.counts.append((int(event.control), event.count))

    handle = rig.scm.add(Busy)
    handle.start()
    rig.reach("Busy", State.RUNNING)
    service = rig.scm.instance("Busy")
    assert isinstance(service, Busy)
    handle.control(Control.PARAMCHANGE)
    for _ in range(1100):
        handle.control(200)
    for _ in range(10):
        handle.control(Control.PARAMCHANGE)
    journal = rig.scm.journal("Busy")
    handle.stop()
    service.go.set()
    rig.scm.wait_gone("Busy")

    kinds = [entry.kind for entry in journal]
    assert Kind.DROPPED in kinds
    assert service.counts[-1][0] == Control.STOP
    assert "1816" in caplog.text


def test_controls_after_stop_are_refused(rig: Rig) -> None:
    """A second STOP, INTERROGATE, a user code: 1061 while STOP_PENDING (I-32)."""
    service = run_stuck(rig, "stop")
    handle = rig.scm.open("Stuck")
    handle.stop()
    assert service.inside.wait(20)
    codes = [Control.STOP, Control.INTERROGATE, 200]
    for code in codes:
        with pytest.raises(ServiceCannotAcceptControl):
            handle.control(code)
    service.release.set()

    assert rig.scm.wait_gone("Stuck") == 0


# --- what goes wrong beside the service ---------------------------------------------


class Picky(logging.Handler):
    """A user's handler that cannot cope."""

    def emit(self, record: logging.LogRecord) -> None:
        raise RuntimeError("no")


def test_raising_log_handler_changes_no_end(rig: Rig) -> None:
    """The failure is reported, on_stop is called, whatever logging does."""

    class Bad(Recorder):
        name = "Bad"

        def on_user_control(self, code: int) -> None:
            raise OSError(code)

    picky = Picky()
    logging.getLogger().addHandler(picky)
    try:
        handle = rig.scm.add(Bad)
        handle.start()
        rig.reach("Bad", State.RUNNING)
        handle.control(200)
        rig.scm.wait_gone("Bad")
    finally:
        logging.getLogger().removeHandler(picky)
    service = rig.scm.instance("Bad")

    assert handle.status().service_exit_code == FailureCode.HANDLER
    assert isinstance(service, Recorder)
    assert [what for what, _ in service.calls][-1] == "stop"


def test_broken_exception_class_still_counts_as_failure(rig: Rig) -> None:
    """A ServiceExit without its code is the handler's failure."""

    class Odd(winsvc.ServiceExit):
        def __init__(self) -> None: ...

    class Bad(winsvc.Service):
        name = "Bad"

        def run(self) -> None:
            raise Odd

    handle = rig.scm.add(Bad)
    handle.start()
    rig.scm.wait_gone("Bad")

    assert handle.status().service_exit_code == FailureCode.RUN


def test_service_that_cannot_be_attached_reports_import(rig: Rig) -> None:
    """A class whose instances take no attributes: 64001, not a dead process."""

    class Closed(winsvc.Service):
        name = "Closed"

        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    handle = rig.scm.add(Closed)
    handle.start()
    rig.scm.wait_gone("Closed")

    assert handle.status().service_exit_code == FailureCode.IMPORT


@pytest.mark.parametrize("hint", [-1.0, 0.0, 5e6, float("inf"), float("nan")])
def test_impossible_wait_hint_is_refused(rig: Rig, hint: float) -> None:
    """progress() says so, and nothing is reported."""
    service = start_slowly(rig)
    count = len(rig.scm.reports("SlowStart"))
    with pytest.raises(ValueError, match="wait_hint"):
        service.progress(wait_hint=hint)

    assert len(rig.scm.reports("SlowStart")) == count
    service.go.set()
    rig.reach("SlowStart", State.RUNNING)
    rig.scm.open("SlowStart").stop()
    rig.scm.wait_gone("SlowStart")


def test_control_without_handler_cannot_be_accepted(rig: Rig) -> None:
    """accept() takes back ignore(), and nothing more."""
    handle = rig.scm.add(Recorder)
    handle.start()
    rig.reach("Recorder", State.RUNNING)
    service = rig.scm.instance("Recorder")
    with pytest.raises(ValueError, match="no handler"):
        service.accept(Accept.SESSIONCHANGE)
    handle.stop()

    assert rig.scm.wait_gone("Recorder") == 0


FAULT_REPORT = 64


def test_accept_that_failed_can_be_tried_again(rig: Rig) -> None:
    """The error names the service; the second attempt is reported."""
    from winsvc import _native

    handle = rig.scm.add(Recorder)
    handle.start()
    rig.reach("Recorder", State.RUNNING)
    service = rig.scm.instance("Recorder")
    _native.require_sim().fault_arm(FAULT_REPORT, 1)
    with pytest.raises(ServiceError, match="Recorder"):
        service.ignore(Accept.PAUSE_CONTINUE)
    service.ignore(Accept.PAUSE_CONTINUE)
    accepts = handle.status().accepts
    handle.stop()

    assert not accepts & Accept.PAUSE_CONTINUE
    assert rig.scm.wait_gone("Recorder") == 0


def test_service_deleted_while_running_goes_when_it_stops(rig: Rig) -> None:
    """E-32: its name is free again."""
    handle = rig.scm.add(Recorder)
    handle.start()
    rig.reach("Recorder", State.RUNNING)
    other = rig.scm.open("Recorder")
    handle.delete()
    handle.close()
    other.stop()
    rig.scm.wait_gone("Recorder")
    other.close()

    assert rig.scm.list() == ()


def test_long_stop_breaks_no_rule(rig: Rig) -> None:
    """More reports than are kept: what is gone is no violation."""

    class Patient(Stuck):
        stop_timeout = None
        hang_in = ("stop",)

    handle = rig.scm.add(Patient)
    handle.start()
    rig.reach("Stuck", State.RUNNING)
    service = rig.scm.instance("Stuck")
    assert isinstance(service, Stuck)
    handle.stop()
    assert service.inside.wait(20)
    rig.scm.advance(6300.0)
    violations = rig.scm.violations
    service.release.set()

    assert not violations
    assert rig.scm.wait_gone("Stuck") == 0

"""A hosted service against a model of the tables B.2 and B-33, step by step.

Hypothesis draws what clients, the system, the clock and the service's own code
do.  Every handler waits inside until the test lets it go on, so that each step
has one outcome only: the model says which, in reports to the last checkpoint.

``WINSVC_STATE_MACHINE_STEPS=100000`` makes it the long run, drawn anew each time.
"""

from __future__ import annotations

import logging
import math
import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

import winsvc
from winsvc.errors import ServiceError
from winsvc.states import Accept, Control, FailureCode, State
from winsvc.testing import SimulatedScm
from winsvc.testing.scm import Report

STEPS_BY_DEFAULT = 3000
STEPS = int(os.environ.get("WINSVC_STATE_MACHINE_STEPS", STEPS_BY_DEFAULT))
STEPS_OF_A_RUN = 50
PATIENCE = 20.0
NAME = "Driven"

ACCEPTS = Accept.STOP | Accept.SHUTDOWN | Accept.PAUSE_CONTINUE | Accept.PARAMCHANGE
BITS = {1: 1, 2: 2, 3: 2, 5: 4, 6: 8, 7: 16, 8: 16, 9: 16, 10: 16, 14: 0x80}
HINT = 3000  # ms, like all times of the model
BUDGETS = {
    State.START_PENDING: 120_000,
    State.STOP_PENDING: 30_000,
    State.PAUSE_PENDING: 30_000,
    State.CONTINUE_PENDING: 30_000,
}
SERVICE_SPECIFIC_ERROR = 1066
PROCESS_ABORTED = 1067
NEVER_STARTED = 1077
PATIENT_STATES = (
    State.RUNNING,
    State.PAUSED,
    State.PAUSE_PENDING,
    State.CONTINUE_PENDING,
)
USER_CODES = range(128, 256)

Outcome = BaseException | None
"""How a handler ends: it returns, or raises this."""


# --- the service ------------------------------------------------------------------


class Driven(winsvc.Service):
    """Says which handler it enters, and waits there for what to do."""

    name = NAME
    made: ClassVar[queue.SimpleQueue[Driven]]

    def __init__(self) -> None:
        self.entered: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.main: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.control: queue.SimpleQueue[Outcome] = queue.SimpleQueue()
        self.abandoned = False
        self.made.put(self)

    def enter(self, handler: str, orders: queue.SimpleQueue[Outcome]) -> None:
        """Do what the test says, once it says so."""
        if self.abandoned:
            return
        self.entered.put(handler)
        outcome = orders.get()
        if outcome is not None:
            raise outcome

    def abandon(self) -> None:
        """Let everything return: its process is dead to the SCM."""
        self.abandoned = True
        self.main.put(None)
        self.control.put(None)

    def on_start(self) -> None:
        self.enter("on_start", self.main)

    def run(self) -> None:
        self.enter("run", self.main)

    def on_stop(self) -> None:
        self.enter("on_stop", self.control)

    def on_shutdown(self) -> None:
        self.enter("on_shutdown", self.control)

    def on_pause(self) -> None:
        self.enter("on_pause", self.control)

    def on_continue(self) -> None:
        self.enter("on_continue", self.control)

    def on_param_change(self) -> None:
        self.enter("on_param_change", self.control)

    def on_user_control(self, code: int) -> None:
        self.enter(f"on_user_control {code}", self.control)


HANDLERS: dict[int, str] = {
    Control.STOP: "on_stop",
    Control.SHUTDOWN: "on_shutdown",
    Control.PAUSE: "on_pause",
    Control.CONTINUE: "on_continue",
    Control.PARAMCHANGE: "on_param_change",
}
STOPS = (Control.STOP, Control.SHUTDOWN)


def exit_code_of(outcome: BaseException, failure: FailureCode) -> int:
    """Return the specific exit code that an exception stands for."""
    if isinstance(outcome, winsvc.ServiceExit):
        return outcome.code
    if isinstance(outcome, SystemExit):
        return int(outcome.code or 0)
    return failure


# --- the model --------------------------------------------------------------------


@dataclass
class Phase:
    """A pending state's times."""

    checkpoint: int
    hint: int
    next: int
    deadline: float
    budget: int


@dataclass
class Model:
    """The service as the rules have it."""

    now: int
    state: State = State.STOPPED
    exit_code: int = NEVER_STARTED
    specific: int = 0
    alive: bool = False
    configured: bool = False
    stop_sent: bool = False
    phase: Phase | None = None
    reports: list[Report] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)
    """Handlers that the last step must have entered."""
    # The two threads of the service.
    main: str = ""
    current: int = 0
    waiting: list[int] = field(default_factory=list)
    start_over: bool = False
    start_failed: bool = False
    control_over: bool = False
    paused: bool = False
    code: int = 0

    # --- reports

    @property
    def accepts(self) -> Accept:
        """What the SCM is told that it accepts."""
        if self.state in PATIENT_STATES:
            return ACCEPTS
        if self.state is State.START_PENDING and self.configured:
            return ACCEPTS & (Accept.STOP | Accept.SHUTDOWN)
        return Accept(0)

    def report(self) -> None:
        """Expect a report of the present status."""
        self.reports.append(
            Report(
                time=self.now / 1000,
                state=self.state,
                accepts=self.accepts,
                exit_code=self.exit_code,
                service_exit_code=self.specific,
                checkpoint=self.phase.checkpoint if self.phase else 0,
                wait_hint=self.phase.hint / 1000 if self.phase else 0.0,
            )
        )

    def enter(self, state: State, *, limited: bool = True) -> None:
        """Enter a state, and report it."""
        self.state = state
        self.phase = None
        if budget := BUDGETS.get(state):
            self.phase = Phase(
                checkpoint=1,
                hint=HINT,
                next=self.now + HINT // 2,
                deadline=self.now + budget if limited else math.inf,
                budget=budget,
            )
        self.report()

    def raise_checkpoint(self, hint: int = 0) -> None:
        """Report the same pending state with a higher checkpoint."""
        assert self.phase
        self.phase.checkpoint += 1
        self.phase.hint = hint or self.phase.hint
        self.phase.next = self.now + self.phase.hint // 2
        self.report()

    def progress(self, hint: int) -> None:
        """The service calls progress()."""
        if self.phase is None or not self.alive:
            return
        if self.phase.deadline < math.inf:
            self.phase.deadline = self.now + self.phase.budget
        self.raise_checkpoint(hint)

    def advance(self, span: int) -> None:
        """Time passes."""
        until = self.now + span
        while self.phase is not None:
            due = min(self.phase.next, self.phase.deadline)
            if due > until:
                break
            self.now = int(due)
            if due == self.phase.deadline:
                self.expire()
            else:
                self.raise_checkpoint()
        self.now = until

    def expire(self) -> None:
        """A pending state has taken too long."""
        if self.state is State.PAUSE_PENDING:
            self.enter(State.RUNNING)
        elif self.state is State.CONTINUE_PENDING:
            self.enter(State.PAUSED)
        else:
            self.die()

    def die(self) -> None:
        """The process ends without STOPPED."""
        self.alive = False
        self.state = State.STOPPED
        self.phase = None
        self.exit_code, self.specific = PROCESS_ABORTED, 0

    # --- controls

    def client_error(self, code: int) -> int:
        """Return the error that a client gets (B-30, B-33, B-34), or 0."""
        if code not in (*range(1, 5), *range(6, 11), *USER_CODES):
            return 87
        if self.state is State.STOPPED:
            return 1062
        if self.state is State.STOP_PENDING or self.stop_sent:
            return 1061
        allowed = (Control.STOP, Control.INTERROGATE)
        if self.state is State.START_PENDING and code not in allowed:
            return 1061
        return 0 if self.takes(code) else 1052

    def takes(self, code: int) -> bool:
        """Is the bit that the control needs in the accept mask (B-34, D.1)?"""
        return not BITS.get(code, 0) & ~self.accepts

    def deliver(self, code: int) -> int:
        """The handler is called; return its answer."""
        if code in STOPS:
            self.stop_sent = True
        if code == Control.INTERROGATE:
            return 0
        if self.state in (State.STOP_PENDING, State.STOPPED):
            return 0 if code in STOPS else 1061
        if not self.takes(code):
            return 120
        if code in STOPS:
            self.waiting.append(code)
            self.enter(State.STOP_PENDING, limited=code == Control.STOP)
        elif self.state is State.START_PENDING:
            return 1061
        else:
            self.waiting.append(code)
            if code == Control.PAUSE and self.state is State.RUNNING:
                self.enter(State.PAUSE_PENDING)
            elif code == Control.CONTINUE and self.state is State.PAUSED:
                self.enter(State.CONTINUE_PENDING)
        self.run_control()
        return 0

    # --- the threads

    def start(self) -> None:
        """A new process gets as far as on_start."""
        model = Model(now=self.now, alive=True, exit_code=0)
        vars(self).update(vars(model))
        self.enter(State.START_PENDING)
        self.configured = True
        self.raise_checkpoint()
        self.main = "on_start"
        self.expected.append("on_start")

    def run_control(self) -> None:
        """The control thread goes on as far as it can."""
        while self.start_over and self.waiting and not self.current:
            event = self.waiting.pop(0)
            if self.start_failed:
                self.control_over = event in STOPS
            elif self.begins(event):
                self.current = event
                default = f"on_user_control {event}"
                self.expected.append(HANDLERS.get(event, default))
        if self.control_over and not self.main:
            if self.code:
                self.exit_code, self.specific = SERVICE_SPECIFIC_ERROR, self.code
            self.enter(State.STOPPED)
            self.alive = False

    def begins(self, event: int) -> bool:
        """Is there anything to do for an event whose turn it is (I-37)?"""
        if event not in (Control.PAUSE, Control.CONTINUE):
            return True
        if self.paused == (event == Control.PAUSE):
            return False
        self.paused = not self.paused
        if self.state is State.RUNNING:
            self.enter(State.PAUSE_PENDING)
        elif self.state is State.PAUSED:
            self.enter(State.CONTINUE_PENDING)
        return True

    def handler_ends(self, outcome: Outcome) -> None:
        """The control thread's handler returns or raises."""
        event, self.current = self.current, 0
        if outcome is not None:
            failure = FailureCode.STOP if event in STOPS else FailureCode.HANDLER
            self.code = self.code or exit_code_of(outcome, failure)
            self.request_stop()
        elif event == Control.PAUSE and self.state in (
            State.PAUSE_PENDING,
            State.RUNNING,
        ):
            self.enter(State.PAUSED)
        elif event == Control.CONTINUE and self.state in (
            State.CONTINUE_PENDING,
            State.PAUSED,
        ):
            self.enter(State.RUNNING)
        self.control_over = event in STOPS
        self.run_control()

    def main_ends(self, outcome: Outcome) -> None:
        """on_start or run returns or raises."""
        where, self.main = self.main, ""
        if where == "on_start" and outcome is None:
            if self.state is State.START_PENDING:
                self.enter(State.RUNNING)
                self.main = "run"
                self.expected.append("run")
        elif outcome is not None:
            self.start_failed = where == "on_start"
            failure = FailureCode.START if self.start_failed else FailureCode.RUN
            self.code = self.code or exit_code_of(outcome, failure)
        self.start_over = True
        if not self.main:
            self.request_stop()
        self.run_control()

    def request_stop(self) -> None:
        """As if a STOP had come, once."""
        if self.state not in (State.STOP_PENDING, State.STOPPED):
            self.waiting.append(Control.STOP)
            self.enter(State.STOP_PENDING)


# --- the machine ------------------------------------------------------------------

# What ends a life is drawn less often than what goes on with it.
RARELY = st.sampled_from(9 * [False] + [True])
OUTCOMES = st.sampled_from(
    [
        *12 * [None],
        ValueError("drawn"),
        winsvc.ServiceExit(0),
        winsvc.ServiceExit(42),
        SystemExit(3),
    ]
)
CLIENT_CODES = st.sampled_from(
    [*range(12), 15, 127, 128, 200, 255, 256, 0xFFFFFFFF, *range(129, 140)]
)
SYSTEM_CODES = st.sampled_from(
    [
        *3 * [Control.PAUSE, Control.CONTINUE, Control.PARAMCHANGE, 130, 255],
        Control.INTERROGATE,
        Control.SESSIONCHANGE,
        Control.STOP,
        Control.SHUTDOWN,
    ]
)
SPANS = st.sampled_from(
    [*3 * [1, 499, 1500, 1501, 3000], 10_000, 29_999, 30_000, 119_000]
)


class Machine(RuleBasedStateMachine):
    """Does the same to the service and to the model."""

    steps = 0
    seen: ClassVar[Counter[State]] = Counter()

    @initialize()
    def begin(self) -> None:
        """Create the service, which nobody has started."""
        self.threads: list[threading.Thread] = []
        made: queue.SimpleQueue[Driven] = queue.SimpleQueue()
        self.made = made
        self.scm = SimulatedScm(clock="virtual", launch=self.launch)
        self.handle = self.scm.add(type(NAME, (Driven,), {"made": made}))
        self.model = Model(now=round(self.scm.now * 1000))
        self.service: Driven | None = None

    def launch(self, name: str, body: Callable[[], None]) -> None:
        """Start a process's main thread, which is waited for at its end."""
        thread = threading.Thread(target=body, name=f"main of {name}", daemon=True)
        self.threads.append(thread)
        thread.start()

    def wait_for(self, predicate: Callable[[], bool], what: str) -> None:
        """Wait for what the model says must come."""
        until = time.monotonic() + PATIENCE
        while not predicate():
            assert time.monotonic() < until, f"{what} never came: {self.model}"
            time.sleep(0)

    def settle(self) -> None:
        """Wait until the service has come as far as the model."""
        for handler in self.model.expected:
            assert self.service
            entered = self.service.entered.get(timeout=PATIENCE)
            assert entered == handler
        self.model.expected.clear()
        if self.service is None:
            return
        record = self.scm._record(NAME)
        process = record.process
        assert process
        count = len(self.model.reports)
        self.wait_for(lambda: process.last_report()[0] >= count, "a report")
        if not self.model.alive:
            self.wait_for(lambda: process.is_dead, "the end")
            self.service.abandon()
            self.threads[-1].join(PATIENCE)
            assert not self.threads[-1].is_alive()
            self.check_reports()
            self.service = None

    def check_reports(self) -> None:
        """Compare all reports of the last process."""
        reports = self.scm.reports(NAME)
        assert list(reports) == self.model.reports
        stopped = [r for r in reports if r.state is State.STOPPED]
        assert stopped in ([], [reports[-1]])

    def check_error(self, code: int, action: Callable[..., Any], *args: Any) -> Any:
        """Do something that fails with this code, or succeeds for 0."""
        if not code:
            return action(*args)
        with pytest.raises(ServiceError) as caught:
            action(*args)
        assert caught.value.winerror == code
        return None

    # --- clients and the system

    @precondition(lambda self: self.model.state is not State.STOPPED)
    @rule()
    def start_again(self) -> None:
        """It is not STOPPED: 1056."""
        self.check_error(1056, self.handle.start)

    @precondition(lambda self: self.model.state is State.STOPPED)
    @rule(slow=RARELY)
    def start(self, slow: bool) -> None:
        """Start it, mostly as far as RUNNING."""
        self.handle.start("a", "b")
        self.service = self.made.get(timeout=PATIENCE)
        self.model.start()
        self.settle()
        assert self.service.args == ("a", "b")
        if not slow:
            self.end_main_with(None)

    @precondition(lambda self: self.model.alive)
    @rule(code=st.sampled_from([Control.PAUSE, Control.CONTINUE]), slow=RARELY)
    def pause_or_continue(self, code: int, slow: bool) -> None:
        """A client sends one of the two that change the state, mostly at once."""
        idle = not self.model.current
        self.client_sends(code)
        if idle and self.model.current and not slow:
            self.end_handler_with(None)

    @rule(code=CLIENT_CODES)
    def control(self, code: int) -> None:
        """A client sends any control."""
        self.client_sends(code)

    def client_sends(self, code: int) -> None:
        """Send a control as a client, and check what it is told."""
        error = self.model.client_error(code)
        status = self.check_error(error, self.handle.control, code)
        starting = self.model.state is State.START_PENDING
        if not error and not (starting and code == Control.INTERROGATE):
            self.model.deliver(code)
        self.settle()
        if status is not None and not self.model.expected:
            assert status.state in (self.model.state, State.STOP_PENDING)

    @precondition(lambda self: self.model.alive)
    @rule(code=SYSTEM_CODES, data=st.sampled_from([None, b"", b"payload"]))
    def send(self, code: int, data: bytes | None) -> None:
        """The system sends a control, whatever the state."""
        answer = self.scm.send(NAME, code, 7, data)
        assert answer == self.model.deliver(code)
        self.settle()

    @rule(span=SPANS)
    def advance(self, span: int) -> None:
        """Time passes: checkpoints, deadlines."""
        self.scm.advance(span / 1000)
        self.model.advance(span)
        self.settle()
        assert round(self.scm.now * 1000) == self.model.now

    @precondition(lambda self: self.model.alive)
    @rule(really=RARELY)
    def crash(self, really: bool) -> None:
        """Now and then, the process dies."""
        if really:
            self.scm.kill(NAME, 9)
            self.model.die()
            self.settle()

    # --- the service's code

    @precondition(lambda self: self.model.alive and self.model.main)
    @rule(outcome=OUTCOMES, really=RARELY)
    def end_main(self, outcome: Outcome, really: bool) -> None:
        """on_start ends; run, now and then, but mostly when it is to."""
        stopping = self.model.state is State.STOP_PENDING
        if really or stopping or self.model.main == "on_start":
            self.end_main_with(outcome)

    def end_main_with(self, outcome: Outcome) -> None:
        """Let on_start or run return or raise."""
        assert self.service
        self.service.main.put(outcome)
        self.model.main_ends(outcome)
        self.settle()

    @precondition(lambda self: self.model.alive and self.model.current)
    @rule(outcome=OUTCOMES)
    def end_handler(self, outcome: Outcome) -> None:
        """The handler on the control thread ends."""
        self.end_handler_with(outcome)

    def end_handler_with(self, outcome: Outcome) -> None:
        """Let it return or raise."""
        assert self.service
        self.service.control.put(outcome)
        self.model.handler_ends(outcome)
        self.settle()

    @precondition(lambda self: self.model.alive)
    @rule(hint=st.sampled_from([0, 0, 2000, 10_000]))
    def progress(self, hint: int) -> None:
        """The service reports progress."""
        assert self.service
        self.service.progress(hint / 1000 if hint else None)
        self.model.progress(hint)
        self.settle()

    @precondition(lambda self: self.model.alive)
    @rule(code=st.sampled_from([0, 7]), really=RARELY)
    def ask(self, code: int, really: bool) -> None:
        """Now and then, the service asks for its own stop."""
        assert self.service
        if really:
            self.service.request_stop(code)
            self.model.code = self.model.code or code
            self.model.request_stop()
            self.model.run_control()
            self.settle()

    # --- what always holds

    @invariant()
    def status_is_the_models(self) -> None:
        """The SCM shows what the model says."""
        type(self).steps += 1
        if not hasattr(self, "model"):
            return
        model = self.model
        status = self.handle.status()
        phase = model.phase
        self.seen[status.state] += 1
        assert status.state is model.state
        assert status.accepts == model.accepts
        assert status.checkpoint == (phase.checkpoint if phase else 0)
        assert status.wait_hint == (phase.hint / 1000 if phase else 0)
        assert (status.exit_code, status.service_exit_code) == (
            model.exit_code,
            model.specific,
        )
        assert (status.pid == 0) == (model.state is State.STOPPED)
        if self.service is not None:
            assert self.service.state is model.state
            assert self.service.stop_requested == (
                model.state in (State.STOP_PENDING, State.STOPPED)
            )

    def teardown(self) -> None:
        """No report has broken a rule; let the last process end."""
        if not hasattr(self, "model"):
            return
        violations = self.scm.violations
        if self.service is not None:
            self.check_reports()
            self.scm.kill(NAME)
            self.service.abandon()
        for thread in self.threads:
            thread.join(PATIENCE)
            assert not thread.is_alive()
        assert not violations


@pytest.fixture
def quiet() -> Iterator[None]:
    """Without the tracebacks of the failures that are drawn."""
    log = logging.getLogger("winsvc")
    log.disabled = True
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        log.disabled = False
        logging.disable(logging.NOTSET)


def test_service_does_what_the_tables_say(quiet: None) -> None:
    """Random steps, each with exactly the outcome that the model has."""
    Machine.steps = 0
    Machine.seen.clear()
    started = time.monotonic()
    run_state_machine_as_test(
        Machine,
        settings=settings(
            max_examples=math.ceil(STEPS / STEPS_OF_A_RUN * 1.3),  # some end early
            stateful_step_count=STEPS_OF_A_RUN,
            derandomize=STEPS == STEPS_BY_DEFAULT,
            database=None,
            deadline=None,
            print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )
    seconds = time.monotonic() - started
    print(f"{Machine.steps} steps in {seconds:.1f} s: {dict(Machine.seen)}")

    assert Machine.steps >= STEPS
    assert set(Machine.seen) == set(State) - {State.NOT_READY}

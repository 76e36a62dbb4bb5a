"""Every call to the OS and to the SCM failing in turn, in whole lives."""

from __future__ import annotations

import gc
import logging
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

import pytest

import winsvc
from winsvc import _native
from winsvc.errors import ServiceError
from winsvc.manage.manager import ServiceHandle
from winsvc.states import State
from winsvc.testing import SimulatedScm

PATIENCE = 20.0
NAME = "Patient"
PROCESS_ABORTED = 1067
# Kinds of calls (csrc/os/fault.h).
KINDS = {
    "alloc": 1,
    "mutex": 2,
    "cond": 4,
    "thread": 8,
    "dispatch": 16,
    "register": 32,
    "report": 64,
}
# Calls that only the service's own process makes: its log must name them.
IN_PROCESS = ("dispatch", "register", "report")


class Patient(winsvc.Service):
    """Has every handler, and does little in each."""

    name = NAME

    def on_start(self) -> None:
        self.progress()

    def on_pause(self) -> None: ...

    def on_continue(self) -> None: ...

    def on_user_control(self, code: int) -> None: ...


class Quitter(Patient):
    """Returns from ``run`` at once."""

    def run(self) -> None: ...


class Asker(Patient):
    """Asks for its own stop in a handler."""

    def on_user_control(self, code: int) -> None:
        self.request_stop()


def use_to_the_full(handle: ServiceHandle) -> None:
    """User code, pause, continue, stop."""
    handle.wait_state(State.RUNNING)
    handle.control(200)
    handle.pause()
    handle.wait_state(State.PAUSED)
    handle.resume()
    handle.wait_state(State.RUNNING)
    handle.stop()


def send_user_code(handle: ServiceHandle) -> None:
    """Reach RUNNING and send the code at which the service stops itself."""
    handle.wait_state(State.RUNNING)
    handle.control(200)


def only_wait(handle: ServiceHandle) -> None:
    """Leave it to the service."""


LIVES: dict[str, tuple[type[winsvc.Service], Callable[[ServiceHandle], None]]] = {
    "stopped": (Patient, use_to_the_full),
    "returns": (Quitter, only_wait),
    "asks": (Asker, send_user_code),
}


@dataclass
class Outcome:
    """What became of a life."""

    error: str = ""
    error_is_clear: bool = True
    exit_code: int | None = None
    hung: str = ""

    @property
    def worked(self) -> bool:
        """True if nobody noticed anything."""
        return not self.error and not self.hung and self.exit_code == 0


@dataclass
class Life:
    """One life of a service, with threads that can be waited for."""

    cls: type[winsvc.Service]
    use: Callable[[ServiceHandle], None]
    outcome: Outcome = field(default_factory=Outcome)
    threads: list[threading.Thread] = field(default_factory=list)

    def launch(self, name: str, body: Callable[[], None]) -> None:
        """Start a process's main thread."""
        thread = threading.Thread(target=body, name=f"main of {name}", daemon=True)
        self.threads.append(thread)
        thread.start()

    def run(self) -> Outcome:
        """Live, in a thread of its own so that a hang is seen."""
        thread = threading.Thread(target=self._live, name="client", daemon=True)
        thread.start()
        thread.join(PATIENCE)
        for each in self.threads:  # the client has started them all
            each.join(PATIENCE)
        if thread.is_alive() or any(each.is_alive() for each in self.threads):
            self.outcome.hung = all_tracebacks()
        return self.outcome

    def _live(self) -> None:
        try:
            scm = SimulatedScm(clock="virtual", launch=self.launch)
            handle = scm.add(self.cls)
            self._use(handle)
            if self.threads:
                scm.wait_gone(NAME, PATIENCE)
            status = handle.wait_state(State.STOPPED)
            self.outcome.exit_code = status.exit_code
        except (ServiceError, MemoryError) as error:
            self._note(error)

    def _use(self, handle: ServiceHandle) -> None:
        try:
            handle.start("parameter")
            self.use(handle)
        except (ServiceError, MemoryError) as error:
            self._note(error)
            # It may still run: the failure was the client's own.
            with suppress(ServiceError):
                handle.stop()

    def _note(self, error: ServiceError | MemoryError) -> None:
        self.outcome.error = repr(error) + " " + str(error)
        if isinstance(error, ServiceError):
            parts = (NAME, str(error.winerror))
            self.outcome.error_is_clear = all(part in str(error) for part in parts)


def all_tracebacks() -> str:
    """Return where all threads are."""
    return "\n".join(
        "".join(traceback.format_stack(frame))
        for frame in sys._current_frames().values()
    )


class Lines(logging.Handler):
    """Keeps the text of records, and none of the objects that they hold."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Format at once."""
        self.lines.append(self.format(record))


@contextmanager
def logged_errors() -> Iterator[Lines]:
    """Catch the errors that winsvc logs.

    Not with a fixture: pytest, which would keep the records with all that their
    tracebacks hold, also listens to loggers that a fixture has cut off.
    """
    log = logging.getLogger("winsvc")
    lines = Lines()
    log.addHandler(lines)
    log.propagate = False
    try:
        yield lines
    finally:
        log.propagate = True
        log.removeHandler(lines)


def settled_live_count(most: int) -> int:
    """Collect garbage until no more seam objects are left, or no patience.

    Fewer may be: what an earlier test has left may go at any time.
    """
    until = time.monotonic() + PATIENCE
    while True:
        gc.collect()
        count = _native.require_sim().live_count()
        if count <= most or time.monotonic() > until:
            return count
        time.sleep(0.001)  # the last threads of a process are about to end


def fail_in_turn(kind: str, life: str, errors: Lines) -> tuple[int, int]:
    """Live until no call of the kind is left to fail; return calls, failures."""
    sim = _native.require_sim()
    before = settled_live_count(sim.live_count())
    failures = 0
    for nth in range(1, 1000):
        errors.lines.clear()
        sim.fault_arm(KINDS[kind], nth)
        outcome = Life(*LIVES[life]).run()
        reached = sim.fault_left() == 0
        sim.fault_arm(0, 0)
        told = f"{kind} {nth}: {outcome}\n" + "\n".join(errors.lines)
        assert not outcome.hung, told
        assert outcome.error_is_clear, told
        left, before = before, settled_live_count(before)
        assert before <= left, told
        if not reached:
            assert outcome.worked, told
            return nth - 1, failures
        if not outcome.worked:
            failures += 1
            assert outcome.error or outcome.exit_code, told
            assert errors.lines or kind not in IN_PROCESS, told
        if kind == "report" and outcome.exit_code == PROCESS_ABORTED:
            # All its code has ended in order, whichever other report failed.
            assert "could not report STOPPED" in told, told
    pytest.fail(f"{kind}: more than 1000 calls in a life")


@pytest.mark.parametrize("life", LIVES)
@pytest.mark.parametrize("kind", KINDS)
def test_each_failing_call_ends_in_success_or_a_clear_error(
    kind: str, life: str
) -> None:
    """I-123 and kin: no hang, no leak, an error that says what failed."""
    with logged_errors() as errors:
        calls, failures = fail_in_turn(kind, life, errors)

    assert calls >= failures > 0


def test_undisturbed_lives_leave_nothing() -> None:
    """The count of seam objects is the same after ten lives of each kind."""
    sim = _native.require_sim()
    before = settled_live_count(sim.live_count())
    with logged_errors() as errors:
        outcomes = [Life(*life).run() for life in LIVES.values() for _ in range(10)]

    assert all(outcome.worked for outcome in outcomes), outcomes
    assert not errors.lines
    assert settled_live_count(before) <= before

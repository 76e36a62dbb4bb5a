"""Runs a service's Python code on the core: the main and the control thread.

The core (``csrc/core``) answers the SCM.  Here is what Python does with the
events, on three threads: the caller's (``on_start`` and ``run``), the control
thread (the handlers), and one that sleeps until a deadline has passed.
"""

from __future__ import annotations

import logging
import threading
from contextlib import contextmanager, suppress

from winsvc import TYPE_CHECKING
from winsvc._native import as_service_error
from winsvc.base import check_class, check_wait_hint, exit_code_of
from winsvc.handlers import accepted_by
from winsvc.log_life import end_lines, log_life, log_life_in_time
from winsvc.registrations import Registrations
from winsvc.states import Accept, Control, FailureCode, Query, State
from winsvc.threads import all_tracebacks, exits_of_threads
from winsvc.winerror import (
    ERROR_BUSY,
    ERROR_CTX_WINSTATION_NOT_FOUND,
    ERROR_FILE_NOT_FOUND,
    ERROR_SERVICE_SPECIFIC_ERROR,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from winsvc._interfaces import Capsule, Hosting
    from winsvc.base import ServiceBase
    from winsvc.events import Event
    from winsvc.journal import JournalEntry, Kind

    Loader: TypeAlias = Callable[[], type[ServiceBase]]
    SessionUser: TypeAlias = Callable[[int], tuple[str, str]]

_NO_SESSION = (ERROR_FILE_NOT_FOUND, ERROR_CTX_WINSTATION_NOT_FOUND)
_QUERIES: dict[int, Query] = {
    Control.DEVICEEVENT: Query.DEVICEQUERYREMOVE,
    Control.HARDWAREPROFILECHANGE: Query.QUERYCHANGECONFIG,
}

log = logging.getLogger("winsvc.host")


class Host:
    """Hosts one life of one service: from START_PENDING to STOPPED.

    Args:
        hosting: The native module: ``_core`` or ``_sim``.
        handle: The service.
        life: Its life; the SCM shows START_PENDING.
        argv: ServiceMain's arguments.
        session_user: Looks up a session's domain and user.
    """

    def __init__(
        self,
        hosting: Hosting,
        handle: Capsule,
        life: Capsule,
        argv: tuple[str, ...],
        *,
        session_user: SessionUser | None = None,
    ) -> None:
        self._hosting = hosting
        self._handle = handle
        self._life = life
        self._session_user = session_user
        self.name = argv[0] if argv else ""
        self.args = argv[1:]
        self.service: ServiceBase | None = None
        self.exit_code = 0
        self._lock = threading.Lock()  # of exit_code and _accepts
        self._answers = dict.fromkeys(Query, 0)
        self.registrations = Registrations(hosting, life, self.name)
        self._is_started = False
        self._handled = self._accepts = Accept(0)
        self._start_over = threading.Event()
        self._start_failed = False
        self._cause = ""  # of the stop: the first that was noted

    # --- what Service's methods do ------------------------------------------------

    @property
    def state(self) -> State:
        """The state the core is in."""
        return State(self._hosting.state(self._life))

    @property
    def stop_requested(self) -> bool:
        """True once it is to stop."""
        return self._hosting.is_stopping(self._life)

    def wait_stop(self, timeout: float | None) -> bool:
        """Wait for the stop; after :meth:`wake` signal handlers run first."""
        while (result := self._hosting.wait_stop(self._life, timeout)) is None:
            pass
        return result

    def wait_news(self, until: int | None, seen: int) -> tuple[int, int]:
        """Wait for a time (ns, the SCM's clock), a wake, the stop or the end."""
        return self._hosting.wait_news(self._life, until, seen)

    def wake(self) -> None:
        """Let the main thread look round for signals."""
        self._hosting.wake(self._handle)

    def progress(self, wait_hint: float | None) -> None:
        """Raise the checkpoint now."""
        if wait_hint is not None:
            check_wait_hint("wait_hint", wait_hint)
        with self._reporting("progress"):
            self._hosting.progress(self._life, wait_hint or 0.0)

    def accept(self, more: Accept, fewer: Accept) -> None:
        """Change what is accepted, and report it if it is a change."""
        if unknown := more & ~self._handled:
            msg = f"{self.name} cannot accept {unknown!r}: it has no handler for it"
            raise ValueError(msg)
        with self._lock:
            accepts = (self._accepts | more) & ~fewer
            if accepts != self._accepts:
                with self._reporting("what it accepts"):
                    self._hosting.accept(self._life, int(accepts))
                self._accepts = accepts

    def request_stop(self, exit_code: int) -> None:
        """Enter STOP_PENDING; the control thread gets the stop."""
        self._set_exit_code(exit_code)
        self._note_cause("itself")
        with self._reporting("STOP_PENDING"):
            self._hosting.request_stop(self._life)

    def journal(self) -> tuple[JournalEntry, ...]:
        """Return the core's journal."""
        from winsvc.journal import make_entry

        return tuple(make_entry(raw) for raw in self._hosting.journal(self._handle))

    def journal_totals(self) -> dict[Kind, int]:
        """Return how many entries of each kind the core has ever made."""
        from winsvc.journal import Kind

        totals = self._hosting.totals(self._handle)
        return {kind: totals[kind] for kind in Kind}

    def reply(
        self, queries: tuple[Query, ...], *, refuse: bool, seconds: float = 0.0
    ) -> None:
        """Set how the handler answers queries, and how long it waits for ours."""
        answer = ERROR_BUSY if refuse else 0
        for query in map(Query, queries):
            self._answers[query] = answer
            self._hosting.reply(self._life, query, answer, seconds)

    def start_reason(self) -> int | None:
        """Ask the SCM why it has started the service."""
        try:
            return self._hosting.start_reason(self._life)
        except OSError as error:
            raise as_service_error(error, service=self.name) from None

    def session_user(self, session_id: int) -> tuple[str, str] | None:
        """Look up a session's domain and user."""
        if self._session_user is None:
            return None
        try:
            domain, user = self._session_user(session_id)
        except OSError as error:
            if getattr(error, "winerror", 0) in _NO_SESSION:
                return None
            raise as_service_error(error, service=self.name) from None
        return (domain, user) if user else None

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise as_service_error(error, f"report {what} of", self.name) from None

    # --- the life of the service --------------------------------------------------

    def run(self, load: Loader) -> int:
        """Load and run the service until STOPPED has been reported.

        Args:
            load: Imports the user's code and returns its class.

        Returns:
            0, or the specific exit code that was reported.

        Raises:
            ServiceError: STOPPED could not be reported.

        Call on the thread that the user's ``run`` shall have.
        """
        control = threading.Thread(
            target=self._control_thread,
            name=f"winsvc-control {self.name}",
            daemon=True,
        )
        deadline = threading.Thread(
            target=self._deadline_loop,
            name=f"winsvc-deadline {self.name}",
            daemon=True,
        )
        try:
            deadline.start()
            service = self._load(load)
            if service is not None:
                with exits_of_threads(self):
                    control.start()
                    self._run_user_code(service)
                    control.join()
        except RuntimeError as error:  # no more threads can be made
            self._fail(FailureCode.START, "cannot be run", error)
        self.registrations.end()
        self._report_stopped()
        if deadline.ident is not None:
            deadline.join()
        return self.exit_code

    def _load(self, load: Loader) -> ServiceBase | None:
        try:
            cls = check_class(load())
            service = cls()
            service.name = self.name or cls.name
            service._host = self
            self._accepts = self._handled = accepted_by(cls)
        except BaseException as error:  # noqa: BLE001 - sys.exit at import too
            self._fail(FailureCode.IMPORT, "could not be loaded", error)
            return None
        self.service = service
        try:
            self._hosting.configure(
                self._life,
                int(self._accepts),
                cls.wait_hint,
                cls.start_timeout,
                cls.stop_timeout,
                cls.pause_timeout,
                cls.continue_timeout,
            )
        except OSError as error:
            self._fail(FailureCode.START, "could not report its start", error)
            return None
        return service

    def _run_user_code(self, service: ServiceBase) -> None:
        try:
            service._live(self)  # noqa: SLF001 - made for this
        except BaseException as error:  # noqa: BLE001 - all end the service
            self.failed(error)
        self.over()

    def started(self) -> bool:
        """Report RUNNING: ``on_start`` has returned; False: it is to stop."""
        self._is_started = True
        if not self._hosting.started(self._life):
            return False
        # Slow (dataclasses): RUNNING has not waited for it, and it is not to compete
        # with threads that ``run`` makes.  The handlers' thread waits until it is in,
        # and no longer: with ``run`` not called yet, no handler is to be ahead of it.
        import winsvc.events  # noqa: F401

        event = ("STARTED", self.name, self._start_reason())
        log_life_in_time("%s is running", self.name, event=event)
        self._start_over.set()
        return True

    def _start_reason(self) -> str:
        try:
            reason = self.service.start_reason if self.service else None
        except OSError:  # a system that does not tell
            reason = None
        return (reason and reason.name) or "not known"

    def finish(self, event: Event) -> None:
        """Report PAUSED or RUNNING: a pause or continue is done; again: nothing."""
        self._hosting.finish(self._life, event.control)

    def failed(self, error: BaseException) -> None:
        """Note that ``on_start``, or later ``run``, has raised."""
        if self._is_started:
            self._fail(FailureCode.RUN, "failed in run", error)
        else:
            self._fail(FailureCode.START, "failed in on_start", error)
            self._start_failed = True

    def over(self) -> None:
        """Begin the stop: ``run`` has returned, or will not be called."""
        self._note_cause("itself")
        self._start_over.set()
        self._begin_stop()

    def _begin_stop(self) -> None:
        """Enter STOP_PENDING; if that cannot be reported, a checkpoint will be."""
        try:
            self._hosting.request_stop(self._life)
        except OSError as error:
            log_life("%s could not report STOP_PENDING", self.name, error=error)

    def _report_stopped(self) -> None:
        code = self.exit_code
        what = "STOPPED_WITH_CODE" if code else "STOPPED"
        event = (what, self.name, self._cause or "not known", str(code))
        # Before STOPPED: whoever sees that finds the event, and the SCM may end the
        # process at any time after it.
        text = "%s stops with exit code %d"
        log_life_in_time(text, self.name, code, event=event, is_last=True)
        try:
            self._hosting.stopped(
                self._life, ERROR_SERVICE_SPECIFIC_ERROR if code else 0, code
            )
        except OSError as error:
            raise as_service_error(error, "report STOPPED", self.name) from None

    # --- the control thread -------------------------------------------------------

    def _control_thread(self) -> None:
        try:
            self._control_loop()
        except BaseException as error:  # noqa: BLE001 - a deaf service must end
            self._fail(FailureCode.HANDLER, "can handle no controls", error)
            self._begin_stop()
        finally:
            if self.service is not None:
                self.service._deaf()  # noqa: SLF001 - made for this

    def _control_loop(self) -> None:
        # One at a time, in order, and never beside on_start.
        self._start_over.wait()
        from winsvc.events import Stop, make_event

        while (raw := self._hosting.wait_event(self._life)) is not None:
            code, event_type, data, count, ticket, dropped = raw
            if dropped:
                with suppress(Exception):
                    log.error(
                        "%s was too slow: %d controls were refused with 1816 "
                        "(ERROR_NOT_ENOUGH_QUOTA), the queue being full",
                        self.name,
                        dropped,
                    )
            event = make_event(code, event_type, data, count)
            answer = None
            if isinstance(event, Stop):
                self._note_cause(f"the control {Control(code).name}", late=True)
            try:
                handled = self._handle_event(event)
                answer = None if handled is None else bool(handled)
            except BaseException as error:  # noqa: BLE001 - all end the service
                stopping = isinstance(event, Stop)
                self._fail(
                    FailureCode.STOP if stopping else FailureCode.HANDLER,
                    f"failed in the handler of {type(event).__name__}",
                    error,
                )
                self._begin_stop()
            if ticket:
                self._answer(event, ticket, answer)
            if isinstance(event, Stop):
                return

    def _handle_event(self, event: Event) -> bool | None:
        if self._start_failed or self.service is None:
            return None
        if event.control in (Control.PAUSE, Control.CONTINUE):
            # A PAUSE while paused, say: the SCM lets it through (B-35).
            if not self._hosting.begin(self._life, event.control):
                return None
            self.service._deliver(event)  # noqa: SLF001 - made for this
            self.finish(event)
            return None
        return self.service._deliver(event)  # noqa: SLF001 - made for this

    def _answer(self, event: Event, ticket: int, answer: bool | None) -> None:
        code = self._answers[_QUERIES[event.control]]
        if answer is not None:
            code = 0 if answer else ERROR_BUSY
        if not self._hosting.answer(self._life, ticket, code):
            with suppress(Exception):
                log.warning("%s answered %s too late", self.name, type(event).__name__)

    # --- the deadline thread ------------------------------------------------------

    def _deadline_loop(self) -> None:
        while (state := self._hosting.wait_expired(self._life)) is not None:
            with suppress(Exception):
                what = self.name, State(state).name, all_tracebacks()
                log.critical(
                    "%s took too long in %s; its threads:\n%s",
                    *what,
                    extra={"winsvc_event": ("DEADLINE_MISSED", *what)},
                )
            with suppress(Exception):
                tasks = self.service._tasks_text() if self.service else ""  # noqa: SLF001 - made for this
                if tasks:
                    log.critical("%s has these tasks:\n%s", self.name, tasks)
            end_lines()
            for handler in logging.getLogger("winsvc").handlers:
                with suppress(Exception):
                    handler.flush()
            self._hosting.expired_seen(self._life)

    def _note_cause(self, cause: str, *, late: bool = False) -> None:
        """Note why it stops, unless it does so already for another reason."""
        if not self._cause and (late or not self.stop_requested):
            self._cause = cause

    # --- exit codes ---------------------------------------------------------------

    def _set_exit_code(self, code: int) -> None:
        with self._lock:
            self.exit_code = self.exit_code or code

    def _fail(self, failure: FailureCode, what: str, error: BaseException) -> None:
        try:
            code = exit_code_of(error, failure)
        except Exception:  # noqa: BLE001 - the user's exception class is broken
            code = int(failure)
        self._set_exit_code(code)  # before anything that may fail
        if code:
            self._note_cause("a failure")
            event = (f"{failure.name}_FAILED", self.name, what, str(code))
            log_life("%s %s: exit code %d", *event[1:3], code, error=error, event=event)

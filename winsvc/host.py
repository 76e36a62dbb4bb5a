"""Runs a service's Python code on the core: the main and the control thread.

The core (``csrc/core``) answers the SCM.  Here is what Python does with the
events, on three threads: the caller's (``on_start`` and ``run``), the control
thread (the handlers), and one that sleeps until a deadline has passed.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from winsvc.errors import service_error
from winsvc.events import Event, Stop, make_event
from winsvc.journal import JournalEntry, make_entry
from winsvc.service import (
    Service,
    ServiceExit,
    accepted_by,
    check_class,
    check_wait_hint,
)
from winsvc.states import Accept, Control, FailureCode, State

if TYPE_CHECKING:
    from winsvc._native import Capsule, Hosting

ERROR_SERVICE_SPECIFIC_ERROR = 1066
OWN_PROCESS_NAME = ""
Loader = Callable[[], type[Service]]

log = logging.getLogger("winsvc.host")


class Connection:
    """A process's connection to its SCM, made before anything is imported.

    Args:
        hosting: The native module: ``_core`` or ``_sim``.
        wire: The simulated process's wire, ``None`` for the real SCM.
    """

    def __init__(self, hosting: Hosting, wire: Capsule | None = None) -> None:
        self.hosting = hosting
        # An own process's name in the dispatcher's table is ignored.
        self._process = hosting.process_new(wire, (OWN_PROCESS_NAME,))
        (self.handle,) = hosting.process_services(self._process)

    def open(self) -> tuple[str, ...]:
        """Start the dispatcher and wait for the SCM to start the service.

        Returns:
            The service's name and its start parameters, START_PENDING having
            been reported.

        Raises:
            NotStartedBySCM: No SCM has started this process (1063).
            ServiceError: Another failure of the SCM.

        Blocks with the GIL released.
        """
        try:
            self.hosting.process_start(self._process)
            while (argv := self.hosting.wait_start(self.handle)) is None:
                pass
        except EOFError:
            try:
                self.hosting.process_join(self._process)
            except OSError as error:
                raise _as_service_error(error) from None
            msg = "the SCM ended this process before it started a service"
            raise RuntimeError(msg) from None
        except OSError as error:
            raise _as_service_error(error) from None
        return argv

    def close(self) -> None:
        """Wait until the dispatcher has returned: STOPPED has been reported."""
        self.hosting.process_join(self._process)


def _as_service_error(
    error: OSError, operation: str | None = None, service: str | None = None
) -> OSError:
    code = getattr(error, "winerror", None) or error.errno or 0
    return service_error(operation or error.strerror or "call the SCM", service, code)


class Host:
    """Hosts one service on an open connection.

    Args:
        connection: Open: the SCM shows START_PENDING.
        argv: What ``Connection.open`` returned.
    """

    def __init__(self, connection: Connection, argv: tuple[str, ...]) -> None:
        self._hosting = connection.hosting
        self._handle = connection.handle
        self.name = argv[0] if argv else ""
        self.args = argv[1:]
        self.service: Service | None = None
        self.exit_code = 0
        self._lock = threading.Lock()  # of exit_code and _accepts
        self._handled = self._accepts = Accept(0)
        self._start_over = threading.Event()
        self._start_failed = False

    # --- what Service's methods do ------------------------------------------------

    @property
    def state(self) -> State:
        """The state the core is in."""
        return State(self._hosting.state(self._handle))

    @property
    def stop_requested(self) -> bool:
        """True once it is to stop."""
        return self._hosting.is_stopping(self._handle)

    def wait_stop(self, timeout: float | None) -> bool:
        """Wait for the stop; after :meth:`wake` signal handlers run first."""
        while (result := self._hosting.wait_stop(self._handle, timeout)) is None:
            pass
        return result

    def wake(self) -> None:
        """Let the main thread look round for signals."""
        self._hosting.wake(self._handle)

    def progress(self, wait_hint: float | None) -> None:
        """Raise the checkpoint now."""
        if wait_hint is not None:
            check_wait_hint("wait_hint", wait_hint)
        with self._reporting("progress"):
            self._hosting.progress(self._handle, wait_hint or 0.0)

    def accept(self, more: Accept, fewer: Accept) -> None:
        """Change what is accepted, and report it if it is a change."""
        if unknown := more & ~self._handled:
            msg = f"{self.name} cannot accept {unknown!r}: it has no handler for it"
            raise ValueError(msg)
        with self._lock:
            accepts = (self._accepts | more) & ~fewer
            if accepts != self._accepts:
                with self._reporting("what it accepts"):
                    self._hosting.accept(self._handle, int(accepts))
                self._accepts = accepts

    def request_stop(self, exit_code: int) -> None:
        """Enter STOP_PENDING; the control thread gets the stop."""
        self._set_exit_code(exit_code)
        with self._reporting("STOP_PENDING"):
            self._hosting.request_stop(self._handle)

    def journal(self) -> tuple[JournalEntry, ...]:
        """Return the core's journal."""
        return tuple(make_entry(raw) for raw in self._hosting.journal(self._handle))

    @contextmanager
    def _reporting(self, what: str) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            raise _as_service_error(error, f"report {what} of", self.name) from None

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
            target=self._control_thread, name="winsvc-control", daemon=True
        )
        deadline = threading.Thread(
            target=self._deadline_loop, name="winsvc-deadline", daemon=True
        )
        deadline.start()
        if self._load(load):
            control.start()
            self._run_user_code()
            control.join()
        self._report_stopped()
        deadline.join()
        return self.exit_code

    def _load(self, load: Loader) -> bool:
        try:
            cls = check_class(load())
            service = cls()
            service.name = self.name or cls.name
            service._host = self
            self._accepts = self._handled = accepted_by(cls)
        except BaseException as error:  # noqa: BLE001 - sys.exit at import too
            self._fail(FailureCode.IMPORT, "could not be loaded", error)
            return False
        self.service = service
        try:
            self._hosting.configure(
                self._handle,
                int(self._accepts),
                cls.wait_hint,
                cls.start_timeout,
                cls.stop_timeout,
                cls.pause_timeout,
                cls.continue_timeout,
            )
        except OSError as error:
            self._fail(FailureCode.START, "could not report its start", error)
            return False
        return True

    def _run_user_code(self) -> None:
        service = self.service
        assert service is not None
        try:
            service.on_start()
        except BaseException as error:  # noqa: BLE001 - all end the service
            self._fail(FailureCode.START, "failed in on_start", error)
            self._start_failed = True
        else:
            self._run_started(service)
        self._start_over.set()
        self._begin_stop()

    def _begin_stop(self) -> None:
        """Enter STOP_PENDING; if that cannot be reported, a checkpoint will be."""
        try:
            self._hosting.request_stop(self._handle)
        except OSError as error:
            _log("%s could not report STOP_PENDING", self.name, error=error)

    def _run_started(self, service: Service) -> None:
        try:
            if not self._hosting.started(self._handle):
                return
            _log("%s is running", self.name)
            self._start_over.set()
            service.run()
        except BaseException as error:  # noqa: BLE001 - all end the service
            self._fail(FailureCode.RUN, "failed in run", error)

    def _report_stopped(self) -> None:
        code = self.exit_code
        _log("%s stops with exit code %d", self.name, code)
        try:
            self._hosting.stopped(
                self._handle, ERROR_SERVICE_SPECIFIC_ERROR if code else 0, code
            )
        except OSError as error:
            raise _as_service_error(error, "report STOPPED", self.name) from None

    # --- the control thread -------------------------------------------------------

    def _control_thread(self) -> None:
        try:
            self._control_loop()
        except BaseException as error:  # noqa: BLE001 - a deaf service must end
            self._fail(FailureCode.HANDLER, "can handle no controls", error)
            self._begin_stop()

    def _control_loop(self) -> None:
        while (raw := self._hosting.wait_event(self._handle)) is not None:
            *_, dropped = raw
            if dropped:
                with suppress(Exception):
                    log.error(
                        "%s was too slow: %d controls were refused with 1816 "
                        "(ERROR_NOT_ENOUGH_QUOTA), the queue being full",
                        self.name,
                        dropped,
                    )
            event = make_event(*raw[:4])
            try:
                self._handle_event(event)
            except BaseException as error:  # noqa: BLE001 - all end the service
                stopping = isinstance(event, Stop)
                self._fail(
                    FailureCode.STOP if stopping else FailureCode.HANDLER,
                    f"failed in the handler of {type(event).__name__}",
                    error,
                )
                self._begin_stop()
            if isinstance(event, Stop):
                return

    def _handle_event(self, event: Event) -> None:
        # One at a time, in order, and never beside on_start.
        self._start_over.wait()
        if self._start_failed or self.service is None:
            return
        if event.control in (Control.PAUSE, Control.CONTINUE):
            # A PAUSE while paused, say: the SCM lets it through (B-35).
            if not self._hosting.begin(self._handle, event.control):
                return
            self.service.on_event(event)
            self._hosting.finish(self._handle, event.control)
            return
        self.service.on_event(event)

    # --- the deadline thread ------------------------------------------------------

    def _deadline_loop(self) -> None:
        while (state := self._hosting.wait_expired(self._handle)) is not None:
            with suppress(Exception):
                log.critical(
                    "%s took too long in %s; its threads:\n%s",
                    self.name,
                    State(state).name,
                    _all_tracebacks(),
                )
            for handler in logging.getLogger("winsvc").handlers:
                handler.flush()
            self._hosting.expired_seen(self._handle)

    # --- exit codes ---------------------------------------------------------------

    def _set_exit_code(self, code: int) -> None:
        with self._lock:
            self.exit_code = self.exit_code or code

    def _fail(self, failure: FailureCode, what: str, error: BaseException) -> None:
        try:
            code = _exit_code_of(error, failure)
        except Exception:  # noqa: BLE001 - the user's exception class is broken
            code = int(failure)
        self._set_exit_code(code)  # before anything that may fail
        if code:
            _log("%s %s: exit code %d", self.name, what, code, error=error)


def _log(message: str, *args: object, error: BaseException | None = None) -> None:
    """Log; a handler of the user's that raises shall not end the service."""
    level = logging.ERROR if error else logging.INFO
    with suppress(Exception):
        log.log(level, message, *args, exc_info=error)


def _exit_code_of(error: BaseException, failure: FailureCode) -> int:
    match error:
        case ServiceExit():
            return error.code
        case SystemExit(code=None):
            return 0
        case SystemExit(code=int(code)):
            return (code & 0xFFFFFFFF) or int(bool(code))
        case SystemExit():
            return 1  # as Python itself for sys.exit("message")
        case _:
            return int(failure)


def _all_tracebacks() -> str:
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"Thread {names.get(ident, ident)}:\n" + "".join(traceback.format_stack(frame))
        for ident, frame in sys._current_frames().items()  # noqa: SLF001 - the only way
        if ident != threading.get_ident()
    )

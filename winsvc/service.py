"""What a user's service looks like: subclass :class:`Service`."""

from __future__ import annotations

import inspect
import logging
import operator
from typing import TYPE_CHECKING, ClassVar

from winsvc.events import (
    Continue,
    Event,
    ParamChange,
    Pause,
    Preshutdown,
    Shutdown,
    Stop,
    UserControl,
)
from winsvc.states import Accept, StartType, State

if TYPE_CHECKING:
    from winsvc.host import Host
    from winsvc.journal import JournalEntry

_MAX_CODE = 0xFFFFFFFF


class ServiceExit(Exception):
    """Raise anywhere in a service's code to end it with a specific exit code.

    Args:
        code: 0 ends the service well; any other makes STOPPED carry 1066
            (ERROR_SERVICE_SPECIFIC_ERROR) and this code, so that the SCM's
            recovery can act on it.

    Raises:
        ValueError: The code does not fit into 32 bits.
    """

    def __init__(self, code: int = 0) -> None:
        self.code = check_exit_code(code)
        super().__init__(code)


def check_exit_code(code: int) -> int:
    """Return a code, or raise: it must fit into the SCM's 32-bit field."""
    code = operator.index(code)
    if not 0 <= code <= _MAX_CODE:
        msg = f"exit code {code} does not fit into 0 to {_MAX_CODE}"
        raise ValueError(msg)
    return code


def check_wait_hint(what: str, seconds: float) -> None:
    """Raise ValueError unless a wait hint is one that clients can live with."""
    if not 0.002 <= seconds <= 3600:
        msg = f"{what} is {seconds}: 0.002 to 3600 seconds"
        raise ValueError(msg)


class Service:
    """A Windows service: override what it is to react to.

    ``on_start`` and ``run`` are called on Python's main thread, all other
    handlers one at a time, in the order of the controls, on the control thread.
    A control is accepted exactly when its handler is overridden; stop and
    shutdown always are.  An exception in any handler ends the service as failed
    (``FailureCode``), its traceback is logged.
    """

    name: str = ""
    """Key name: what ``sc`` and the registry call it.  Required."""
    display_name: ClassVar[str] = ""
    """Name shown to people; defaults to ``name``."""
    description: ClassVar[str] = ""
    """Defaults to the first line of the class's docstring."""
    start_type: ClassVar[StartType] = StartType.AUTO

    start_timeout: ClassVar[float | None] = 120.0
    """Seconds from the process's first report to the end of ``on_start``, or
    from its last ``progress()``; then the service ends as failed."""
    stop_timeout: ClassVar[float | None] = 30.0
    """Seconds for the whole stop; then the process is ended."""
    pause_timeout: ClassVar[float | None] = 30.0
    continue_timeout: ClassVar[float | None] = 30.0
    wait_hint: ClassVar[float] = 3.0
    """Seconds within which a pending service reports again; it does at half."""

    _host: Host | None = None

    # --- what the service can ask and do: from any thread -------------------------

    @property
    def args(self) -> tuple[str, ...]:
        """The start parameters, without the name that the SCM puts first."""
        return self._host.args if self._host else ()

    @property
    def state(self) -> State:
        """The present state; NOT_READY while it is not hosted."""
        return self._host.state if self._host else State.NOT_READY

    @property
    def stop_requested(self) -> bool:
        """True from the moment the SCM was told STOP_PENDING."""
        return self._host is not None and self._host.stop_requested

    @property
    def log(self) -> logging.Logger:
        """The service's logger, ``winsvc.NAME``."""
        return logging.getLogger(f"winsvc.{self.name or type(self).__name__}")

    def wait_stop(self, timeout: float | None = None) -> bool:
        """Wait until the service is to stop.

        Args:
            timeout: Seconds; ``None`` waits for ever.

        Returns:
            True when it is to stop, False when the time is up.

        Blocks with the GIL released; woken by the SCM's thread directly.
        """
        return self._hosted("wait for the stop").wait_stop(timeout)

    def progress(self, wait_hint: float | None = None) -> None:
        """Tell the SCM that a start, stop, pause or continue gets on.

        Moves the deadline on by the phase's whole time.  The checkpoints
        themselves rise without this.  Does nothing in other states.

        Args:
            wait_hint: Seconds until the next sign of life, 0.002 to 3600;
                default: as before.

        Raises:
            ValueError: Such a hint is none.
            ServiceError: The SCM could not be told.
        """
        self._hosted("report progress").progress(wait_hint)

    def request_stop(self, exit_code: int = 0) -> None:
        """Stop as if the SCM had asked for it; returns at once.

        Args:
            exit_code: As for :class:`ServiceExit`; the first that is not 0
                counts.

        Raises:
            ValueError: The code does not fit into 32 bits.
        """
        code = check_exit_code(exit_code)
        self._hosted("stop itself").request_stop(code)

    def accept(self, controls: Accept) -> None:
        """Accept again what :meth:`ignore` has taken away (B-45).

        Args:
            controls: Only those that the class has handlers for.

        Raises:
            ValueError: It has no handler for one of them.
            ServiceError: The SCM could not be told.
        """
        self._hosted("accept controls").accept(controls, Accept(0))

    def ignore(self, controls: Accept) -> None:
        """Accept these controls no more: the SCM refuses them with 1052.

        Args:
            controls: What its handlers made it accept.

        Raises:
            ServiceError: The SCM could not be told.
        """
        self._hosted("ignore controls").accept(Accept(0), controls)

    def journal(self) -> tuple[JournalEntry, ...]:
        """Return the last reports and controls (512 at most), oldest first."""
        return self._host.journal() if self._host else ()

    def _hosted(self, operation: str) -> Host:
        if self._host is None:
            msg = (
                f"{type(self).__name__} cannot {operation}: it is not hosted; "
                "start it with `debug`, under the SCM, or on SimulatedScm"
            )
            raise RuntimeError(msg)
        return self._host

    # --- what to override ---------------------------------------------------------

    def on_start(self) -> None:
        """Get ready: START_PENDING until it returns, RUNNING then."""

    def run(self) -> None:
        """Do the work; returning ends the service.  Default: wait for the stop."""
        self.wait_stop()

    def on_stop(self) -> None:
        """Clean up: STOP_PENDING until this and ``run`` have returned.

        Called once after an ``on_start`` that returned, however the service
        ends: asked to, by itself, or by an exception.
        """

    def on_shutdown(self) -> None:
        """React to the system's shutdown; default: ``on_stop``."""
        self.on_stop()

    def on_preshutdown(self) -> None:
        """React to the coming shutdown; overriding accepts it, not SHUTDOWN."""
        self.on_stop()

    def on_pause(self) -> None:
        """Pause: PAUSE_PENDING until it returns, PAUSED then."""

    def on_continue(self) -> None:
        """Go on: CONTINUE_PENDING until it returns, RUNNING then."""

    def on_param_change(self) -> None:
        """Read the start-up parameters again."""

    def on_user_control(self, code: int) -> None:
        """React to a code from 128 to 255: sent by anybody, so untrusted."""

    def on_event(self, event: Event) -> None:
        """See every event; the default calls the particular handler.

        Args:
            event: What came; overriding this accepts nothing more.
        """
        match event:
            case Preshutdown():
                self.on_preshutdown()
            case Shutdown():
                self.on_shutdown()
            case Stop():
                self.on_stop()
            case Pause():
                self.on_pause()
            case Continue():
                self.on_continue()
            case ParamChange():
                self.on_param_change()
            case UserControl():
                self.on_user_control(int(event.control))


_HANDLERS = {
    "on_pause": Accept.PAUSE_CONTINUE,
    "on_continue": Accept.PAUSE_CONTINUE,
    "on_param_change": Accept.PARAMCHANGE,
}


def accepted_by(cls: type[Service]) -> Accept:
    """Return the controls that a class accepts: those it has handlers for."""
    accepts = Accept.STOP
    if cls.on_preshutdown is Service.on_preshutdown:
        accepts |= Accept.SHUTDOWN
    else:
        accepts |= Accept.PRESHUTDOWN
    for handler, bit in _HANDLERS.items():
        if getattr(cls, handler) is not getattr(Service, handler):
            accepts |= bit
    return accepts


def description_of(cls: type[Service]) -> str:
    """Return a class's description: its own, or its docstring's first line."""
    doc = "" if cls.__doc__ == Service.__doc__ else inspect.cleandoc(cls.__doc__ or "")
    return cls.description or doc.partition("\n")[0]


def check_class(cls: object) -> type[Service]:
    """Return a class that can be hosted, or raise a clear TypeError."""
    if not (isinstance(cls, type) and issubclass(cls, Service)):
        msg = f"{cls!r} is no subclass of winsvc.Service"
        raise TypeError(msg)
    if not cls.name:
        msg = f"{cls.__qualname__} has no name: set its class attribute `name`"
        raise TypeError(msg)
    for limit in ("start_timeout", "stop_timeout", "pause_timeout", "continue_timeout"):
        seconds = getattr(cls, limit)
        if seconds is not None and not seconds > 0:
            msg = f"{cls.__qualname__}.{limit} is {seconds}: a time above 0, or None"
            raise TypeError(msg)
    check_wait_hint(f"{cls.__qualname__}.wait_hint", cls.wait_hint)
    return cls

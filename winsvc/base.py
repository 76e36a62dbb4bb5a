"""What every service has, however it is written: its settings and its means.

:class:`winsvc.Service` adds plain handlers, :class:`winsvc.AsyncService` those
of asyncio, :mod:`winsvc.daemon` state callbacks.
"""

from __future__ import annotations

import logging
import operator

from winsvc import TYPE_CHECKING
from winsvc.handlers import check_handlers
from winsvc.states import Accept, FailureCode, StartType, State

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import ClassVar
    from uuid import UUID

    from winsvc.events import Event
    from winsvc.host import Host
    from winsvc.journal import JournalEntry, Kind
    from winsvc.reasons import StartReason
    from winsvc.registrations import Registration
    from winsvc.settings.triggers import Trigger
    from winsvc.settings.values import (
        ErrorControl,
        FailureActions,
        LaunchProtection,
        SidType,
    )
    from winsvc.states import Query, ServiceType

_MAX_CODE = 0xFFFFFFFF
MAX_ANSWER_TIME = 5.0  # half of the time that even Wine gives a handler (H-1)


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


class ServiceBase:
    """A service's settings, and what it can ask and do."""

    name: str = ""
    """Key name: what ``sc`` and the registry call it.  Required."""
    display_name: ClassVar[str] = ""
    """Name shown to people; defaults to ``name``."""
    description: ClassVar[str] = ""
    """Defaults to the first line of the class's docstring."""
    start_type: ClassVar[StartType] = StartType.AUTO

    # What else `install` gives the SCM, as ServiceConfig has it; None: not said here.
    delayed: ClassVar[bool | None] = None
    service_type: ClassVar[ServiceType | None] = None
    error_control: ClassVar[ErrorControl | None] = None
    group: ClassVar[str | None] = None
    dependencies: ClassVar[tuple[str, ...] | None] = None
    account: ClassVar[str | None] = None
    failure_actions: ClassVar[FailureActions | None] = None
    failure_actions_on_error: ClassVar[bool | None] = None
    sid_type: ClassVar[SidType | None] = None
    required_privileges: ClassVar[tuple[str, ...] | None] = None
    preshutdown_timeout: ClassVar[float | None] = None
    triggers: ClassVar[tuple[Trigger, ...] | None] = None
    preferred_node: ClassVar[int | None] = None
    launch_protection: ClassVar[LaunchProtection | None] = None
    environment: ClassVar[Mapping[str, str] | None] = None
    security: ClassVar[str | None] = None
    event_source: ClassVar[bool | None] = None

    start_timeout: ClassVar[float | None] = 120.0
    """Seconds from the process's first report to the end of ``on_start``, or
    from its last ``progress()``; then the service ends as failed."""
    stop_timeout: ClassVar[float | None] = 30.0
    """Seconds for the whole stop; then the process is ended."""
    pause_timeout: ClassVar[float | None] = 30.0
    continue_timeout: ClassVar[float | None] = 30.0
    wait_hint: ClassVar[float] = 3.0
    """Seconds within which a pending service reports again; it does at half."""
    accepts: ClassVar[Accept] = Accept(0)
    """Controls to accept besides those that have handlers: for ``on_event``."""

    _host: Host | None = None
    _is_async: ClassVar[bool] = False

    # --- what the service can ask and do: from any thread -------------------------

    @property
    def args(self) -> tuple[str, ...]:
        """The start parameters, without the name that the SCM puts first."""
        return self._host.args if self._host else ()

    @property
    def start_reason(self) -> StartReason | None:
        """Why the SCM has started it: by hand, at boot, by a trigger … (D.6).

        ``None``: this system does not say (before Windows 8, Wine, the
        simulation), the service is not hosted, or it has stopped.

        Raises:
            ServiceError: Windows could not be asked.
        """
        from winsvc.reasons import StartReason

        bits = self._host.start_reason() if self._host else None
        return None if bits is None else StartReason(bits)

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
            controls: Only those that the class has handlers for, or names in
                ``accepts``.

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

    def refuse(self, *queries: Query) -> None:
        """Answer these queries of the system with no from now on (D-13).

        The SCM's thread answers from a table, so that it waits for nobody; the
        event reaches its handler as well.

        Args:
            queries: ``Query.DEVICEQUERYREMOVE``, ``Query.QUERYCHANGECONFIG``.
        """
        self._hosted("refuse queries").reply(queries, refuse=True)

    def allow(self, *queries: Query) -> None:
        """Answer these queries with yes, as at first."""
        self._hosted("allow queries").reply(queries, refuse=False)

    def ask(
        self, *queries: Query, timeout: float = 2.0, refuse_if_late: bool = False
    ) -> None:
        """Let the handler's return value answer these queries from now on.

        ``False`` refuses, ``True`` allows, ``None`` is as if it were late.  The
        SCM's thread waits that long: other controls wait with it.

        Args:
            queries: As for :meth:`refuse`.
            timeout: Seconds, above 0 and up to 5.
            refuse_if_late: The answer when the handler takes longer; the
                journal then has an entry ``LATE``.

        Raises:
            ValueError: Such a time is none.
        """
        if not 0 < timeout <= MAX_ANSWER_TIME:
            msg = f"timeout is {timeout}: above 0, up to {MAX_ANSWER_TIME:g} seconds"
            raise ValueError(msg)
        host = self._hosted("answer queries")
        host.reply(queries, refuse=refuse_if_late, seconds=timeout)

    def register_power_setting(self, setting: UUID | str) -> Registration:
        """Ask for a power event whenever this setting changes (D-12).

        Windows sends one with the present value at once.  Undone at the stop.

        Args:
            setting: Its GUID, such as ``PowerSetting.BATTERY_PERCENTAGE``.

        Returns:
            What :meth:`Registration.close` ends earlier.

        Raises:
            ValueError: That is no GUID.
            ServiceError: Windows refused.
        """
        from winsvc.registrations import power_setting

        return self._hosted("register").registrations.add(*power_setting(setting))

    def register_device_notifications(
        self, interface_class: UUID | str | None = None, *, handle: int | None = None
    ) -> Registration:
        """Ask for device events; undone at the stop.

        Args:
            interface_class: GUID of a class of device interfaces; ``None``
                with no handle: every class.
            handle: Open handle of a device, in place of a class: events about
                it, ``Query.DEVICEQUERYREMOVE`` included.

        Returns:
            What :meth:`Registration.close` ends earlier.

        Raises:
            ValueError: That is no GUID, or both are given.
            ServiceError: Windows refused.
        """
        from winsvc.registrations import device

        subject = device(interface_class, handle)
        return self._hosted("register").registrations.add(*subject)

    def session_user(self, session_id: int) -> tuple[str, str] | None:
        """Return the domain and the name of a session's user.

        Args:
            session_id: As of a ``SessionChange``.

        Returns:
            ``None`` if nobody is logged on there, or the session is gone.

        Raises:
            ServiceError: Windows could not be asked.
        """
        return self._hosted("look up a session's user").session_user(session_id)

    def journal(self) -> tuple[JournalEntry, ...]:
        """Return the last reports and controls (512 at most), oldest first."""
        return self._host.journal() if self._host else ()

    def journal_totals(self) -> dict[Kind, int]:
        """Return how many entries of each kind there ever were in the journal."""
        return self._host.journal_totals() if self._host else {}

    def _hosted(self, operation: str) -> Host:
        if self._host is None:
            msg = (
                f"{type(self).__name__} cannot {operation}: it is not hosted; "
                "start it with `debug`, under the SCM, or on SimulatedScm"
            )
            raise RuntimeError(msg)
        return self._host

    # --- what a style of writing services gives: see Host ------------------------

    _idle: ClassVar[Callable[[], float] | None] = None
    """Called while the process waits for the SCM: see ``serving.serve``."""

    def _live(self, host: Host) -> None:
        """Run the user's start and main code, on the main thread."""
        raise NotImplementedError

    def _deliver(self, event: Event) -> bool | None:
        """Have an event handled, on the control thread; its answer to a query."""
        raise NotImplementedError

    def _tasks_text(self) -> str:
        """Return, on any thread, where tasks are that no thread's traceback shows."""
        return ""

    def _deaf(self) -> None:
        """Learn, on the control thread, that no event will come any more."""


class HasService:
    """What stands for a class of services: a ``winsvc.daemon.Daemon``."""

    service: type[ServiceBase]


def class_of(service: type[ServiceBase] | HasService) -> type[ServiceBase]:
    """Return the class that is meant."""
    return service.service if isinstance(service, HasService) else service


def check_class(cls: object) -> type[ServiceBase]:
    """Return a class that can be hosted, or raise a clear TypeError."""
    if isinstance(cls, HasService):
        cls = cls.service
    if not (isinstance(cls, type) and issubclass(cls, ServiceBase)):
        msg = f"{cls!r} is no subclass of winsvc.Service or winsvc.AsyncService"
        raise TypeError(msg)
    if not (isinstance(cls.name, str) and cls.name.strip()):
        msg = f"{cls.__qualname__} has no name: set its class attribute `name`"
        raise TypeError(f"{msg}, which is {cls.name!r}, to a text that can be seen")
    for limit in ("start_timeout", "stop_timeout", "pause_timeout", "continue_timeout"):
        seconds = getattr(cls, limit)
        if seconds is not None and not seconds > 0:
            msg = f"{cls.__qualname__}.{limit} is {seconds}: a time above 0, or None"
            raise TypeError(msg)
    check_wait_hint(f"{cls.__qualname__}.wait_hint", cls.wait_hint)
    if not isinstance(cls.start_type, StartType):
        msg = f"{cls.__qualname__}.start_type is {cls.start_type!r}: a StartType"
        raise TypeError(msg)
    check_handlers(cls)
    return cls


def description_of(cls: type[ServiceBase]) -> str:
    """Return a class's description: its own, or its docstring's first line."""
    import inspect

    inherited = {base.__doc__ for base in cls.__mro__[1:]}
    doc = "" if cls.__doc__ in inherited else inspect.cleandoc(cls.__doc__ or "")
    return cls.description or doc.partition("\n")[0]


def exit_code_of(error: BaseException, failure: FailureCode) -> int:
    """Return the exit code of a service that an exception ends."""
    match error:
        case BaseExceptionGroup():
            codes = [exit_code_of(each, failure) for each in error.exceptions]
            _, others = error.split((ServiceExit, SystemExit))
            return int(failure) if others else next(filter(None, codes), 0)
        case ServiceExit():
            return error.code
        case SystemExit(code=None | 0) if failure is FailureCode.IMPORT:
            return int(failure)  # it ended before it brought a service
        case SystemExit(code=None):
            return 0
        case SystemExit(code=int(code)):
            return (code & 0xFFFFFFFF) or int(bool(code))
        case SystemExit():
            return 1  # as Python itself for sys.exit("message")
        case _:
            return int(failure)

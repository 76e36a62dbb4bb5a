"""The commands that start, stop and control a service, and wait for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from winsvc.commands.answers import (
    DONE,
    INTERRUPTED,
    REFUSED,
    Refused,
    error_fields,
    sentence,
    status_fields,
    tell,
    warn,
)
from winsvc.commands.progress import shown_progress
from winsvc.errors import (
    ServiceCannotAcceptControl,
    ServiceError,
    ServiceFailed,
    ServiceNotActive,
    ServiceTimeout,
)
from winsvc.glance import describe_exit
from winsvc.manage.stopping import stop_when_started
from winsvc.printable import one_line
from winsvc.states import State, control_name
from winsvc.winerror import ERROR_SERVICE_ALREADY_RUNNING

if TYPE_CHECKING:
    import argparse

    from winsvc.commands import Commands
    from winsvc.manage.manager import ServiceHandle, ServiceManager
    from winsvc.manage.status import ServiceStatus


_STARTED = (State.START_PENDING, State.RUNNING, State.CONTINUE_PENDING)


def start(commands: Commands, options: argparse.Namespace) -> int:
    """Start it."""
    with _opened(commands, options) as one:
        status = one.start(is_enough=options.if_needed)
    one.tell(status)
    return DONE


def stop(commands: Commands, options: argparse.Namespace) -> int:
    """Stop it, and first what depends on it if that is wanted."""
    with _opened(commands, options) as one:
        try:
            one.stop()
        except ServiceNotActive as error:
            if not options.if_needed:
                # Its usual remedy is to start it.
                error.remedy = "--if-needed takes that as done"
                what = "1062 ERROR_SERVICE_NOT_ACTIVE, it is stopped already"
                text = f"could not stop service {options.name!r}: {what}"
                raise Refused(f"{text}; {error.remedy}", error) from error
            status = one.handle.status()
        except ServiceCannotAcceptControl:
            if not (options.if_needed and one.is_in(State.STOP_PENDING)):
                raise
            status = one.reach(State.STOPPED)
        else:
            status = one.reach(State.STOPPED)
    one.tell(status, one.stopped)
    return DONE


def restart(commands: Commands, options: argparse.Namespace) -> int:
    """Stop it, wait, and start it again, then what was stopped before it."""
    with _opened(commands, options) as one:
        one.stop_and_wait()
        status = one.start(is_enough=not options.args)
        # What depends on others of them was stopped first: it is started last.
        started = [one.start_dependent(name) for name in reversed(one.stopped)]
    one.tell(status, started)
    return REFUSED if any("error" in each for each in started) else DONE


def pause(commands: Commands, options: argparse.Namespace) -> int:
    """Pause it."""
    with _opened(commands, options) as one:
        one.handle.pause()
        status = one.reach(State.PAUSED)
    one.tell(status)
    return DONE


def continue_(commands: Commands, options: argparse.Namespace) -> int:
    """Let it go on."""
    with _opened(commands, options) as one:
        one.handle.resume()
        status = one.reach(State.RUNNING)
    one.tell(status)
    return DONE


def control(commands: Commands, options: argparse.Namespace) -> int:
    """Send it a control code."""
    with _opened(commands, options) as one:
        status = one.handle.control(options.code)
    what = control_name(options.code)
    text = f"{options.name} was sent {what}; it is {status.state.name}"
    tell(options, status_fields(options.name, status), text)
    return DONE


def stop_first(
    commands: Commands,
    options: argparse.Namespace,
    manager: ServiceManager,
    handle: ServiceHandle,
) -> None:
    """Stop a service, whatever it is at, before something else is done to it."""
    one = _Run(commands, options, manager, handle)
    with one.saying_how_far():
        one.stop_and_wait()


@contextmanager
def _opened(commands: Commands, options: argparse.Namespace) -> Iterator[_Run]:
    with commands.open(options) as manager, manager.open(options.name) as handle:
        one = _Run(commands, options, manager, handle)
        with one.saying_how_far():
            yield one


class _Run:
    """One command on one service.

    Args:
        commands: What commands share.
        options: The command's.
        manager: The SCM.
        handle: The service.

    Attributes:
        handle: As given.
        stopped: Names of the services that were stopped before it.
    """

    def __init__(
        self,
        commands: Commands,
        options: argparse.Namespace,
        manager: ServiceManager,
        handle: ServiceHandle,
    ) -> None:
        self._commands = commands
        self._options = options
        self._manager = manager
        self.handle = handle
        self.stopped: tuple[str, ...] = ()
        self._log = commands.mark_log(options, handle)

    @contextmanager
    def saying_how_far(self) -> Iterator[None]:
        """Add to what ends the command early how things are now.

        Raises:
            Refused: In place of KeyboardInterrupt, and of what fails after services
                that depend on it have been stopped.
        """
        try:
            yield
        except KeyboardInterrupt as error:
            parts = ["interrupted", *self._how_it_is(), *self._dependents_left()]
            text, done = "; ".join(parts), self._done()
            raise Refused(text, error, done, code=INTERRUPTED) from error
        except (Refused, ServiceError) as error:
            if not (left := self._dependents_left()):
                raise
            what = error.error if isinstance(error, Refused) else error
            raise Refused("; ".join([str(error), *left]), what, self._done()) from error

    def _how_it_is(self) -> Iterator[str]:
        with suppress(ServiceError):  # it may be that which was waited for
            yield sentence(self.handle.name, self.handle.status())

    def _dependents_left(self) -> list[str]:
        names = self._still_stopped()
        return [f"stopped before it: {', '.join(names)}"] if names else []

    def _done(self) -> dict[str, Any]:
        names = self._still_stopped()
        return {"dependents": names} if names else {}

    def _still_stopped(self) -> list[str]:
        """Return what was stopped before it, and runs no more."""
        active: set[str] = set()
        if self.stopped:
            with suppress(ServiceError):
                found = self.handle.dependents(active_only=True)
                active = {info.name for info in found}
        return [name for name in self.stopped if name not in active]

    def start(self, *, is_enough: bool = False) -> ServiceStatus:
        """Start it; wait until it is RUNNING if that is wanted.

        Args:
            is_enough: That it has been started already is no error.
        """
        try:
            self._start(is_enough=is_enough)
            return self.reach(State.RUNNING)
        except ServiceTimeout as error:  # 1053 above all
            raise Refused(f"{error}; {self._where_to_look()}", error) from error

    def _start(self, *, is_enough: bool) -> None:
        if is_enough and self.is_in(*_STARTED):
            return
        try:
            self.handle.start(*self._options.args)
        except ServiceError as error:
            running = error.winerror == ERROR_SERVICE_ALREADY_RUNNING
            if not (is_enough and running and self.is_in(*_STARTED)):
                raise  # else somebody else has started it at this moment

    def is_in(self, *states: State) -> bool:
        """Tell whether it is in one of these states now."""
        return self.handle.status().state in states

    def start_dependent(self, name: str) -> dict[str, Any]:
        """Start, after it, a service that was stopped before it; return its fields."""
        try:
            with self._manager.open(name) as handle:
                handle.start()
                status = self._wait(handle, State.RUNNING)
        except ServiceError as error:
            warn(str(error))
            return {"name": name, "error": error_fields(error, str(error))}
        self._say(sentence(name, status))
        return dict(status_fields(name, status))

    def stop(self) -> None:
        """Stop it, and first what depends on it if that is wanted."""
        options = self._options
        names: tuple[str, ...] = ()
        more: dict[str, Any] = {
            name: value
            for name in ("reason", "comment")
            if (value := getattr(options, name, None)) is not None
        }
        if options.dependents:
            active = self.handle.dependents(active_only=True)
            names = tuple(info.name for info in active)
            self.stopped += names
            more |= {"dependents": True, "timeout": options.timeout}
        try:
            self.handle.stop(**more)
        except ValueError as error:  # a comment that is too long, or alone
            self._commands.wrong_usage(str(error))
        for name in names:
            self._say(f"{name} is STOPPED")

    def stop_and_wait(self) -> None:
        """Stop it for a restart; that it has stopped already is no error."""

        def wait(state: State) -> None:
            status = self._wait(self.handle, state)
            if state is State.STOPPED:
                self._say(sentence(self.handle.name, status))

        # Starting it before that would be refused with 1056 (I-145).
        stop_when_started(self.handle, self.stop, wait)

    def reach(self, state: State) -> ServiceStatus:
        """Return its status; in that state, if waiting for it is wanted.

        Raises:
            Refused: It has failed.
        """
        name = self.handle.name
        try:
            wait = self._options.wait
            handle = self.handle
            status = self._wait(handle, state) if wait else handle.status()
        except ServiceFailed as error:
            if not error.exit_code:
                raise
            raise self._failed(error) from error
        if status.state is State.STOPPED and status.exit_code:
            raise self._failed(_failure(name, status))
        return status

    def tell(self, status: ServiceStatus, dependents: Sequence[Any] = ()) -> None:
        """Say what came of it.

        Args:
            status: Its status.
            dependents: What else was stopped or started, for ``--json``.
        """
        name = self.handle.name
        fields = dict(status_fields(name, status))
        if getattr(self._options, "dependents", False):
            fields["dependents"] = list(dependents)
        tell(self._options, fields, sentence(name, status))

    def _failed(self, error: ServiceFailed) -> Refused:
        ended = describe_exit(error.exit_code, error.service_exit_code)
        text = f"{self.handle.name} failed: {ended}; {self._where_to_look()}"
        return Refused(text, error)

    def _where_to_look(self) -> str:
        return self._commands.where_to_look(self._options, self._log)

    def _wait(self, handle: ServiceHandle, state: State) -> ServiceStatus:
        if self._options.json:
            return handle.wait_state(state, self._options.timeout)
        with shown_progress(handle.name) as show:
            return handle.wait_state(state, self._options.timeout, show)

    def _say(self, text: str) -> None:
        """Say what happened on the way: with ``--json`` only the end counts."""
        if not self._options.json:
            print(one_line(text), flush=True)


def _failure(name: str, status: ServiceStatus) -> ServiceFailed:
    return ServiceFailed(
        operation="stop",
        service=name,
        winerror=status.exit_code,
        exit_code=status.exit_code,
        service_exit_code=status.service_exit_code,
    )

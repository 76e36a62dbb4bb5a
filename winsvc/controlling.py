"""The commands that start, stop and control a service, and wait for it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from winsvc.answers import DONE, refuse, sentence, status_fields, tell
from winsvc.errors import (
    ServiceCannotAcceptControl,
    ServiceError,
    ServiceFailed,
    ServiceNotActive,
    ServiceTimeout,
)
from winsvc.progress import describe_exit, shown_progress
from winsvc.states import State, control_name

if TYPE_CHECKING:
    import argparse

    from winsvc.commands import Commands
    from winsvc.manager import ServiceHandle, ServiceManager
    from winsvc.status import ServiceStatus


def start(commands: Commands, options: argparse.Namespace) -> int:
    """Start it."""
    with _opened(commands, options) as one:
        return one.start()


def stop(commands: Commands, options: argparse.Namespace) -> int:
    """Stop it, and first what depends on it if that is wanted."""
    with _opened(commands, options) as one:
        stopped = one.stop()
        return one.settle(State.STOPPED, "stopped before it", stopped)


def restart(commands: Commands, options: argparse.Namespace) -> int:
    """Stop it, wait, and start it again; what was stopped with it too."""
    with _opened(commands, options) as one:
        stopped = one.stop_and_wait()
        code = one.start("started after it", stopped)
        return max(code, *map(one.start_dependent, stopped)) if stopped else code


def pause(commands: Commands, options: argparse.Namespace) -> int:
    """Pause it."""
    with _opened(commands, options) as one:
        one.handle.pause()
        return one.settle(State.PAUSED)


def continue_(commands: Commands, options: argparse.Namespace) -> int:
    """Let it go on."""
    with _opened(commands, options) as one:
        one.handle.resume()
        return one.settle(State.RUNNING)


def control(commands: Commands, options: argparse.Namespace) -> int:
    """Send it a control code."""
    with _opened(commands, options) as one:
        status = one.handle.control(options.code)
        what = control_name(options.code)
        text = f"{options.name} was sent {what}; it is {status.state.name}"
        tell(options, status_fields(options.name, status), text)
    return DONE


@contextmanager
def _opened(commands: Commands, options: argparse.Namespace) -> Iterator[_Run]:
    with commands.open(options) as manager, manager.open(options.name) as handle:
        yield _Run(commands, options, manager, handle)


class _Run:
    """One command on one service.

    Args:
        commands: What commands share.
        options: The command's.
        manager: The SCM.
        handle: The service.
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

    def start(self, what: str = "", others: tuple[str, ...] = ()) -> int:
        """Start it, wait, and tell what came of it."""
        try:
            self.handle.start(*self._options.args)
            return self.settle(State.RUNNING, what, others)
        except ServiceTimeout as error:  # 1053 above all
            where = self._commands.where_to_look(self._options, self.handle)
            return refuse(self._options, f"{error}; {where}", error)

    def start_dependent(self, name: str) -> int:
        """Start, after it, a service that was stopped before it."""
        try:
            with self._manager.open(name) as handle:
                handle.start()
                status = self._wait(handle, State.RUNNING)
        except ServiceError as error:
            return refuse(self._options, str(error), error)
        self._say(sentence(name, status))
        return DONE

    def stop(self) -> tuple[str, ...]:
        """Stop it; return the names of what was stopped before it."""
        options = self._options
        more: dict[str, Any] = {
            name: value
            for name in ("reason", "comment")
            if (value := getattr(options, name, None)) is not None
        }
        stopped: tuple[str, ...] = ()
        if options.dependents:
            active = self.handle.dependents(active_only=True)
            stopped = tuple(info.name for info in active)
            more |= {"dependents": True, "timeout": options.timeout}
        try:
            self.handle.stop(**more)
        except ValueError as error:  # a comment that is too long, or alone
            self._commands.wrong_usage(str(error))
        return stopped

    def stop_and_wait(self) -> tuple[str, ...]:
        """Stop it for a restart; that it has stopped already is no error."""
        stopped: tuple[str, ...] = ()
        try:
            stopped = self.stop()
        except ServiceNotActive:
            return stopped
        except ServiceCannotAcceptControl:
            if self.handle.status().state is not State.STOP_PENDING:
                raise
        # Starting it now would be refused with 1056 (I-145).
        status = self._wait(self.handle, State.STOPPED)
        self._say(sentence(self.handle.name, status))
        # What depends on others of them was stopped first: it is started last.
        return stopped[::-1]

    def settle(self, state: State, what: str = "", others: tuple[str, ...] = ()) -> int:
        """Wait for a state if that is wanted, and tell what came of it.

        Args:
            state: The state to wait for.
            what: What the command does with others than the service.
            others: Their names.
        """
        name = self.handle.name
        try:
            wait = self._options.wait
            handle = self.handle
            status = self._wait(handle, state) if wait else handle.status()
        except ServiceFailed as error:
            if not error.exit_code:
                raise
            return self._failed(error)
        if status.state is State.STOPPED and status.exit_code:
            return self._failed(_failure(name, status))
        text = sentence(name, status)
        fields = dict(status_fields(name, status))
        if others:
            text += f"\n  {what}: {', '.join(others)}"
            fields["dependents"] = others
        tell(self._options, fields, text)
        return DONE

    def _failed(self, error: ServiceFailed) -> int:
        ended = describe_exit(error.exit_code, error.service_exit_code)
        where = self._commands.where_to_look(self._options, self.handle)
        text = f"{self.handle.name} failed: {ended}; {where}"
        return refuse(self._options, text, error)

    def _wait(self, handle: ServiceHandle, state: State) -> ServiceStatus:
        if self._options.json:
            return handle.wait_state(state, self._options.timeout)
        with shown_progress(handle.name) as show:
            return handle.wait_state(state, self._options.timeout, show)

    def _say(self, text: str) -> None:
        """Say what happened on the way: with ``--json`` only the end counts."""
        if not self._options.json:
            print(text, flush=True)


def _failure(name: str, status: ServiceStatus) -> ServiceFailed:
    return ServiceFailed(
        operation="stop",
        service=name,
        winerror=status.exit_code,
        exit_code=status.exit_code,
        service_exit_code=status.service_exit_code,
    )

"""The commands that start, stop and control a service, and wait for it."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from winsvc import progress
from winsvc.answers import DONE, refuse, sentence, status_fields, tell
from winsvc.errors import (
    ServiceCannotAcceptControl,
    ServiceFailed,
    ServiceNotActive,
    ServiceTimeout,
)
from winsvc.states import State, control_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

    from winsvc.commands import Commands
    from winsvc.manager import ServiceHandle
    from winsvc.status import ServiceStatus


class _Run:
    """One command on one service.

    Args:
        commands: What commands share.
        options: The command's.
        handle: The service.
    """

    def __init__(
        self, commands: Commands, options: argparse.Namespace, handle: ServiceHandle
    ) -> None:
        self._commands = commands
        self._options = options
        self.handle = handle

    def start(self) -> int:
        """Start it, wait, and tell what came of it."""
        try:
            self.handle.start(*self._options.args)
            return self.settle(State.RUNNING)
        except ServiceTimeout as error:  # 1053 above all
            return self._fail(str(error), error)

    def stop_for_restart(self) -> None:
        """Stop it and wait; that it has stopped already is no error."""
        try:
            self.stop()
        except ServiceNotActive:
            return
        except ServiceCannotAcceptControl:
            if self.handle.status().state is not State.STOP_PENDING:
                raise
        # Starting it now would be refused with 1056 (I-145).
        status = self._wait(State.STOPPED)
        if not self._options.json:
            print(sentence(self.handle.name, status), flush=True)

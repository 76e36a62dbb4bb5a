"""The commands of the command line: which is where, and what they share."""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from typing import TYPE_CHECKING

from winsvc.base import check_class
from winsvc.commands.answers import INTERRUPTED, WRONG, Refused, refuse, warn
from winsvc.commands.log_mark import LogMark
from winsvc.commands.output import say
from winsvc.commands.parsing import parser_of
from winsvc.errors import NoSCM, ServiceError
from winsvc.install import find_service, log_file_in, log_file_of, target_of
from winsvc.printable import one_line

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import NoReturn

    from winsvc.base import ServiceBase
    from winsvc.manage.manager import ServiceHandle, ServiceManager
    from winsvc.target import Target

    Command = Callable[["Commands", argparse.Namespace], int]

_OURS = os.path.dirname(os.path.dirname(__file__))
_STDLIB = os.path.dirname(os.__file__)
_PACKAGES = ("site-packages", "dist-packages")

# Each is a function of that module, most by the same name.
_HOMES = {
    "installing": ("install",),
    "configuring": ("plan", "apply", "config"),
    "keeping": ("grant", "deny", "revoke", "remove"),
    "controlling": ("start", "stop", "restart", "pause", "continue", "control"),
    "showing": ("status", "list", "dependents", "watch", "doctor"),
    "logs": ("logs",),
    "running": ("debug", "host", "demo", "bench"),
}
_FUNCTIONS = {"continue": "continue_", "list": "list_"}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


class Commands:
    """Runs one command.

    Args:
        parser: Reports wrong usage.
        services: The script's own; none for ``python -m winsvc``.
        manager_factory: Opens the SCM, given another computer's name if one was;
            default: the system's.

    Attributes:
        services: As given.
    """

    def __init__(
        self,
        parser: argparse.ArgumentParser,
        services: Sequence[type[ServiceBase]],
        manager_factory: Callable[..., ServiceManager] | None,
    ) -> None:
        self.services = services
        self._parser = self._used = parser
        self._factory = manager_factory

    def run(self, options: argparse.Namespace) -> int:
        """Run it and return the exit code; errors are one line on stderr."""
        self._used = parser_of(self._parser, options.command)
        home = import_module(f"{__name__}.{_HOME_OF[options.command]}")
        function = _FUNCTIONS.get(options.command, options.command)
        command: Command = getattr(home, function)
        try:
            if getattr(options, "all", False) and options.name is None:
                return self._run_for_all(command, options)
            return self._run_once(command, options)
        except NoSCM as error:
            return refuse(options, f"{error.strerror}; {error.remedy}", error)

    def _run_for_all(self, command: Command, options: argparse.Namespace) -> int:
        """Run it for each of the script's services, whatever becomes of the others."""
        codes = []
        names = [service.name for service in self.services]
        for number, options.name in enumerate(names, 1):
            codes.append(self._run_once(command, options))
            if codes[-1] == INTERRUPTED:
                if left := names[number:]:
                    warn(f"not begun: {', '.join(left)}")
                break
        return max(codes)

    def _run_once(self, command: Command, options: argparse.Namespace) -> int:
        try:
            return command(self, options)
        except NoSCM:
            raise
        except KeyboardInterrupt as error:
            return refuse(options, "interrupted", error, code=INTERRUPTED)
        except Refused as refused:
            what = str(refused), refused.error, refused.done, refused.code
            return refuse(options, *what)
        except OSError as error:
            return refuse(options, str(error), error)
        except ValueError as error:
            return self._tell_wrong(str(error))

    # --- what they share -------------------------------------------------------------

    def open(self, options: argparse.Namespace) -> ServiceManager:
        """Open the SCM that the options name."""
        if self._factory is None:
            from winsvc.manage.manager import ServiceManager

            return ServiceManager(options.machine)
        return self._factory(options.machine) if options.machine else self._factory()

    def wrong_usage(self, text: str) -> NoReturn:
        """Say what is wrong with the command line, and how it is used, and exit."""
        self._used.error(one_line(text))

    def wrong_input(self, text: str) -> NoReturn:
        """Say what is wrong with what the command line names, and exit."""
        sys.exit(self._tell_wrong(text))

    def _tell_wrong(self, text: str) -> int:
        say(f"{self._used.prog}: error: {one_line(text)}")
        return WRONG

    def load(self, targets: Sequence[str]) -> list[tuple[type[ServiceBase], Target]]:
        """Return the services that a command is about, imported and checked.

        Args:
            targets: Those of a command line that is no script's.
        """
        found = []
        for each in self.services or targets:
            try:
                if isinstance(each, str):
                    found.append(find_service(each))
                else:
                    found.append((check_class(each), target_of(each)))
            # The user's code may raise any, and end itself as it is imported.
            except (Exception, SystemExit) as error:  # noqa: BLE001
                name = each if isinstance(each, str) else each.__name__
                self.wrong_input(f"{name} cannot be loaded: {_describe(error)}")
        return found

    def where_to_look(self, options: argparse.Namespace, log: LogMark) -> str:
        """Return where to find out why a service failed.

        Args:
            options: The command's.
            log: Its log as it was before.
        """
        name = options.name if not self.services or len(self.services) > 1 else ""
        doctor = f"`{self._parser.prog} doctor {name}".rstrip() + "`"
        return ", ".join(filter(None, (log.told(), f"{doctor} looks for the cause")))

    def mark_log(self, options: argparse.Namespace, handle: ServiceHandle) -> LogMark:
        """Return where the log of a service ends now."""
        return LogMark(self.log_file(options, handle), is_here=options.machine is None)

    def log_file(
        self, options: argparse.Namespace, handle: ServiceHandle
    ) -> str | None:
        """Return the log file of a service; ``None`` if nothing tells."""
        try:
            found = log_file_in(handle.command_line())
        except ServiceError:  # who may start a service may not always read it
            found = None
        if found is not None or not self.services:
            return found
        first = self.services[0]  # the log of a shared process has its name
        name = options.name if len(self.services) == 1 else first.name
        default: str | None = options.default_log_file
        if default is not None:
            return os.path.abspath(default)
        try:
            return log_file_of(name, target_of(first))
        except ValueError:  # a class that cannot be installed
            return None


def _describe(error: BaseException) -> str:
    """Return an exception as one line, with the place in the user's code."""
    if isinstance(error, SyntaxError) and error.filename:
        place = f"{error.filename}:{error.lineno}"
        return f"{type(error).__name__}: {error.msg} ({place})"
    text = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    if frames and _is_users(frames[-1].filename):
        place = f"{frames[-1].filename}:{frames[-1].lineno}"
        return f"{type(error).__name__}: {text} ({place})"
    return text


def _is_users(file: str) -> bool:
    """Tell whether code is neither ours nor Python's own."""
    if file.startswith((_OURS + os.sep, "<frozen")):
        return False
    # Packages are installed below the standard library.
    below = file.removeprefix(_STDLIB + os.sep)
    return below == file or below.split(os.sep)[0] in _PACKAGES

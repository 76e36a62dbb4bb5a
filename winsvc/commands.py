"""What the commands of the command line do."""

from __future__ import annotations

import os
import sys
import traceback
from fnmatch import fnmatch
from importlib import import_module
from typing import TYPE_CHECKING

from winsvc import progress
from winsvc.base import check_class, description_of
from winsvc.config import ServiceConfig
from winsvc.errors import (
    NoSCM,
    ServiceCannotAcceptControl,
    ServiceFailed,
    ServiceNotActive,
)
from winsvc.install import (
    create_all,
    find_service,
    host_command,
    log_file_of,
    shared_command,
    target_of,
)
from winsvc.manager import ServiceManager
from winsvc.shared import parse_services
from winsvc.states import ServiceType, StartType, State, control_name

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from winsvc.base import ServiceBase
    from winsvc.manager import ServiceHandle
    from winsvc.status import ServiceStatus
    from winsvc.target import Target

DONE, REFUSED, INTERRUPTED = 0, 1, 130
_OURS = os.path.dirname(__file__)
_STDLIB = os.path.dirname(os.__file__)
_NO_PASSWORD = ("NT AUTHORITY\\", "NT SERVICE\\", ".\\LOCALSYSTEM", "LOCALSYSTEM")


class Commands:
    """Runs one command.

    Args:
        parser: Reports wrong usage.
        services: The script's own; none for ``python -m winsvc``.
        manager_factory: Opens the SCM; default: this computer's.
    """

    def __init__(
        self,
        parser: argparse.ArgumentParser,
        services: Sequence[type[ServiceBase]],
        manager_factory: Callable[[], ServiceManager] | None,
    ) -> None:
        self._parser = parser
        self._services = services
        self._open = manager_factory or ServiceManager

    def run(self, options: argparse.Namespace) -> int:
        """Run it and return the exit code; errors are one line on stderr."""
        try:
            if getattr(options, "all", False) and options.name is None:
                return self._run_for_all(options)
            return self._run_once(options)
        except NoSCM as error:
            return _refused(f"{error.strerror}; {error.remedy}")
        except KeyboardInterrupt:
            _refused("interrupted")
            return INTERRUPTED

    def _run_for_all(self, options: argparse.Namespace) -> int:
        """Run it for each of the script's services, whatever becomes of the others."""
        codes = []
        for service in self._services:
            options.name = service.name
            codes.append(self._run_once(options))
        return max(codes)

    def _run_once(self, options: argparse.Namespace) -> int:
        command = getattr(self, f"_{options.command}")
        try:
            code: int = command(options)
        except NoSCM:
            raise
        except ServiceFailed as error:
            if not error.exit_code:
                return _refused(str(error))
            ended = progress.describe_exit(error.exit_code, error.service_exit_code)
            return _refused(f"{options.name} failed: {ended}; {self._log(options)}")
        except OSError as error:
            return _refused(str(error))
        return code

    # --- creating and removing -----------------------------------------------

    def _install(self, options: argparse.Namespace) -> int:
        found = self._load(options)
        log_file = options.log_file or log_file_of(
            options.name or found[0][0].name, found[0][1]
        )
        try:
            configs = self._configs(options, found, log_file)
        except ValueError as error:
            self._parser.error(str(error))
        with self._open() as manager:
            create_all(manager, configs)
        line = configs[0].command_line
        if len(configs) == 1:
            print(f"{configs[0].name} is installed; it runs {line}")
        else:
            names = ", ".join(config.name for config in configs)
            print(f"{names} are installed; they run in one process {line}")
        print(f"Its log: {log_file}")
        return DONE

    def _configs(
        self,
        options: argparse.Namespace,
        found: Sequence[tuple[type[ServiceBase], Target]],
        log_file: str,
    ) -> list[ServiceConfig]:
        if len(found) == 1:
            command = host_command(*found[0], log_file)
            service_type = ServiceType.OWN_PROCESS
        elif options.name or options.display_name or options.description:
            msg = "--name, --display-name and --description are for one service alone"
            raise ValueError(msg)
        else:
            command = shared_command(found, log_file)
            service_type = ServiceType.SHARE_PROCESS
        password = self._password(options)
        return [
            ServiceConfig(
                name=options.name or service.name,
                command=command,
                display_name=options.display_name or service.display_name,
                description=options.description or description_of(service),
                start_type=StartType[
                    (options.start_type or service.start_type.name).upper()
                ],
                service_type=service_type,
                account=options.account,
                password=password,
            )
            for service, _ in found
        ]

    def _password(self, options: argparse.Namespace) -> str | None:
        if options.account is None:
            if options.password_stdin:
                self._parser.error("--password-stdin needs --account")
            return None
        if options.password_stdin:
            return sys.stdin.readline().rstrip("\r\n")
        account = options.account.upper()
        if account.startswith(_NO_PASSWORD) or account.endswith("$"):
            return None
        from getpass import getpass

        try:
            return getpass(f"Password of {options.account}: ")
        except EOFError:
            self._parser.error("no password: use --password-stdin without a terminal")

    def _remove(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            handle.delete()
            state = handle.status().state
        if state is State.STOPPED:
            print(f"{options.name} is removed")
        else:
            print(f"{options.name} is {state.name}; once stopped it is removed")
        return DONE

    # --- starting and controlling --------------------------------------------

    def _start(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            handle.start(*options.args)
            return self._settle(options, handle, State.RUNNING)

    def _stop(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            handle.stop()
            return self._settle(options, handle, State.STOPPED)

    def _restart(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            self._stop_for_restart(options, handle)
            handle.start(*options.args)
            return self._settle(options, handle, State.RUNNING)

    def _stop_for_restart(
        self, options: argparse.Namespace, handle: ServiceHandle
    ) -> None:
        try:
            handle.stop()
        except ServiceNotActive:
            return
        except ServiceCannotAcceptControl:
            if handle.status().state is not State.STOP_PENDING:
                raise
        # Starting it now would be refused with 1056 (I-145).
        status = self._wait(options, handle, State.STOPPED)
        print(_sentence(options.name, status), flush=True)

    def _pause(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            handle.pause()
            return self._settle(options, handle, State.PAUSED)

    def _continue(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            handle.resume()
            return self._settle(options, handle, State.RUNNING)

    def _control(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            status = handle.control(options.code)
        what = control_name(options.code)
        print(f"{options.name} was sent {what}; it is {status.state.name}")
        return DONE

    def _settle(
        self, options: argparse.Namespace, handle: ServiceHandle, state: State
    ) -> int:
        """Wait for a state if that is wanted, and tell what came of it."""
        wait = options.wait
        status = self._wait(options, handle, state) if wait else handle.status()
        if status.state is State.STOPPED and status.exit_code:
            ended = progress.describe_exit(status.exit_code, status.service_exit_code)
            return _refused(f"{options.name} failed: {ended}; {self._log(options)}")
        print(_sentence(options.name, status))
        return DONE

    def _wait(
        self, options: argparse.Namespace, handle: ServiceHandle, state: State
    ) -> ServiceStatus:
        with progress.shown_progress(options.name) as show:
            return handle.wait_state(state, options.timeout, show)

    # --- telling -------------------------------------------------------------

    def _status(self, options: argparse.Namespace) -> int:
        with self._open() as manager, manager.open(options.name) as handle:
            status = handle.status()
        print(_sentence(options.name, status))
        if status.state is not State.STOPPED:
            print(f"  process  {status.pid}")
            print(f"  accepts  {progress.describe_accepts(status.accepts)}")
        return DONE

    def _list(self, options: argparse.Namespace) -> int:
        pattern = (options.filter or "*").lower()
        state = (options.state or "").upper()
        if state and state not in State.__members__:
            self._parser.error(f"no such state: {options.state}")
        with self._open() as manager:
            services = [
                (info.name, info.display_name, info.status) for info in manager.list()
            ]
        rows = [("NAME", "STATE", "PROCESS", "DISPLAY NAME")]
        rows += [
            (name, status.state.name, str(status.pid or ""), display_name)
            for name, display_name, status in sorted(
                services, key=lambda row: row[0].lower()
            )
            if state in ("", status.state.name)
            and any(fnmatch(text.lower(), pattern) for text in (name, display_name))
        ]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        for row in rows:
            cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
            print("  ".join(cells).rstrip())
        return DONE

    # --- running it ----------------------------------------------------------

    def _debug(self, options: argparse.Namespace) -> int:
        from winsvc.console import debug

        return debug(self._service_to_debug(options), options.args)

    def _service_to_debug(self, options: argparse.Namespace) -> type[ServiceBase]:
        for service in self._services:
            if len(self._services) == 1 or service.name == options.name:
                try:
                    return check_class(service)
                except TypeError as error:
                    self._parser.error(str(error))
        return self._load(options)[0][0]

    def _demo(self, _options: argparse.Namespace) -> int:
        from winsvc.demo import demo

        return demo()

    def _bench(self, options: argparse.Namespace) -> int:
        try:
            # Not a mere import: in a checkout its files are in benchmarks/.
            bench = import_module("winsvc.bench.cli")
        except ModuleNotFoundError as error:
            if error.name != "winsvc.bench":
                raise
            return _refused(
                f"the winsvc in {_OURS} has no benchmarks beside it: "
                "in a checkout, pip install -e ."
            )
        code: int = bench.main(options)
        return code

    def _host(self, options: argparse.Namespace) -> int:
        from winsvc import process

        if self._services:
            return process.run(*self._services, log_file=options.log_file)
        services = parse_services(options.targets)
        if services is None and len(options.targets) > 1:
            self._parser.error("write one TARGET, or NAME=TARGET for each service")
        targets, names = services or (options.targets, ())
        return process.host(
            targets, names=names, log_file=options.log_file, path=tuple(options.path)
        )

    # --- what they share -----------------------------------------------------

    def _load(
        self, options: argparse.Namespace
    ) -> list[tuple[type[ServiceBase], Target]]:
        """Return the services that the command is about, imported and checked."""
        found = []
        for each in self._services or options.targets:
            try:
                if isinstance(each, str):
                    found.append(find_service(each))
                else:
                    found.append((check_class(each), target_of(each)))
            except Exception as error:  # noqa: BLE001 - the user's code may raise any
                name = each if isinstance(each, str) else each.__name__
                self._parser.error(f"{name} cannot be loaded: {_describe(error)}")
        return found

    def _log(self, options: argparse.Namespace) -> str:
        if not self._services:
            return "its log, which `install` named, says why"
        first = self._services[0]  # the log of a shared process has its name
        name = options.name if len(self._services) == 1 else first.name
        try:
            file = log_file_of(name, target_of(first))
        except ValueError:  # a class that cannot be installed
            return "its log says why"
        return f"see its log {file}, unless `install` named another"


def _sentence(name: str, status: ServiceStatus) -> str:
    """Return what a service is."""
    text = f"{name} is {status.state.name}"
    if status.state.is_pending:
        way = progress.describe_pending(status.checkpoint, status.wait_hint)
        return f"{text}: {way}"
    if status.state is State.STOPPED and status.exit_code:
        ended = progress.describe_exit(status.exit_code, status.service_exit_code)
        return f"{text}: {ended}"
    return text


def _describe(error: BaseException) -> str:
    """Return an exception as one line, with the place in the user's code."""
    text = " ".join(str(error).split())
    frames = traceback.extract_tb(error.__traceback__)
    if frames and not frames[-1].filename.startswith((_OURS, "<frozen", _STDLIB)):
        place = f"{frames[-1].filename}:{frames[-1].lineno}"
        return f"{type(error).__name__}: {text} ({place})"
    return text


def _refused(text: str) -> int:
    print(f"winsvc: {text}", file=sys.stderr)
    return REFUSED

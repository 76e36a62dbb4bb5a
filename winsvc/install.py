"""What ``install`` gives the SCM: a command line that needs no environment.

A service has no current folder of its own, no PYTHONPATH and none of the user's
variables: all that it needs to find its code is in the command line.
"""

from __future__ import annotations

import dataclasses
import os
import site
import sys
import sysconfig
from typing import TYPE_CHECKING, Any

from winsvc.base import ServiceBase
from winsvc.errors import ServiceError
from winsvc.log import default_log_file
from winsvc.settings.accounts import LOCAL_SYSTEM, needs_logon_right
from winsvc.settings.command_line import VARIABLE, split_command
from winsvc.settings.config import ServiceConfig
from winsvc.settings.values import ErrorControl, FailureActions
from winsvc.shared import named_target
from winsvc.states import ServiceType, StartType
from winsvc.target import Target, load_target, parse_target

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import ModuleType

    from winsvc.manage.manager import ServiceHandle, ServiceManager

_RECOMMENDED: dict[str, Any] = {
    "failure_actions": FailureActions.restart(5.0, 30.0, 120.0, reset_period=86400.0),
    # Without it an exception in `run` is no failure, only a crash is (E-50).
    "failure_actions_on_error": True,
    "event_source": True,
}
# What a class says of its service; the rest is in its command line.


def recommended(config: ServiceConfig, *, is_here: bool = True) -> ServiceConfig:
    """Fill in what a good administrator would, where nothing is said.

    After a failure the service starts again: in 5 s, in 30 s, then in 2 min, counted
    anew after a day without one; an exit code other than 0 is a failure too.  It
    becomes a source of the event log.

    Args:
        config: What is wanted; nothing of it is changed.
        is_here: It is for this computer.  On another one, the file that has the
            texts of the events need not be: no event source there.
    """
    names = recommended_names(config, is_here=is_here)
    return dataclasses.replace(config, **{name: _RECOMMENDED[name] for name in names})


def recommended_names(
    config: ServiceConfig, *, is_here: bool = True
) -> tuple[str, ...]:
    """Return the settings that :func:`recommended` fills in.

    A system that lacks them can do without: they are for ``if_supported``.
    """
    return tuple(
        name
        for name in _RECOMMENDED
        if getattr(config, name) is None and (is_here or name != "event_source")
    )


def explicit(config: ServiceConfig) -> ServiceConfig:
    """Fill in what the SCM would for a new service (E.1), so that it can be shown."""
    defaults: dict[str, Any] = {
        "display_name": config.name,
        "start_type": StartType.AUTO,
        "service_type": ServiceType.OWN_PROCESS,
        "error_control": ErrorControl.NORMAL,
        "account": LOCAL_SYSTEM,
    }
    return dataclasses.replace(
        config,
        **{
            name: value
            for name, value in defaults.items()
            if getattr(config, name) is None
        },
    )


HOST = os.path.join(os.path.dirname(os.path.abspath(__file__)), "__main__.py")
"""What hosts services.  As a file: for ``-m winsvc`` Python imports runpy and what
that needs, before winsvc can tell the SCM anything."""


def find_service(text: str) -> tuple[type[ServiceBase], Target]:
    """Import a target; return its class, and a target that holds anywhere.

    Raises:
        ValueError: The text names no service.
        ImportError, TypeError: There is no such service.
    """
    target = parse_target(text)
    service = load_target(target)
    if target.is_file:
        return service, Target(os.path.abspath(target.module), service.__name__)
    return service, Target(target.module, service.__name__)


def target_of(service: type[ServiceBase]) -> Target:
    """Return the target of a class that a script has passed to ``main``.

    Raises:
        ValueError: It cannot be imported by that name.
    """
    if service.__qualname__ != service.__name__:
        msg = f"{service.__qualname__} is no class of its module's: move it there"
        raise ValueError(msg)
    module = sys.modules[service.__module__]
    if service.__module__ != "__main__":
        return Target(service.__module__, service.__name__)
    if module.__spec__ is not None:  # python -m package.module
        return Target(module.__spec__.name, service.__name__)
    if not getattr(module, "__file__", None):
        msg = f"{service.__name__} is in no file: put it into one to install it"
        raise ValueError(msg)
    return Target(os.path.abspath(module.__file__ or ""), service.__name__)


def folder_of(target: Target) -> str:
    """Return the folder whose ``logs`` holds the log: a script's, or Python's."""
    return os.path.dirname(target.module) if target.is_file else sys.prefix


def log_file_of(name: str, target: Target) -> str:
    """Return where a service logs to if it was not told."""
    return default_log_file(name, folder_of(target))


def log_file_in(command_line: str) -> str | None:
    """Return the log file that a host's command line names."""
    words = split_command(command_line)
    if "--log-file" not in words[:-1]:
        return None
    return words[words.index("--log-file") + 1]


def host_command(
    service: type[ServiceBase], target: Target, log_file: str
) -> tuple[str, ...]:
    """Return the program and arguments that host a service.

    Raises:
        ValueError: A path cannot be written there.
    """
    return _command(log_file, [(service, target)], [str(target)])


def shared_command(
    services: Sequence[tuple[type[ServiceBase], Target]], log_file: str
) -> tuple[str, ...]:
    """Return the same for services in one process.

    Raises:
        ValueError: A name or a path cannot be written there.
    """
    words = [named_target(service.name, str(target)) for service, target in services]
    return _command(log_file, services, words)


def create_all(manager: ServiceManager, configs: Iterable[ServiceConfig]) -> None:
    """Create services; if one of them fails there is none.

    Raises:
        ServiceError: As :meth:`ServiceManager.create`.
    """
    handles: list[ServiceHandle] = []
    accounts: list[str] = []
    try:
        for config in configs:
            handles.append(manager.create(config))
            accounts.append(config.account or LOCAL_SYSTEM)
    except BaseException as error:
        for account in filter(needs_logon_right, dict.fromkeys(accounts)):
            error.add_note(f"{account} keeps the right to log on as a service")
        for handle in handles:
            try:
                manager.remove(handle.name)  # with its event source
            except ServiceError as failure:
                error.add_note(f"{handle.name} stays: {failure}")
        raise
    finally:
        for handle in handles:
            handle.close()


def _command(
    log_file: str,
    services: Iterable[tuple[type[ServiceBase], Target]],
    words: Iterable[str],
) -> tuple[str, ...]:
    command = [sys.executable, "-P", HOST, "host"]
    command += ["--log-file", os.path.abspath(log_file)]
    folders = [
        _found_in(sys.modules[service.__module__])
        for service, target in services
        if not target.is_file
    ]
    for folder in dict.fromkeys(folders):
        if folder is not None and folder not in _known_folders():
            command += ["--path", folder]
    command += words
    for word in command:
        # Nothing can quote a %: what is to be taken as it is must not look like that.
        if match := VARIABLE.search(word):
            msg = f"{word} has {match[0]} in it, which the SCM takes for a variable"
            raise ValueError(f"{msg} (E-16); rename it, or take another folder")
    return tuple(command)


def _found_in(module: ModuleType) -> str | None:
    """Return the folder of ``sys.path`` that a module was found in."""
    if not getattr(module, "__file__", None) or module.__spec__ is None:
        return None
    folder = os.path.dirname(os.path.abspath(module.__file__ or ""))
    # One up for each package; a package's own file is in its own folder.
    for _ in range(module.__spec__.name.count(".") + hasattr(module, "__path__")):
        folder = os.path.dirname(folder)
    return folder


def _known_folders() -> set[str]:
    """Return the folders that Python searches without being told."""
    paths = sysconfig.get_paths()
    return {
        os.path.abspath(folder)
        for folder in (
            *site.getsitepackages(),
            *(paths[key] for key in ("stdlib", "platstdlib", "purelib", "platlib")),
        )
    }

"""The commands that install, configure and remove services."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winsvc.answers import DONE, sentence, status_fields, tell
from winsvc.config import ServiceConfig
from winsvc.errors import ServiceExists
from winsvc.install import (
    create_all,
    host_command,
    log_file_of,
    recommended,
    recommended_names,
    settings_of,
    shared_command,
)
from winsvc.passwords import read_password
from winsvc.states import ServiceType, State

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterable

    from winsvc.changes import Changes
    from winsvc.commands import Commands
    from winsvc.manager import ServiceManager

_ALONE = ("name", "display_name", "description")


@dataclass(frozen=True, slots=True)
class _Wanted:
    """What a command line asks for.

    Attributes:
        configs: The services', of one process if there are several.
        log_file: Where they log; ``None`` if that is not ours to say.
    """

    configs: tuple[ServiceConfig, ...]
    log_file: str | None = None


# --- what is wanted ------------------------------------------------------------------


def _wanted(commands: Commands, options: argparse.Namespace) -> _Wanted:
    """Return what the options, a file and the classes say, in that order."""
    try:
        if options.source is not None:
            return _of_file(commands, options)
        if commands.services or options.targets:
            return _of_classes(commands, options)
        return _Wanted((ServiceConfig(name=options.name, **options.settings),))
    except ValueError as error:
        commands.wrong_usage(str(error))


def _of_classes(commands: Commands, options: argparse.Namespace) -> _Wanted:
    found = commands.load(options.targets)
    given = dict(options.settings)
    if len(found) == 1:
        first, target = found[0]
        log_file = options.log_file or log_file_of(options.name or first.name, target)
        command = host_command(first, target, log_file)
        kind = ServiceType.OWN_PROCESS
    elif options.name or "display_name" in given or "description" in given:
        msg = "--name, --display-name and --description are for one service alone"
        raise ValueError(msg)
    else:
        first, target = found[0]
        log_file = options.log_file or log_file_of(first.name, target)
        command = shared_command(found, log_file)
        kind = ServiceType.SHARE_PROCESS
    configs = []
    for service, _ in found:
        own = {"command": command, "service_type": kind} | settings_of(service)
        configs.append(ServiceConfig(name=options.name or service.name, **own | given))
    return _Wanted(tuple(configs), log_file)

"""What a command line asks for: of its options, a TOML file and a service's class.

An option counts before the file, the file before the class.
"""

from __future__ import annotations

import dataclasses
import os
import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winsvc.attributes import check_attributes, settings_of
from winsvc.commands.answers import warn
from winsvc.commands.options import settings_in
from winsvc.install import host_command, log_file_of, shared_command
from winsvc.log_names import trouble_with
from winsvc.settings.config import ServiceConfig
from winsvc.settings.together import check_together
from winsvc.settings.toml_reader import read_tables
from winsvc.states import ServiceType

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from winsvc.base import ServiceBase
    from winsvc.commands import Commands
    from winsvc.settings.toml_reader import ServiceTable
    from winsvc.target import Target

    Found = Sequence[tuple[type[ServiceBase], Target]]
    PresentLog = Callable[[str], str | None] | None

_ELSEWHERE = {
    "password": "and code is no place for one; --password-stdin, or be asked for it",
    "command": "and its own is what hosts it",
    "log_file": "--log-file says it, or a TOML file",
}


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line asks for.

    Attributes:
        configs: The services'.
        log_file: Where they log; ``None`` if that is not ours to say.
    """

    configs: tuple[ServiceConfig, ...]
    log_file: str | None = None

    def __post_init__(self) -> None:
        """Refuse what no command could be about, and what cannot all be there."""
        for config in self.configs:
            if config.name.startswith("-"):
                msg = f"service {config.name!r}: name cannot start with -, as options "
                raise ValueError(f"{msg}do: no command could name it; choose another")
        check_together(self.configs)


def wanted(
    commands: Commands, options: argparse.Namespace, present_log: PresentLog = None
) -> Wanted:
    """Return what the options, a file and the classes say, in that order.

    Args:
        commands: What commands share.
        options: With ``source`` (a TOML file), ``targets`` and ``name``.
        present_log: Returns where a service logs that is there; it goes on logging
            there unless something else is said.  None: none is there.

    Raises:
        ValueError: They do not fit together, or break a rule.
    """
    given = settings_in(options)
    tables = _tables(options.source) if options.source is not None else ()
    targets, name = options.targets, options.name
    if commands.services or targets:
        found = _load(commands, targets)
        return _of_classes(options, name, found, tables, given, present_log)
    if not tables:
        if options.log_file:
            raise ValueError("--log-file needs the --target that is to log there")
        return Wanted((_with(ServiceConfig(name=name), given),))
    if present_log is None or name is not None or len(tables) == 1:
        tables = (_table(options.source, tables, name),)
    elif options.log_file or {"display_name", "description"} & given.keys():
        msg = "--log-file, --display-name and --description are for one service"
        names = ", ".join(each.config.name for each in tables)
        raise ValueError(f"{msg}: add the name of one, {names}")
    each = [_of_table(commands, options, one, given, present_log) for one in tables]
    configs = tuple(config for one in each for config in one.configs)
    return Wanted(configs, each[0].log_file)


def _load(commands: Commands, targets: Sequence[str]) -> Found:
    """Import targets, whose code may print: standard output is for the answer."""
    with redirect_stdout(sys.stderr):
        return commands.load(targets)


def _of_table(
    commands: Commands,
    options: argparse.Namespace,
    table: ServiceTable,
    given: dict[str, Any],
    present_log: PresentLog,
) -> Wanted:
    if table.target is not None:
        found = _load(commands, [table.target])
        return _of_classes(options, None, found, (table,), given, present_log)
    if options.log_file:
        msg = f"--log-file: {options.source} has no target that could log there"
        raise ValueError(msg)
    return Wanted((_with(table.config, given),))


def _of_classes(
    options: argparse.Namespace,
    name: str | None,
    found: Found,
    tables: Sequence[ServiceTable],
    given: dict[str, Any],
    present_log: PresentLog,
) -> Wanted:
    if options.machine is not None:  # it has other paths
        msg = f"the code is on this computer, the service on {options.machine}"
        raise ValueError(f"{msg}: write its command there into a file, for --from")
    alone = len(found) == 1
    if not alone and (name or {"display_name", "description"} & given.keys()):
        msg = "--name, --display-name and --description are for one service alone"
        raise ValueError(msg)
    names: list[str] = []
    settings: list[dict[str, Any]] = []
    log_file = options.log_file
    for service, _ in found:
        key_name = name or service.name
        for attribute in check_attributes(service):
            warn(
                f"{service.__name__}.{attribute} does not count: a class has no such "
                f"setting, {_ELSEWHERE[attribute]}"
            )
        own = settings_of(service)
        if tables:
            sole = alone and len(tables) == 1
            table = _table(options.source, tables, None if sole else key_name)
            key_name = name or table.config.name
            own = _merged(own, _said(table.config))
            log_file = log_file or table.log_file
        names.append(key_name)
        settings.append(_merged(own, given))
    if log_file is None and present_log is not None:
        log_file = present_log(names[0])
    log_file = log_file or options.default_log_file
    log_file = log_file or log_file_of(names[0], found[0][1])
    if trouble := trouble_with(log_file):
        where = os.path.abspath(log_file)
        raise ValueError(f"no log can be {where}: {trouble}; name a file")
    if alone:
        command = host_command(*found[0], log_file)
        kind = ServiceType.OWN_PROCESS
    else:
        command = shared_command(found, log_file)
        kind = ServiceType.SHARE_PROCESS
        for own in settings:
            if ServiceType.SHARE_PROCESS not in own.get("service_type", kind):
                raise ValueError("services of one process are shared: no other --type")
    process: dict[str, Any] = {"command": command, "service_type": kind}
    return Wanted(
        tuple(
            ServiceConfig(name=key_name, **process | own)
            for key_name, own in zip(names, settings, strict=True)
        ),
        log_file,
    )


def _with(config: ServiceConfig, given: dict[str, Any]) -> ServiceConfig:
    """Return a configuration with what an option says in place of what it says."""
    own = _merged(_said(config), given)
    return ServiceConfig(name=config.name, **own)


def _merged(own: dict[str, Any], later: dict[str, Any]) -> dict[str, Any]:
    """Return settings with what counts before them; one about the start is whole."""
    if "start_type" in later:
        own = {name: value for name, value in own.items() if name != "delayed"}
    return own | later


def _tables(source: str) -> tuple[ServiceTable, ...]:
    try:
        return read_tables(source)
    except OSError as error:
        raise ValueError(f"{source} cannot be read: {error.strerror}") from error


def _table(
    source: str, tables: Sequence[ServiceTable], name: str | None
) -> ServiceTable:
    """Return the table of a service; of the only one if none is named."""
    found = [
        each
        for each in tables
        if name is None or each.config.name.lower() == name.lower()
    ]
    if len(found) == 1:
        return found[0]
    names = ", ".join(each.config.name for each in tables)
    if name is None:
        raise ValueError(f"{source} has more than one service; add a name of {names}")
    raise ValueError(f"{source} has no service {name}; it has {names}")


def _said(config: ServiceConfig) -> dict[str, Any]:
    """Return the settings that are not None."""
    values = {
        field.name: getattr(config, field.name) for field in dataclasses.fields(config)
    }
    del values["name"]
    return {name: value for name, value in values.items() if value is not None}

"""What a command line asks for: of its options, a TOML file and a service's class.

An option counts before the file, the file before the class.
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from winsvc.commands.options import settings_in
from winsvc.install import host_command, log_file_of, settings_of, shared_command
from winsvc.settings.config import ServiceConfig
from winsvc.settings.toml_reader import read_tables
from winsvc.states import ServiceType

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from winsvc.base import ServiceBase
    from winsvc.commands import Commands
    from winsvc.settings.toml_reader import ServiceTable
    from winsvc.target import Target

    Found = Sequence[tuple[type[ServiceBase], Target]]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a command line asks for.

    Attributes:
        configs: The services', of one process if there are several.
        log_file: Where they log; ``None`` if that is not ours to say.
    """

    configs: tuple[ServiceConfig, ...]
    log_file: str | None = None


def wanted(commands: Commands, options: argparse.Namespace) -> Wanted:
    """Return what the options, a file and the classes say, in that order.

    Args:
        commands: What commands share.
        options: With ``source`` (a TOML file), ``targets`` and ``name``.
    """
    try:
        given = settings_in(options)
        tables = _tables(options.source) if options.source is not None else ()
        targets, name = options.targets, options.name
        if not commands.services and not targets:
            if not tables:
                return Wanted((ServiceConfig(name=name, **given),))
            tables, name = (_table(options.source, tables, name),), None
            if tables[0].target is None:
                return _of_table(options, tables[0], given)
            targets = [tables[0].target]
        return _of_classes(options, name, commands.load(targets), tables, given)
    except ValueError as error:
        commands.wrong_usage(str(error))


def _of_table(
    options: argparse.Namespace, table: ServiceTable, given: dict[str, Any]
) -> Wanted:
    if options.log_file:
        msg = f"--log-file: {options.source} has no target that could log there"
        raise ValueError(msg)
    return Wanted((dataclasses.replace(table.config, **given),))


def _of_classes(
    options: argparse.Namespace,
    name: str | None,
    found: Found,
    tables: Sequence[ServiceTable],
    given: dict[str, Any],
) -> Wanted:
    alone = len(found) == 1
    if not alone and (name or {"display_name", "description"} & given.keys()):
        msg = "--name, --display-name and --description are for one service alone"
        raise ValueError(msg)
    names: list[str] = []
    settings: list[dict[str, Any]] = []
    log_file = options.log_file
    for service, _ in found:
        key_name = name or service.name
        own = settings_of(service)
        if tables:
            sole = alone and len(tables) == 1
            table = _table(options.source, tables, None if sole else key_name)
            key_name = name or table.config.name
            own |= _said(table.config)
            log_file = log_file or table.log_file
        names.append(key_name)
        settings.append(own | given)
    log_file = log_file or log_file_of(names[0], found[0][1])
    if alone:
        command = host_command(*found[0], log_file)
        kind = ServiceType.OWN_PROCESS
    else:
        command = shared_command(found, log_file)
        kind = ServiceType.SHARE_PROCESS
    process: dict[str, Any] = {"command": command, "service_type": kind}
    return Wanted(
        tuple(
            ServiceConfig(name=key_name, **process | own)
            for key_name, own in zip(names, settings, strict=True)
        ),
        log_file,
    )


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
    what = "more than one service" if name is None else f"no service {name}"
    raise ValueError(f"{source} has {what}; it has {names}")


def _said(config: ServiceConfig) -> dict[str, Any]:
    """Return the settings that are not None."""
    values = {
        field.name: getattr(config, field.name) for field in dataclasses.fields(config)
    }
    del values["name"]
    return {name: value for name, value in values.items() if value is not None}

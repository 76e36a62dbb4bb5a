"""The commands that tell about services and change nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict
from datetime import datetime
from fnmatch import fnmatch
from typing import TYPE_CHECKING, Any, TypeAlias

from winsvc.commands.answers import (
    DONE,
    REFUSED,
    Refused,
    error_fields,
    raw_status,
    status_fields,
    tell,
    warn,
)
from winsvc.commands.tables import growing_table, print_table
from winsvc.errors import ServiceError, ServiceNotFound
from winsvc.glance import describe, describe_exit, describe_pending
from winsvc.manage.watching_all import ServiceEvent
from winsvc.printable import one_line
from winsvc.states import State

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from winsvc.commands import Commands
    from winsvc.commands.tables import Row
    from winsvc.manage.manager import ServiceManager
    from winsvc.manage.status import ServiceInfo, ServiceStatus


# --- status and list -----------------------------------------------------------------


def status(commands: Commands, options: argparse.Namespace) -> int:
    """Tell the states of services, whatever becomes of the others."""
    with commands.open(options) as manager:
        found = {name: _look(manager, name) for name in options.names}
    errors = [each for each in found.values() if isinstance(each, ServiceError)]
    if errors and len(found) == 1:
        raise errors[0]
    if options.json:
        print(json.dumps({"services": [_fields(*each) for each in found.items()]}))
    for name, each in found.items():
        if isinstance(each, ServiceError):
            warn(str(each))
        elif not options.json:
            print(describe(one_line(name), raw_status(each)))
    return REFUSED if errors else DONE


def _look(manager: ServiceManager, name: str) -> ServiceStatus | ServiceError:
    try:
        with manager.open(name) as handle:
            return handle.status()
    except ServiceError as error:
        return error


def _fields(name: str, found: ServiceStatus | ServiceError) -> Mapping[str, Any]:
    if isinstance(found, ServiceError):
        return {"name": name, "error": error_fields(found, str(found))}
    return status_fields(name, found)


def list_(commands: Commands, options: argparse.Namespace) -> int:
    """Tell the services that there are."""
    pattern = (options.filter or "*").lower()
    state = (options.state or "").upper().replace("-", "_")
    if state and state not in State.__members__:
        commands.wrong_usage(f"no such state: {options.state}")
    more = {} if options.group is None else {"group": options.group}
    with commands.open(options) as manager:
        try:
            found = manager.list(**more)
        except ServiceNotFound as error:  # the SCM's code for groups too (F-16)
            error.remedy = None
            text = f"there is no load-order group {options.group!r} (1060)"
            raise Refused(text, error) from error
        services = sorted(
            (
                info
                for info in found
                if state in ("", info.status.state.name)
                and any(
                    fnmatch(text.lower(), pattern)
                    for text in (info.name, info.display_name)
                )
            ),
            key=lambda info: info.name.lower(),
        )
    _tell_services(options, services)
    return DONE


def dependents(commands: Commands, options: argparse.Namespace) -> int:
    """Tell what depends on a service, directly or not: first what is stopped first."""
    with commands.open(options) as manager, manager.open(options.name) as handle:
        found = handle.dependents(active_only=options.active)
    _tell_services(options, found)
    return DONE


def _tell_services(
    options: argparse.Namespace, services: Sequence[ServiceInfo]
) -> None:
    if options.json:
        print(json.dumps({"services": [_info_fields(info) for info in services]}))
        return
    rows = [
        (
            info.name,
            info.status.state.name,
            str(info.status.pid or ""),
            info.display_name,
        )
        for info in services
    ]
    print_table(("NAME", "STATE", "PROCESS", "DISPLAY NAME"), rows)


def _info_fields(info: ServiceInfo) -> dict[str, Any]:
    fields = dict(status_fields(info.name, info.status))
    return fields | {"display_name": info.display_name}


# --- watch ---------------------------------------------------------------------------

_HEADER = ("TIME", "NAME", "STATE", "PROCESS", "NOTE")
_WIDTHS = (8, 24, 16, 7, 4)

Show: TypeAlias = "Callable[[ServiceEvent], None]"


def watch(commands: Commands, options: argparse.Namespace) -> int:
    """Tell each change of a service, or of all, until Ctrl+C."""
    # That is how it is meant to end: no failure.
    with (
        suppress(KeyboardInterrupt),
        commands.open(options) as manager,
        _shown(as_json=options.json) as show,
    ):
        if options.name is None:
            for event in manager.watch():
                show(event)
        else:
            name, before = options.name, None
            with manager.open(name) as handle:
                for found in handle.watch(checkpoints=True):
                    show(ServiceEvent(name, found, "changed", before))
                    before = found
            show(ServiceEvent(name, None, "deleted"))
    return DONE


@contextmanager
def _shown(*, as_json: bool) -> Iterator[Show]:
    """Yield what shows one change: its service, status and kind."""
    if as_json:
        yield _print_change
        return
    with growing_table(_HEADER, _WIDTHS) as add:
        yield lambda event: add(_change_row(event))


def _print_change(event: ServiceEvent) -> None:
    fields: dict[str, Any] = {
        "time": _now().isoformat(),
        "what": event.what,
        "name": event.name,
    }
    if event.status is not None:
        fields |= status_fields(event.name, event.status)
    if event.is_restart:
        fields["restarted"] = True
    print(json.dumps(fields), flush=True)


def _change_row(event: ServiceEvent) -> Row:
    time, found = _now().strftime("%H:%M:%S"), event.status
    if found is None:
        return time, event.name, event.what, "", ""
    note: str = "" if event.what == "changed" else event.what
    if event.is_restart and event.before is not None:
        note = f"restarted: it was process {event.before.pid}"
    elif found.state.is_pending and found.wait_hint:
        note = describe_pending(found.checkpoint, found.wait_hint)
    elif found.state is State.STOPPED and found.exit_code:
        note = describe_exit(found.exit_code, found.service_exit_code)
    return time, event.name, found.state.name, str(found.pid or ""), note


def _now() -> datetime:
    return datetime.now().astimezone()


# --- doctor --------------------------------------------------------------------------


def doctor(commands: Commands, options: argparse.Namespace) -> int:
    """Look for what keeps a service from working; refused if there is a problem."""
    from winsvc.doctor import diagnose, render

    with commands.open(options) as manager:
        findings = diagnose(manager, options.name, import_target=options.import_target)
    fields = {"name": options.name, "findings": [asdict(each) for each in findings]}
    tell(options, fields, render(findings, verbose=options.verbose))
    return REFUSED if any(each.severity == "problem" for each in findings) else DONE

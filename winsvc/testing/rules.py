"""The SCM's rules about a service's settings, each named by its number."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from winsvc.manage import rights
from winsvc.reasons import StopReason
from winsvc.settings.accounts import LOCAL_SYSTEM, normalize_account
from winsvc.settings.levels import Level, unpack
from winsvc.settings.values import NO_NODE, ActionKind, LaunchProtection
from winsvc.states import ServiceType, StartType
from winsvc.testing.records import refusal
from winsvc.winerror import (
    ERROR_ACCESS_DENIED,
    ERROR_CANNOT_DETECT_DRIVER_FAILURE,
    ERROR_CIRCULAR_DEPENDENCY,
    ERROR_DUPLICATE_SERVICE_NAME,
    ERROR_INVALID_LEVEL,
    ERROR_INVALID_NAME,
    ERROR_INVALID_PARAMETER,
)

if TYPE_CHECKING:
    from winsvc.testing.records import Handle, Record

Records = Mapping[str, "Record"]

MAX_NAME = 256  # E-1
MAX_PRIVILEGES = 4096  # bytes, E-5
MAX_DESCRIPTION = 8192  # with its NUL
MAX_TRIGGERS = MAX_ITEMS = 64  # E-80
MAX_ITEM = 1024
MAX_ACTIONS = 1024  # E-53


_DRIVERS = (ServiceType.KERNEL_DRIVER, ServiceType.FILE_SYSTEM_DRIVER)
_TYPES = frozenset((0x1, 0x2, 0x10, 0x20, 0x50, 0x60, 0x110, 0x120))  # E-7


def check_name(name: str, what: str) -> None:
    """E-1, E-3."""
    if not 0 < len(name) <= MAX_NAME or set("/\\") & set(name):
        raise refusal(ERROR_INVALID_NAME, what)


def check_numbers(service_type: int, start_type: int, error: int, what: str) -> None:
    """E-7, E-9, E-10."""
    is_driver = service_type in _DRIVERS
    boots = start_type in (StartType.BOOT, StartType.SYSTEM)
    if (
        service_type not in _TYPES
        or start_type not in range(5)
        or (boots and not is_driver)
        or error not in range(4)
    ):
        raise refusal(ERROR_INVALID_PARAMETER, what)


def check_account(service_type: int, account: str, what: str) -> None:
    """E-8."""
    is_system = normalize_account(account) == LOCAL_SYSTEM
    if service_type & ServiceType.INTERACTIVE and not is_system:
        raise refusal(ERROR_INVALID_PARAMETER, what)


def check_display_name(
    name: str, display_name: str, records: Records, what: str
) -> None:
    """E-12, as from Windows 10 1709 on."""
    if display_name.upper() in records and display_name.upper() != name.upper():
        raise refusal(ERROR_DUPLICATE_SERVICE_NAME, what)


def check_dependencies(
    name: str,
    group: str,
    dependencies: Iterable[str],
    records: Records,
    what: str,
) -> None:
    """E-49: a service may not come to depend on itself; E-14: on what is not."""
    todo, seen = list(dependencies), set()
    while todo:
        one = todo.pop().upper()
        if one in seen:
            continue
        seen.add(one)
        if one == name.upper() or (group and one == f"+{group.upper()}"):
            raise refusal(ERROR_CIRCULAR_DEPENDENCY, what)
        for record in records.values():
            if record.name.upper() != name.upper() and _is_named(record, one):
                todo += record.dependencies


def dependents_of(record: Record, records: Records) -> Iterator[Record]:
    """Yield all dependents, each before what it depends on itself (F-20, F-22)."""
    seen = {record.name.upper()}

    def walk(one: Record) -> Iterator[Record]:
        for other in records.values():
            if other.name.upper() not in seen and any(
                _is_named(one, each.upper()) for each in other.dependencies
            ):
                seen.add(other.name.upper())
                yield from walk(other)
                yield other

    return walk(record)


def _is_named(record: Record, dependency: str) -> bool:
    """Tell whether a dependency, in capitals, is a service or its group."""
    if dependency.startswith("+"):
        return record.group.upper() == dependency[1:]
    return record.name.upper() == dependency


def check_change(
    record: Record, new: Mapping[str, Any], records: Records, what: str
) -> None:
    """E-43, of the settings as they are going to be."""
    kind, group = new["service_type"], new["group"]
    check_numbers(kind, new["start_type"], new["error_control"], what)
    was_driver = record.service_type in _DRIVERS
    node = record.levels.get(Level.PREFERRED_NODE, NO_NODE)
    joins = group.upper() != record.group.upper() and group
    if (
        was_driver != (kind in _DRIVERS)
        or (node != NO_NODE and not kind & ServiceType.OWN_PROCESS)
        or (joins and record.levels.get(Level.DELAYED_AUTO_START, False))
    ):
        raise refusal(ERROR_INVALID_PARAMETER, what)
    check_account(kind, new["account"], what)
    check_dependencies(record.name, group, new["dependencies"], records, what)
    check_display_name(record.name, new["display_name"], records, what)


def value_of(record: Record, handle: Handle, level: int, image: bytes) -> Any:
    """Return what a level is set to, if the SCM accepts it (E.7, E-59, E-80)."""
    what = f"set level {level}"
    if level not in Level.__members__.values():
        raise refusal(ERROR_INVALID_LEVEL, what)  # E-71
    try:
        value = unpack(level, image, 0)
    except ValueError as error:
        raise refusal(ERROR_INVALID_PARAMETER, f"{what}: {error}") from error
    if level == Level.FAILURE_ACTIONS:
        if record.service_type in _DRIVERS:
            raise refusal(ERROR_CANNOT_DETECT_DRIVER_FAILURE, what)
        kinds = {action.kind for action in value.actions}
        if ActionKind.RESTART in kinds and not handle.access & rights.START:
            raise refusal(ERROR_ACCESS_DENIED, what)
    if not _is_valid(record, Level(level), value):
        raise refusal(ERROR_INVALID_PARAMETER, what)
    return value


def _is_valid(record: Record, level: Level, value: Any) -> bool:
    if level is Level.DESCRIPTION:
        return utf16_units(value) < MAX_DESCRIPTION
    if level is Level.FAILURE_ACTIONS:
        known = all(action.kind.is_known for action in value.actions)
        return known and len(value.actions) <= MAX_ACTIONS
    if level is Level.DELAYED_AUTO_START:
        return not (value and record.group)  # E-49d
    if level in (Level.SERVICE_SID, Level.LAUNCH_PROTECTED):
        return bool(value.is_known)
    if level is Level.REQUIRED_PRIVILEGES:
        return 2 * sum(utf16_units(each) + 1 for each in (*value, "")) <= MAX_PRIVILEGES
    if level is Level.TRIGGERS:
        return _are_valid(value, is_set=bool(record.levels.get(level)))
    if level is Level.PREFERRED_NODE:
        return value == NO_NODE or bool(record.service_type & ServiceType.OWN_PROCESS)
    return True


def _are_valid(triggers: Any, *, is_set: bool) -> bool:
    """E-80 to E-82; none when there are none is refused too."""
    return (
        (is_set or bool(triggers))
        and len(triggers) <= MAX_TRIGGERS
        and all(
            trigger.type.is_known
            and trigger.action.is_known
            and len(trigger.data) <= MAX_ITEMS
            and all(len(item.data) <= MAX_ITEM for item in trigger.data)
            and not any(trigger.problems())
            for trigger in triggers
        )
    )


def is_protected(record: Record) -> bool:
    """Tell whether changes are refused with 5 (E.7, level 12)."""
    none = LaunchProtection.NONE
    return bool(record.levels.get(Level.LAUNCH_PROTECTED, none) != none)


def is_stop_reason(code: int) -> bool:
    """Tell whether the SCM takes a reason for a stop (B-41)."""
    planned = {0x10000000: False, 0x40000000: True}.get(code & 0x50000000)
    if planned is None:
        return False
    try:
        reason = StopReason(
            planned=planned, major=code >> 16 & 0xFF, minor=code & 0xFFFF
        )
    except ValueError:
        return False
    return reason.code == code


def utf16_units(text: str) -> int:
    """Return the length that Windows counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2

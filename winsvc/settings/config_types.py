"""What type each setting of a configuration has, for who writes Python without mypy."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import IntEnum, IntFlag
from typing import TYPE_CHECKING, Any
from uuid import UUID

from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)
from winsvc.settings.values import (
    ActionKind,
    ErrorControl,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType

if TYPE_CHECKING:
    from winsvc.settings.config import ServiceConfig

_TEXT, _FLAG = (str, "a text"), (bool, "True or False")
_NUMBER, _SECONDS = (int, "a number"), ((int, float), "a number of seconds")
_Type = tuple[type | tuple[type, ...], str]
_TYPES: dict[str, _Type] = {
    "display_name": _TEXT,
    "description": _TEXT,
    "delayed": _FLAG,
    "group": _TEXT,
    "account": _TEXT,
    "password": _TEXT,
    "failure_actions": (FailureActions, "FailureActions"),
    "failure_actions_on_error": _FLAG,
    "preshutdown_timeout": _SECONDS,
    "preferred_node": _NUMBER,
    "environment": (Mapping, "a dict of texts"),
    "security": _TEXT,
    "event_source": _FLAG,
}
_LISTS: dict[str, _Type] = {
    "command": (str, "a tuple of texts"),
    "dependencies": (str, "a tuple of texts"),
    "required_privileges": (str, "a tuple of texts"),
    "triggers": (Trigger, "a tuple of Trigger"),
}
_ENUMS: dict[str, type[IntEnum] | type[IntFlag]] = {
    "start_type": StartType,
    "service_type": ServiceType,
    "error_control": ErrorControl,
    "sid_type": SidType,
    "launch_protection": LaunchProtection,
}
_ACTION: dict[str, _Type] = {
    "kind": (ActionKind, "an ActionKind"),
    "delay": _SECONDS,
}
_TRIGGER: dict[str, _Type] = {
    "type": (TriggerType, "a TriggerType"),
    "action": (TriggerAction, "a TriggerAction"),
    "subtype": (UUID, "a UUID"),
}
_ITEM: dict[str, _Type] = {
    "type": (TriggerDataType, "a TriggerDataType"),
    "data": (bytes, "bytes"),
}


def problems_of_types(config: ServiceConfig) -> Iterator[tuple[str, str]]:
    """Yield (setting, what it is and what to give), values unseen."""
    if not isinstance(config.name, str):
        yield "name", _problem(config.name, "a text")
    for name, wanted in _TYPES.items():
        value = getattr(config, name)
        if value is not None and not _is(value, wanted):
            yield name, _problem(value, wanted[1])
    for name, (kind, what) in _LISTS.items():
        value = getattr(config, name)
        if value is not None and (problem := _problem_of_list(value, kind, what)):
            yield name, problem
    for name, enum in _ENUMS.items():
        value = getattr(config, name)
        if value is not None and not isinstance(value, enum):
            yield name, _problem(value, f"a member of {enum.__name__}")
    for each in (config.environment or {}).items():
        if not all(isinstance(text, str) for text in each):
            odd = next(text for text in each if not isinstance(text, str))
            yield "environment", f"has {each[0]!r}, which {_problem(odd, 'a text')}"
    if isinstance(config.failure_actions, FailureActions):
        for problem in _problems_of_actions(config.failure_actions):
            yield "failure_actions", problem
    for trigger in config.triggers or ():
        for problem in _problems_of_trigger(trigger):
            yield "triggers", problem


def fits(setting: str, value: object) -> bool:
    """Tell whether a value is of the type that a setting has."""
    if setting in _ENUMS:
        return isinstance(value, _ENUMS[setting])
    if setting in _LISTS:
        return bool(value) and not _problem_of_list(value, *_LISTS[setting])
    return _is(value, _TYPES[setting])


def _problems_of_actions(value: FailureActions) -> Iterator[str]:
    what = "a tuple of FailureAction"
    if not isinstance(value.actions, tuple) or (
        _problem_of_list(value.actions, FailureAction, what)
    ):
        yield f"have actions that are no tuple of FailureAction; give {what}"
    else:
        for action in value.actions:
            yield from _problems_within("an action", action, _ACTION)
    if value.reset_period is not None and not _is(value.reset_period, _SECONDS):
        yield f"have a reset_period that {_problem(value.reset_period, _SECONDS[1])}"
    for name in ("command", "reboot_message"):
        text = getattr(value, name)
        if not isinstance(text, str):
            yield f"have a {name} that {_problem(text, 'a text')}"


def _problems_of_trigger(trigger: Trigger) -> Iterator[str]:
    yield from _problems_within("one", trigger, _TRIGGER)
    what = "a tuple of TriggerData"
    if problem := _problem_of_list(trigger.data, TriggerData, what):
        yield f"have one with data that {problem}"
    else:
        for item in trigger.data:
            yield from _problems_within("an item", item, _ITEM)


def _problems_within(
    what: str, value: object, wanted: Mapping[str, _Type]
) -> Iterator[str]:
    for name, each in wanted.items():
        found = getattr(value, name)
        if not _is(found, each):
            yield f"have {what} whose {name} {_problem(found, each[1])}"


def _problem_of_list(value: Any, kind: Any, what: str) -> str | None:
    if isinstance(value, str):
        return f"is one text; give {what}"
    if not isinstance(value, list | tuple):
        return _problem(value, what)
    odd = [each for each in value if not isinstance(each, kind)]
    return f"has {_article(odd[0])} in it; give {what}" if odd else None


def _is(value: object, wanted: _Type) -> bool:
    """Tell whether a value is of a type; True is no number."""
    kind = wanted[0]
    return isinstance(value, kind) and (kind is bool or not isinstance(value, bool))


def _problem(value: object, what: str) -> str:
    """Say what it is and should be: never the value, which may be a password."""
    return f"is {_article(value)}; give {what}"


def _article(value: object) -> str:
    name = type(value).__name__
    return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"

"""What applying a configuration changes, as text and for JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from winsvc.settings.trigger_text import trigger_text
from winsvc.settings.triggers import Trigger
from winsvc.settings.values import NO_NODE, FailureAction, FailureActions

LOGON_RIGHT = "log_on_as_a_service"
"""Stands for a setting in the change that gives an account that right (E-15)."""
HIDDEN = "(set)"
"""Stands for what may be a secret: a password, the value of a variable."""


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is to get another value, or that got it.

    Attributes:
        setting: Its name, as in ``ServiceConfig``; ``log_on_as_a_service``: none of
            the service, but the right that its account gets.
        old: Its value before; ``None`` for a service that was not there.
        new: Its value after; the account that gets the right.

    Both are what the SCM keeps: ``command`` is one line, ``event_source`` the
    message file or ``None``.  A password is never in it: ``new`` is ``(set)``.  The
    environment's values are, but neither its text nor JSON shows them.
    """

    setting: str
    old: Any
    new: Any

    def __str__(self) -> str:
        """Return it as one line: ``start type: manual -> auto``."""
        name = self.setting.replace("_", " ")
        if isinstance(self.old, Mapping):
            marks = [f"{each} {mark}" for mark, each in self._marks()]
            return f"{name}: {_show_text(', '.join(marks))}"
        new = show_value(self.setting, self.new)
        if self.old is None and self.setting != "event_source":
            return f"{name}: {new}"
        return f"{name}: {show_value(self.setting, self.old)} -> {new}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can have it."""
        fields: dict[str, Any] = {
            "setting": self.setting,
            "old": plain_value(self.old),
            "new": plain_value(self.new),
        }
        if isinstance(self.new, Mapping):
            marks = list(self._marks())
            for mark in ("added", "changed", "removed"):
                fields[mark] = [name for each, name in marks if each == mark]
        return fields

    def _marks(self) -> Iterator[tuple[str, str]]:
        """Yield what becomes of each variable, whose names in any case are one."""
        old, new = (
            {name.upper(): (name, value) for name, value in (variables or {}).items()}
            for variables in (self.old, self.new)
        )
        for key, (name, value) in new.items():
            if key not in old:
                yield "added", name
            elif old[key][1] != value:
                yield "changed", name
        for key, (name, _) in old.items():
            if key not in new:
                yield "removed", name


@dataclass(frozen=True, slots=True)
class Changes:
    """What applying a configuration changes; true if there is something to do.

    Attributes:
        service: Key name.
        is_new: The service is not there: it is created.
        changes: One for each setting, in the order of ``ServiceConfig``; behind
            ``account`` that of the right to log on as a service.
        left_out: Settings that this system does not know, and the event source if
            it is somebody else's, where the caller does not insist on them.
        notes: What else is not done, and what to do about it, a sentence each.
    """

    service: str
    is_new: bool = False
    changes: tuple[Change, ...] = ()
    left_out: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is something to do."""
        return self.is_new or bool(self.changes)

    def __str__(self) -> str:
        """Return one line for each change; nothing if there is none."""
        return "\n".join(map(str, self.changes))

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can have it."""
        return {
            "service": self.service,
            "is_new": self.is_new,
            "changes": [change.as_dict() for change in self.changes],
            "left_out": list(self.left_out),
            "notes": list(self.notes),
        }


def show_value(setting: str, value: Any) -> str:
    """Return a setting's value as one line; of a variable only that it is set."""
    if setting == LOGON_RIGHT:
        return f"granted to {value}"
    if setting == "preferred_node" and value == NO_NODE:
        return "none"
    if setting == "required_privileges" and value == ():
        return "all"  # those that its account has: there is no way to keep none
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, Enum):
        return _name(value)
    if isinstance(value, float):
        return f"{value:g} s"
    if isinstance(value, FailureActions):
        return _show_actions(value)
    if isinstance(value, Mapping):
        value = tuple(f"{name}={HIDDEN}" for name in value)
    if isinstance(value, tuple):
        return ", ".join(map(_show_item, value)) or "none"
    return _show_text(str(value)) if value not in (None, "") else "none"


def _show_item(item: object) -> str:
    return _show_text(trigger_text(item) if isinstance(item, Trigger) else str(item))


def _show_text(text: str) -> str:
    """Return a text as it is, if it is one line that can be seen."""
    return text if text.isprintable() else json.dumps(text)


def _show_actions(actions: FailureActions) -> str:
    parts = [", then ".join(map(_show_action, actions.actions)) or "none"]
    if actions.reset_period is not None:
        parts.append(f"counted anew after {actions.reset_period:g} s")
    if actions.command:
        parts.append(f"command {_show_text(actions.command)}")
    if actions.reboot_message:
        parts.append(f"message {_show_text(actions.reboot_message)}")
    return "; ".join(parts)


def _show_action(action: FailureAction) -> str:
    return f"{_name(action.kind)} after {action.delay:g} s"


def _name(value: Enum) -> str:
    """Return an enumeration's member as the command line has it."""
    names = (value.name or str(value.value)).lower().split("|")
    return "+".join(name.replace("_", "-") for name in names)


def plain_value(value: Any) -> Any:
    """Return a setting's value as JSON can have it; of a variable that it is set."""
    if isinstance(value, Enum):
        return _name(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict.fromkeys(value, HIDDEN)
    if isinstance(value, tuple):
        return [plain_value(item) for item in value]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return {each.name: plain_value(getattr(value, each.name)) for each in fields}
    return str(value)

"""What applying a configuration changes, as text and for JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from winsvc.settings.trigger_text import trigger_text
from winsvc.settings.triggers import Trigger
from winsvc.settings.values import NO_NODE, FailureAction, FailureActions


@dataclass(frozen=True, slots=True)
class Change:
    """A setting that is to get another value, or that got it.

    Attributes:
        setting: Its name, as in ``ServiceConfig``.
        old: Its value before; ``None`` for a service that was not there.
        new: Its value after.

    Both are what the SCM keeps: ``command`` is one line, ``event_source`` the
    message file or ``None``.  A password is never in it: ``new`` is ``(set)``.
    """

    setting: str
    old: Any
    new: Any

    def __str__(self) -> str:
        """Return it as one line: ``start type: manual -> auto``."""
        name = self.setting.replace("_", " ")
        new = show_value(self.setting, self.new)
        if self.old is None and self.setting != "event_source":
            return f"{name}: {new}"
        return f"{name}: {show_value(self.setting, self.old)} -> {new}"

    def as_dict(self) -> dict[str, Any]:
        """Return it as JSON can have it."""
        return {
            "setting": self.setting,
            "old": plain_value(self.old),
            "new": plain_value(self.new),
        }


@dataclass(frozen=True, slots=True)
class Changes:
    """What applying a configuration changes; true if there is something to do.

    Attributes:
        service: Key name.
        is_new: The service is not there: it is created.
        changes: One for each setting, in the order of ``ServiceConfig``.
        left_out: Settings that this system does not know, and the event source if
            it is somebody else's, where the caller does not insist on them.
    """

    service: str
    is_new: bool = False
    changes: tuple[Change, ...] = ()
    left_out: tuple[str, ...] = ()

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
        }


def show_value(setting: str, value: Any) -> str:
    """Return a setting's value as one line."""
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
        value = tuple(f"{name}={text}" for name, text in value.items())
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
    """Return a setting's value as JSON can have it."""
    if isinstance(value, Enum):
        return _name(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, tuple):
        return [plain_value(item) for item in value]
    if dataclasses.is_dataclass(value):
        fields = dataclasses.fields(value)
        return {each.name: plain_value(getattr(value, each.name)) for each in fields}
    return str(value)

"""Write a configuration as TOML that ``ServiceConfig.from_toml`` reads back."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

from winsvc.settings.config import ServiceConfig
from winsvc.settings.text import member_text, start_text, type_text
from winsvc.settings.trigger_text import trigger_form
from winsvc.settings.triggers import Trigger
from winsvc.settings.values import NO_NODE

_BARE_KEY = re.compile("[A-Za-z0-9_-]+")
# With backslashes, and nothing that a text in '' cannot hold.
_LITERAL = re.compile(r"[^'\x00-\x1f\x7f]*\\[^'\x00-\x1f\x7f]*")


def to_toml(config: ServiceConfig) -> str:
    """Return a configuration as a TOML file with one ``[service]``.

    Settings that are None are left out, and so is the password.

    Raises:
        ValueError: A setting has no word: a driver's start or type, or what a newer
            Windows has told; the message names it.
    """
    lines = ["[service]"]
    for key, value_of in _WRITERS.items():
        try:
            value = value_of(config)
            if value is not None:
                lines.append(f"{key} = {_written(value)}")
        except ValueError as error:
            msg = f"service {config.name!r}: {key} cannot be written: {error}"
            raise ValueError(msg) from error
    return "\n".join(lines) + "\n"


def _start(config: ServiceConfig) -> str | None:
    if config.start_type is None:
        return None
    return start_text(config.start_type, config.delayed, bool(config.triggers))


def _delayed(config: ServiceConfig) -> bool | None:
    # With a start type its word says this too.
    return config.delayed if config.start_type is None else None


def _failure_actions(config: ServiceConfig) -> dict[str, Any] | None:
    table: dict[str, Any] = {}
    if (value := config.failure_actions) is not None:
        actions = [{member_text(each.kind): each.delay} for each in value.actions]
        table = {"actions": actions, "reset-period": value.reset_period}
        table |= {"command": value.command, "reboot-message": value.reboot_message}
    table["on-error"] = config.failure_actions_on_error
    return {
        key: each for key, each in table.items() if each is not None and each != ""
    } or None


def _triggers(config: ServiceConfig) -> list[dict[str, Any]] | None:
    if config.triggers is None:
        return None
    return [_trigger(each) for each in config.triggers]


def _trigger(trigger: Trigger) -> dict[str, Any]:
    kind, argument, action = trigger_form(trigger)
    table: dict[str, Any] = {kind: argument or True}
    return table | {"action": action} if action else table


def _node(config: ServiceConfig) -> int | str | None:
    return "none" if config.preferred_node == NO_NODE else config.preferred_node


def _attribute(name: str, write: Callable[[Any], Any] | None = None) -> _Writer:
    """Return what gets a setting, as ``write`` writes it."""

    def value_of(config: ServiceConfig) -> Any:
        value = getattr(config, name)
        return value if write is None or value is None else write(value)

    return value_of


_Writer = Callable[[ServiceConfig], Any]
# What a configuration has for a key; None if nothing.
_WRITERS: Mapping[str, _Writer] = {
    "name": _attribute("name"),
    "display-name": _attribute("display_name"),
    "description": _attribute("description"),
    "command": _attribute("command"),
    "start": _start,
    "delayed": _delayed,
    "type": _attribute("service_type", type_text),
    "error-control": _attribute("error_control", member_text),
    "group": _attribute("group"),
    "dependencies": _attribute("dependencies"),
    "account": _attribute("account"),
    "failure-actions": _failure_actions,
    "sid-type": _attribute("sid_type", member_text),
    "required-privileges": _attribute("required_privileges"),
    "preshutdown-timeout": _attribute("preshutdown_timeout"),
    "triggers": _triggers,
    "preferred-node": _node,
    "launch-protection": _attribute("launch_protection", member_text),
    "environment": _attribute("environment"),
    "security": _attribute("security"),
    "event-source": _attribute("event_source"),
}


def _written(value: Any) -> str:
    """Return a value in TOML's own form."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, Mapping):
        items = (f"{_key(key)} = {_written(each)}" for key, each in value.items())
        return f"{{ {', '.join(items)} }}" if value else "{}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_written, value))}]"
    return repr(value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _text(name)


def _text(text: str) -> str:
    if _LITERAL.fullmatch(text):
        written = f"'{text}'"
    else:
        # JSON's escapes are TOML's, but it leaves DEL as it is.
        written = json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
    written.encode()  # a lone surrogate, which no file can hold, is a ValueError
    return written

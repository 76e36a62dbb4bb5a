"""The options that settings have on the command line (docs/configuration.md)."""

from __future__ import annotations

import argparse
import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from winsvc.commands.words import said
from winsvc.settings.table import SETTINGS, Setting
from winsvc.settings.text import (
    START_WORDS,
    TYPE_WORDS,
    parse_reset_after,
    parse_start,
    words_of,
)
from winsvc.settings.trigger_text import TRIGGER_KINDS
from winsvc.settings.values import (
    ErrorControl,
    FailureActions,
    LaunchProtection,
    SidType,
)

if TYPE_CHECKING:
    from winsvc.settings.config import ServiceConfig

# Setting -> the placeholder of its value, and its help.
_HELP = {
    "display_name": ("TEXT", "the name people see"),
    "description": ("TEXT", "what services.msc says of it"),
    "start_type": ("WHEN", f"when it starts: {', '.join(START_WORDS)}"),
    "service_type": ("KIND", f"{', '.join(TYPE_WORDS)}"),
    "error_control": ("WHAT", f"at boot: {', '.join(words_of(ErrorControl))}"),
    "group": ("GROUP", "load-order group that it is in"),
    "dependencies": ("NAME", "what starts before it; +NAME for a group"),
    "account": ("ACCOUNT", r"such as .\user, LocalService; default: LocalSystem"),
    "failure_actions": ("ACTIONS", "such as restart:5,restart:30,none"),
    "failure_actions_on_error": ("", "an exit code other than 0 is a failure too"),
    "sid_type": ("KIND", f"of its own SID: {', '.join(words_of(SidType))}"),
    "required_privileges": ("PRIVILEGE", "one that its process keeps"),
    "preshutdown_timeout": ("SECONDS", "how long a shutdown waits for it"),
    "triggers": ("TRIGGER", f"what starts it: {', '.join(TRIGGER_KINDS)}"),
    "preferred_node": ("NODE", "NUMA node, or none"),
    "launch_protection": ("KIND", f"{', '.join(words_of(LaunchProtection))}"),
    "environment": (
        "NAME=VALUE",
        "a variable of its process; together they replace all that it has",
    ),
    "security": ("SDDL", "who may do what with it: D:(A;;...)"),
    "event_source": ("", "let its events have texts in the Event Viewer"),
}
_SWITCHES = ("failure_actions_on_error", "event_source")
_LISTS = ("dependencies", "required_privileges", "triggers", "environment")
_OF_FAILURES: dict[str, tuple[str, str, Callable[[str], Any]]] = {
    "reset_period": (
        "SECONDS",
        "time after which failures are counted anew, or never",
        parse_reset_after,
    ),
    "command": ("COMMAND", "what run-command runs", str),
    "reboot_message": ("TEXT", "what users are told before a reboot", str),
}
# Set otherwise: by a positional, beside --start-type, by passwords.py.
_ELSEWHERE = ("name", "command", "delayed", "password")
# A setting of several options: what is not said of it stays.
_MERGED = "failure_actions"


def add_settings(parser: argparse.ArgumentParser) -> None:
    """Add an option for each setting of a service."""
    group = parser.add_argument_group(
        "settings", 'an option that may be repeated is cleared by "" as its value'
    )
    for setting in SETTINGS:
        if setting.name not in _ELSEWHERE:
            _add(group, setting)


def settings_in(options: argparse.Namespace) -> dict[str, Any]:
    """Return the settings that are on the command line.

    Args:
        options: From a parser of :func:`add_settings`.

    Returns:
        Their values, by the names of ``ServiceConfig``; without the failure actions.
    """
    found = {
        setting.name: value
        for setting in SETTINGS
        if setting.name not in (*_ELSEWHERE, _MERGED)
        and (value := getattr(options, _dest(setting.name), None)) is not None
    }
    for name in _LISTS:
        if name in found:
            found[name] = tuple(each for each in found[name] if each != "")
    if "environment" in found:
        found["environment"] = dict(found["environment"])
    if "start_type" in found:
        found |= parse_start(found.pop("start_type"))  # one word for two settings
    return found


def says_failures(options: argparse.Namespace) -> bool:
    """Tell whether anything about the failure actions is on the command line."""
    return bool(_failure_parts(options))


def with_failures(
    options: argparse.Namespace, config: ServiceConfig, present: FailureActions | None
) -> ServiceConfig:
    """Return a configuration with the failure actions that the command line says.

    Args:
        options: From a parser of :func:`add_settings`.
        config: Its own, where it has some, are what is not said.
        present: Those of the service, else.
    """
    parts = _failure_parts(options)
    if not parts:
        return config
    if parts.get("actions") == ():  # without them there is no such time (E-58)
        parts.setdefault("reset_period", None)
    old = config.failure_actions or present or FailureActions()
    return dataclasses.replace(
        config, failure_actions=dataclasses.replace(old, **parts)
    )


def _failure_parts(options: argparse.Namespace) -> dict[str, Any]:
    given = vars(options)
    found = {
        part: given[dest]
        for part in _OF_FAILURES
        if (dest := _dest(f"failure_{part}")) in given
    }
    if (actions := given.get(_dest(_MERGED))) is not None:
        found["actions"] = actions
    return found


def wants_trigger(options: argparse.Namespace) -> bool:
    """Tell whether the service is to be started by its triggers alone."""
    word: str | None = getattr(options, _dest("start_type"), None)
    return word is not None and word.strip().lower() == "trigger"


def _add(group: argparse._ArgumentGroup, setting: Setting) -> None:
    metavar, text = _HELP[setting.name]
    text = text.replace("%", "%%")
    more: dict[str, Any] = {"dest": _dest(setting.name), "help": text}
    if setting.name in _SWITCHES:
        action = argparse.BooleanOptionalAction
        group.add_argument(setting.options[0], action=action, **more)
        return
    more |= {"metavar": metavar, "type": said(setting.parse or str)}
    if setting.name == "start_type":
        more["type"] = said(_start_word)
    if setting.name in _LISTS:
        more |= {"action": "append", "type": _or_nothing(setting.parse or str)}
    group.add_argument(setting.options[0], **more)
    if setting.name == "failure_actions":
        for option, part in zip(setting.options[1:], _OF_FAILURES, strict=True):
            metavar, text, parse = _OF_FAILURES[part]
            dest = _dest(f"failure_{part}")
            group.add_argument(
                option,
                dest=dest,
                default=argparse.SUPPRESS,  # None is a value: never
                metavar=metavar,
                help=text,
                type=said(parse),
            )


def _start_word(text: str) -> str:
    """Return a word about the start as it is, checked: it says more than its values."""
    parse_start(text)
    return text


def _dest(name: str) -> str:
    return f"set_{name}"


def _or_nothing(parse: Callable[[str], Any]) -> Callable[[str], Any]:
    """Return a parser that leaves "" as it is."""
    checked = said(parse)
    return lambda text: checked(text) if text else ""

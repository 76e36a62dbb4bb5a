"""Configurations in TOML: read from a file, and written for another machine.

A file has one service in ``[service]``, or several in ``[services.NAME]``; a
``pyproject.toml`` has them in ``[tool.winsvc.services.NAME]``.  The keys are those of
``winsvc.settings.table``, and ``target`` and ``log-file``, which stand in place of
``command``.  ``docs/configuration.md`` shows them all.
"""

from __future__ import annotations

import codecs
import difflib
import os
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from winsvc.settings import text as setting_text
from winsvc.settings.config import ServiceConfig
from winsvc.settings.together import check_together
from winsvc.settings.trigger_text import TRIGGER_KINDS, TriggerForm, make_trigger
from winsvc.settings.triggers import Trigger
from winsvc.settings.values import ActionKind, FailureAction, FailureActions


@dataclass(frozen=True, slots=True)
class ServiceTable:
    """A service as a TOML file has it.

    Attributes:
        config: Its settings; ``command`` is None if there is a ``target``.
        target: The class to host, ``module:Class`` or a file's; its path is taken
            from the TOML file's folder.  None: ``config`` says what runs, or
            nothing does, for a service that exists.
        log_file: Where the host is to log to, likewise; None: where it would.
    """

    config: ServiceConfig
    target: str | None = None
    log_file: str | None = None


def read_tables(path: str | os.PathLike[str]) -> tuple[ServiceTable, ...]:
    """Return the services of a TOML file, in their order.

    Args:
        path: A file with ``[service]`` or ``[services.NAME]``, or a pyproject.toml,
            in UTF-8; with its mark in UTF-16 too, as PowerShell's ``>`` writes it.

    Raises:
        ValueError: It is no TOML, has no service or an unknown key, or a setting
            breaks a rule; the message names file, table and key.  Or its services
            cannot all be there: one name, one display name, a circle.
        OSError: It cannot be read.
    """
    with open(path, "rb") as file:
        data = file.read()
    try:
        document = tomllib.loads(_decoded(data))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        msg = f"{os.fspath(path)}: {error}"
        raise ValueError(msg) from error
    places = list(_places(document, os.fspath(path)))
    if not places:
        where = "[service], [services.NAME] or [tool.winsvc.services.NAME]"
        msg = f"{os.fspath(path)}: has no service; write {where}"
        raise ValueError(msg)
    tables = tuple(place.service() for place in places)
    try:
        check_together([table.config for table in tables])
    except ValueError as error:
        msg = f"{os.fspath(path)}: {error}"
        raise ValueError(msg) from error
    return tables


def read_config(path: str | os.PathLike[str], name: str | None) -> ServiceConfig:
    """Return one service's settings: ``ServiceConfig.from_toml``."""
    tables = read_tables(path)
    found = [
        table
        for table in tables
        if name is None or table.config.name.lower() == name.lower()
    ]
    if len(found) == 1:
        return found[0].config
    names = ", ".join(table.config.name for table in tables)
    what = f"no service {name}" if name is not None else "more than one service"
    msg = f"{os.fspath(path)}: has {what}; name one of {names}"
    raise ValueError(msg)


def _decoded(data: bytes) -> str:
    """Return a file's text, by the mark that it may begin with."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.decode("utf-16")
    return data.decode("utf-8-sig")


def _places(document: dict[str, Any], path: str) -> Iterator[_Place]:
    if "service" in document:
        yield _Place(path, "[service]", document["service"], None)
    tool = document.get("tool")
    winsvc = tool.get("winsvc") if isinstance(tool, dict) else None
    for parent, prefix in ((document, ""), (winsvc, "tool.winsvc.")):
        services = parent.get("services", {}) if isinstance(parent, dict) else {}
        if not isinstance(services, dict):
            msg = f"{path}: [{prefix}services]: write a table for each: services.NAME"
            raise ValueError(msg)  # noqa: TRY004 - as for any other wrong value
        for name, table in services.items():
            yield _Place(path, f"[{prefix}services.{name}]", table, name)


@dataclass(frozen=True, slots=True)
class _Place:
    """One service's table, and where it is, for messages.

    Attributes:
        path: The file.
        table: The table's header.
        values: What it has.
        name: The service's name if the header has it.
    """

    path: str
    table: str
    values: Any
    name: str | None

    def service(self) -> ServiceTable:
        """Return what the table says."""
        if not isinstance(self.values, dict):
            raise self.error(None, "is no table")
        settings: dict[str, Any] = {} if self.name is None else {"name": self.name}
        strings: dict[str, str] = {}
        for key, value in self.values.items():
            if key in ("target", "log-file"):
                strings[key] = self.read(_text, key, value)
            elif key == "password":
                raise self.error(
                    key,
                    "has no place in a file; use --password-stdin, or be asked for it",
                )
            elif key == "name" and self.name is not None:
                raise self.error(key, "stands in the table's header; leave it out")
            elif key not in _READERS:
                raise self.error(key, _unknown(key, (*_READERS, "target", "log-file")))
            else:
                settings |= self.read(_READERS[key], key, value)
        if "delayed" in self.values:  # its own key counts, wherever it is
            settings["delayed"] = self.values["delayed"]
        self.check(settings, strings)
        try:
            config = ServiceConfig(**settings)
        except ValueError as error:
            raise self.error(None, str(error)) from error
        return ServiceTable(
            config,
            self.target(strings.get("target")),
            self.resolve(strings.get("log-file")),
        )

    def check(self, settings: dict[str, Any], strings: dict[str, str]) -> None:
        """Check what concerns several keys."""
        if "name" not in settings:
            raise self.error("name", "is missing; write the service's key name")
        if "command" in settings and strings:
            given = " and ".join(strings)
            verb = "stand" if len(strings) > 1 else "stands"
            raise self.error(given, f"{verb} in place of command; leave one out")
        if "log-file" in strings and "target" not in strings:
            raise self.error("log-file", "is for a target; write that too")
        if self.values.get("start") == "trigger" and not settings.get("triggers"):
            raise self.error("start", "is trigger, but there is none; write triggers")

    def read(self, reader: Callable[[Any], Any], key: str, value: Any) -> Any:
        """Return what a reader makes of a value."""
        try:
            return reader(value)
        except ValueError as error:
            raise self.error(key, str(error)) from error

    def target(self, text: str | None) -> str | None:
        """Return a target whose file is found from any folder."""
        if text is None:
            return None
        from winsvc.target import Target, parse_target

        target = self.read(parse_target, "target", text)
        if not target.is_file:
            return text
        return str(Target(self.resolve(target.module) or "", target.cls))

    def resolve(self, path: str | None) -> str | None:
        """Return a path that the file's folder is the start of."""
        folder = os.path.dirname(os.path.abspath(self.path))
        return None if path is None else os.path.normpath(os.path.join(folder, path))

    def error(self, key: str | None, problem: str) -> ValueError:
        """Return what is wrong where."""
        where = f"{self.path}: {self.table}"
        return ValueError(f"{where}: {key} {problem}" if key else f"{where}: {problem}")


def _unknown(key: str, known: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(key.replace("_", "-"), known, 1)
    if near:
        return f"is no key; did you mean {near[0]}?"
    return f"is no key; there are {', '.join(sorted(known))}"


def _typed(kind: type | tuple[type, ...], what: str) -> Callable[[Any], Any]:
    """Return a reader of values of a type; true is no number."""

    def read(value: Any) -> Any:
        if not isinstance(value, kind) or (
            isinstance(value, bool) and kind is not bool
        ):
            msg = f"is {value!r}; write {what}"
            raise ValueError(msg)
        return value

    return read


_text = _typed(str, 'a text: "…"')
_flag = _typed(bool, "true or false")
_number = _typed((int, float), "a number")
_list = _typed(list, "an array: […]")
_table = _typed(dict, "a table: {…}")


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(map(_text, _list(value)))


def _seconds(value: Any) -> float:
    return float(_number(value))


def _node(value: Any) -> int:
    return setting_text.parse_node(str(_typed((int, str), 'a number or "none"')(value)))


def _environment(value: Any) -> dict[str, str]:
    if not isinstance(value, dict):  # what it is may be a secret
        msg = 'is no table; write one: {NAME = "value"}'
        raise ValueError(msg)  # noqa: TRY004 - as for any other wrong value
    variables: dict[str, str] = value
    for name, each in variables.items():
        if not isinstance(each, str):
            msg = f'has {name}, which is no text; write it as one: "…"'
            raise ValueError(msg)  # noqa: TRY004 - as for any other wrong value
    return variables


def _keys_of(table: Any, known: tuple[str, ...]) -> dict[str, Any]:
    """Return an inner table that has only known keys."""
    checked: dict[str, Any] = _table(table)
    for key in checked:
        if key not in known:
            msg = f"has {key}, which {_unknown(key, known)}"
            raise ValueError(msg)
    return checked


def _failure_actions(value: Any) -> dict[str, Any]:
    readers = {
        "actions": lambda each: tuple(map(_failure_action, _list(each))),
        "reset-period": _seconds,
        "command": _text,
        "reboot-message": _text,
    }
    table = _keys_of(value, (*readers, "on-error"))
    settings: dict[str, Any] = {}
    if "on-error" in table:
        settings["failure_actions_on_error"] = _flag(table["on-error"])
    given = {key: readers[key](table[key]) for key in readers if key in table}
    if given:
        if "actions" not in given:
            msg = "are one setting; write actions too"
            raise ValueError(msg)
        attributes = {key.replace("-", "_"): each for key, each in given.items()}
        settings["failure_actions"] = FailureActions(**attributes)
    return settings


def _failure_action(value: Any) -> FailureAction:
    kinds = setting_text.words_of(ActionKind)
    table = _keys_of(value, kinds)
    if len(table) != 1:
        msg = f"has {value!r}; write one action each, such as {{restart=5.0}}"
        raise ValueError(msg)
    ((word, delay),) = table.items()
    kind = setting_text.parse_member(ActionKind, word)
    return FailureAction(kind, _seconds(delay))


def _trigger(value: Any) -> Trigger:
    table = dict(_keys_of(value, (*TRIGGER_KINDS, "action")))
    action = _text(table.pop("action", ""))
    if len(table) != 1:
        msg = f"have {value!r}; write one kind each, such as {{network-available=true}}"
        raise ValueError(msg)
    ((kind, argument),) = table.items()
    if argument is True:
        argument = ""
    else:
        argument = str(_typed((int, str), "true, or its argument")(argument))
    return make_trigger(TriggerForm(kind, argument, action))


def _one(name: str, reader: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Return a reader of one setting."""
    return lambda value: {name: reader(value)}


def _word(parse: Callable[[str], Any]) -> Callable[[Any], Any]:
    return lambda value: parse(_text(value))


# What a key's value is as settings.
_READERS: Mapping[str, Callable[[Any], dict[str, Any]]] = {
    "name": _one("name", _text),
    "command": _one("command", _texts),
    "display-name": _one("display_name", _text),
    "description": _one("description", _text),
    "delayed": _one("delayed", _flag),
    "start": _word(setting_text.parse_start),
    "type": _one("service_type", _word(setting_text.parse_type)),
    "error-control": _one("error_control", _word(setting_text.parse_error_control)),
    "group": _one("group", _text),
    "dependencies": _one("dependencies", _texts),
    "account": _one("account", _text),
    "failure-actions": _failure_actions,
    "sid-type": _one("sid_type", _word(setting_text.parse_sid_type)),
    "required-privileges": _one("required_privileges", _texts),
    "preshutdown-timeout": _one("preshutdown_timeout", _seconds),
    "triggers": _one("triggers", lambda value: tuple(map(_trigger, _list(value)))),
    "preferred-node": _one("preferred_node", _node),
    "launch-protection": _one(
        "launch_protection", _word(setting_text.parse_launch_protection)
    ),
    "environment": _one("environment", _environment),
    "security": _one("security", _text),
    "event-source": _one("event_source", _flag),
}

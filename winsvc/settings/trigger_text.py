"""Triggers as the command line and TOML write them: ``[ACTION:]KIND[=ARGUMENT]``.

``network-available``, ``named-pipe=NAME``, ``firewall-port=5001,UDP``,
``stop:etw=GUID,level=4`` …  A trigger that none of the kinds can say is ``raw``, with
everything in numbers.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable
from typing import NamedTuple
from uuid import UUID

from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)


class TriggerForm(NamedTuple):
    """A trigger in words.

    Attributes:
        kind: One of ``TRIGGER_KINDS``.
        argument: What is written behind ``=``; "" for none.
        action: ``start``, ``stop``, or "" for the kind's usual one.
    """

    kind: str
    argument: str = ""
    action: str = ""


def parse_trigger(text: str) -> Trigger:
    """Return the trigger of a text.

    Raises:
        ValueError: It says none; the message has the text and what is wrong.
    """
    head, _, argument = text.partition("=")
    action, _, kind = head.rpartition(":")
    try:
        return make_trigger(TriggerForm(kind.strip(), argument, action.strip()))
    except ValueError as error:
        msg = f"trigger {text!r}: {error}"
        raise ValueError(msg) from error


def make_trigger(form: TriggerForm) -> Trigger:
    """Return the trigger of a form.

    Raises:
        ValueError: There is none; the message says what is wrong.
    """
    if form.kind not in _KINDS:
        near = difflib.get_close_matches(form.kind, _KINDS, 1)
        names = near or TRIGGER_KINDS
        msg = f"there is no kind {form.kind!r}; write {' or '.join(names)}"
        raise ValueError(msg)
    kind = _KINDS[form.kind]
    if kind.usage and not form.argument:
        msg = f"write {form.kind}={kind.usage}"
        raise ValueError(msg)
    if form.argument and not kind.usage:
        msg = f"{form.kind} takes no argument; leave {form.argument!r} out"
        raise ValueError(msg)
    made = kind.make(form.argument)
    if form.action not in ("", "start", "stop"):
        msg = f"an action is start or stop, not {form.action!r}"
        raise ValueError(msg)
    if form.action:
        action = TriggerAction[form.action.upper()]
        made = Trigger(made.type, action, made.subtype, made.data)
    return made


def trigger_form(trigger: Trigger) -> TriggerForm:
    """Return a form that makes this very trigger.

    Raises:
        ValueError: Its action is neither START nor STOP.
    """
    if not trigger.action.is_known:
        msg = f"a trigger that does {int(trigger.action)} cannot be written"
        raise ValueError(msg)
    action = trigger.action.name.lower()
    for name, kind in _KINDS.items():
        try:
            argument = kind.write(trigger)
            usual = kind.make(argument)
        except (ValueError, IndexError):  # this kind cannot say it
            continue
        if _event(usual) == _event(trigger):
            is_usual = usual.action is trigger.action
            return TriggerForm(name, argument, "" if is_usual else action)
    msg = f"{trigger!r} cannot be written"
    raise ValueError(msg)


def trigger_text(trigger: Trigger) -> str:
    """Return the text that ``parse_trigger`` makes this very trigger of."""
    form = trigger_form(trigger)
    text = f"{form.kind}={form.argument}" if form.argument else form.kind
    return f"{form.action}:{text}" if form.action else text


def _event(trigger: Trigger) -> tuple[object, ...]:
    return trigger.type, trigger.subtype, trigger.data


class _Kind(NamedTuple):
    """How a kind is written.

    Attributes:
        usage: What its argument is; "" if it takes none.
        make: Returns the trigger of an argument, or raises ValueError.
        write: Returns the argument of a trigger, if it is of this kind; it is
            tried out whether ``make`` makes the same of it.
    """

    usage: str
    make: Callable[[str], Trigger]
    write: Callable[[Trigger], str]


def _flag(make: Callable[[], Trigger]) -> _Kind:
    return _Kind("", lambda _: make(), lambda _: "")


def _words(trigger: Trigger) -> str:
    return ",".join(trigger.data[0].texts)


def _make_device(argument: str) -> Trigger:
    return Trigger.device(*argument.split(","))


def _write_device(trigger: Trigger) -> str:
    ids = (item.texts[0] for item in trigger.data)
    return ",".join((str(trigger.subtype), *ids))


_NUMBERS = {
    "level": TriggerDataType.LEVEL,
    "any": TriggerDataType.KEYWORD_ANY,
    "all": TriggerDataType.KEYWORD_ALL,
}


def _number(text: str) -> int:
    try:
        return int(text, 0)
    except ValueError as error:
        msg = f"{text!r} is no number"
        raise ValueError(msg) from error


def _hex(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError as error:
        msg = f"{text!r} is no row of bytes; write two hexadecimal digits for each"
        raise ValueError(msg) from error


def _make_etw(argument: str) -> Trigger:
    provider, *words = argument.split(",")
    items = []
    for word in words:
        name, _, value = word.partition("=")
        if name in _NUMBERS:
            items.append(TriggerData.number(_NUMBERS[name], _number(value)))
        elif name == "string":
            items.append(TriggerData.string(value))
        elif name == "binary":
            items.append(TriggerData(TriggerDataType.BINARY, _hex(value)))
        else:
            msg = f"{word!r} is none of level=, any=, all=, string=, binary="
            raise ValueError(msg)
    return Trigger.etw(provider, data=tuple(items))


def _write_etw(trigger: Trigger) -> str:
    names = {kind: name for name, kind in _NUMBERS.items()}
    words = [str(trigger.subtype)]
    for item in trigger.data:
        if item.type is TriggerDataType.STRING:
            words.append(f"string={item.texts[0]}")
        elif item.type is TriggerDataType.BINARY:
            words.append(f"binary={item.data.hex()}")
        elif item.type is TriggerDataType.LEVEL:
            words.append(f"level={item.data[0]}")
        else:
            value = int.from_bytes(item.data, "little")
            words.append(f"{names.get(item.type, '')}={value:#x}")
    return ",".join(words)


def _make_raw(argument: str) -> Trigger:
    number, _, rest = argument.partition(",")
    subtype, *words = rest.split(",")
    items = []
    for word in words:
        kind, _, data = word.partition(":")
        items.append(TriggerData(TriggerDataType(_number(kind)), _hex(data)))
    kind_of_event = TriggerType(_number(number))
    start = TriggerAction.START
    try:
        return Trigger(kind_of_event, start, UUID(subtype), tuple(items))
    except ValueError as error:
        msg = f"{subtype!r} is no GUID; write 8-4-4-4-12 hexadecimal digits"
        raise ValueError(msg) from error


def _write_raw(trigger: Trigger) -> str:
    items = (f"{int(item.type)}:{item.data.hex()}" for item in trigger.data)
    return ",".join((str(int(trigger.type)), str(trigger.subtype), *items))


_PORT = "PORT[,PROTOCOL[,PROGRAM[,SERVICE]]]"
_KINDS = {
    "network-available": _flag(Trigger.network_available),
    "network-lost": _flag(Trigger.network_lost),
    "domain-join": _flag(Trigger.domain_join),
    "domain-leave": _flag(Trigger.domain_leave),
    "machine-policy": _flag(Trigger.machine_policy),
    "user-policy": _flag(Trigger.user_policy),
    "firewall-port": _Kind(
        _PORT, lambda text: Trigger.firewall_port(*text.split(",", 3)), _words
    ),
    "firewall-port-closed": _Kind(
        _PORT, lambda text: Trigger.firewall_port_closed(*text.split(",", 3)), _words
    ),
    "device": _Kind("GUID[,HARDWARE-ID…]", _make_device, _write_device),
    "named-pipe": _Kind("NAME", Trigger.named_pipe, _words),
    "rpc": _Kind("GUID", Trigger.rpc, _words),
    "etw": _Kind(
        "GUID[,level=N][,any=N][,all=N][,string=TEXT][,binary=HEX]",
        _make_etw,
        _write_etw,
    ),
    "system-state": _Kind(
        "HEX",
        lambda text: Trigger.system_state(_hex(text)),
        lambda trigger: trigger.data[0].data.hex(),
    ),
    # Last: the one that can say every trigger.
    "raw": _Kind("TYPE,GUID[,DATATYPE:HEX…]", _make_raw, _write_raw),
}
TRIGGER_KINDS = {name: kind.usage for name, kind in _KINDS.items()}
"""The kinds that can be written, each with the usage of its argument."""

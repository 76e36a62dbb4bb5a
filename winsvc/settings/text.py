"""Settings as the command line and TOML write them, such as ``restart:5``."""

from __future__ import annotations

import difflib
from enum import IntEnum
from typing import TypedDict, TypeVar

from winsvc.settings.values import (
    NO_NODE,
    ActionKind,
    ErrorControl,
    FailureAction,
    LaunchProtection,
    SidType,
)
from winsvc.states import ServiceType, StartType

Member = TypeVar("Member", bound=IntEnum)


class StartSettings(TypedDict, total=False):
    """The settings that one word about the start stands for."""

    start_type: StartType
    delayed: bool


_STARTS: dict[str, StartSettings] = {
    "auto": {"start_type": StartType.AUTO, "delayed": False},
    "delayed": {"start_type": StartType.AUTO, "delayed": True},
    # Nor are these, whatever a class or a file has said before.
    "manual": {"start_type": StartType.MANUAL, "delayed": False},
    "disabled": {"start_type": StartType.DISABLED, "delayed": False},
    # Of a service with triggers: only they start it, and whoever may.
    "trigger": {"start_type": StartType.MANUAL, "delayed": False},
}
START_WORDS = tuple(_STARTS)
_TYPES = {
    "own": ServiceType.OWN_PROCESS,
    "shared": ServiceType.SHARE_PROCESS,
    "own+interactive": ServiceType.OWN_PROCESS | ServiceType.INTERACTIVE,
    "shared+interactive": ServiceType.SHARE_PROCESS | ServiceType.INTERACTIVE,
    "own+user": ServiceType.OWN_PROCESS | ServiceType.USER_SERVICE,
    "shared+user": ServiceType.SHARE_PROCESS | ServiceType.USER_SERVICE,
}
TYPE_WORDS = tuple(_TYPES)


def parse_start(text: str) -> StartSettings:
    """Return the settings of one of ``START_WORDS``.

    All but ``delayed`` say that the start is not delayed; ``trigger`` is ``manual``,
    and wants triggers to be set or there.

    Raises:
        ValueError: It is another word.
    """
    return _STARTS[_known(text, START_WORDS)]


def start_text(start_type: StartType, delayed: bool | None, triggers: bool) -> str:
    """Return the word for a start.

    Raises:
        ValueError: It is a driver's.
    """
    if start_type is StartType.AUTO:
        return "delayed" if delayed else "auto"
    if start_type is StartType.MANUAL:
        return "trigger" if triggers else "manual"
    if start_type is StartType.DISABLED:
        return "disabled"
    msg = f"{start_type.name} is how drivers start; there is no word for it"
    raise ValueError(msg)


def parse_type(text: str) -> ServiceType:
    """Return the kind of service of one of ``TYPE_WORDS``.

    Raises:
        ValueError: It is another word.
    """
    return _TYPES[_known(text, TYPE_WORDS)]


def type_text(kind: ServiceType) -> str:
    """Return the word for a kind of service.

    Raises:
        ValueError: It is a driver's, or an instance's of a user service.
    """
    for text, known in _TYPES.items():
        if known == kind:
            return text
    msg = f"there is no word for a service of type {int(kind):#x}"
    raise ValueError(msg)


def words_of(kind: type[IntEnum]) -> tuple[str, ...]:
    """Return the words for the members of an enum: ``windows-light``."""
    return tuple(name.lower().replace("_", "-") for name in kind.__members__)


def parse_member(kind: type[Member], text: str) -> Member:
    """Return the member of an enum that a word is for.

    Raises:
        ValueError: It has none.
    """
    return kind[_known(text, words_of(kind)).upper().replace("-", "_")]


def member_text(member: IntEnum) -> str:
    """Return the word for a member of an enum.

    Raises:
        ValueError: A newer Windows has told it, so that there is none.
    """
    if member.name not in type(member).__members__:
        msg = f"there is no word for {type(member).__name__} {int(member)}"
        raise ValueError(msg)
    return member.name.lower().replace("_", "-")


def parse_error_control(text: str) -> ErrorControl:
    """Return what ``ignore``, ``normal``, ``severe`` or ``critical`` is."""
    return parse_member(ErrorControl, text)


def parse_sid_type(text: str) -> SidType:
    """Return what ``none``, ``unrestricted`` or ``restricted`` is."""
    return parse_member(SidType, text)


def parse_launch_protection(text: str) -> LaunchProtection:
    """Return what ``none``, ``windows`` … is."""
    return parse_member(LaunchProtection, text)


def parse_on_failure(text: str) -> tuple[FailureAction, ...]:
    """Return the actions of ``restart:5,restart:30,none``, in order.

    Args:
        text: ``KIND[:SECONDS]`` each: ``none``, ``restart``, ``reboot``,
            ``run-command``; "" for no actions at all.

    Raises:
        ValueError: Another kind, or no number.
    """
    return tuple(map(_parse_action, text.split(","))) if text.strip() else ()


def _parse_action(text: str) -> FailureAction:
    kind, _, delay = text.partition(":")
    return FailureAction(
        parse_member(ActionKind, kind.strip()), parse_seconds(delay or "0")
    )


def parse_seconds(text: str) -> float:
    """Return a number of seconds.

    Raises:
        ValueError: It is none.
    """
    try:
        return float(text)
    except ValueError as error:
        msg = f"{text!r} is no number of seconds"
        raise ValueError(msg) from error


def parse_reset_after(text: str) -> float | None:
    """Return the reset period of ``86400`` or ``never``."""
    return None if text.strip().lower() == "never" else parse_seconds(text)


def parse_node(text: str) -> int:
    """Return a NUMA node, or NO_NODE for ``none``.

    Raises:
        ValueError: It is neither.
    """
    if text.strip().lower() == "none":
        return NO_NODE
    try:
        return int(text)
    except ValueError as error:
        msg = f"{text!r} is no node; write a number, or none"
        raise ValueError(msg) from error


def parse_variable(text: str) -> tuple[str, str]:
    """Return name and value of ``NAME=VALUE``.

    Raises:
        ValueError: There is no ``=``, or no name.
    """
    name, equals, value = text.partition("=")
    if not name or not equals:
        msg = f"{name!r} is no variable; write NAME=VALUE"
        raise ValueError(msg)
    return name, value


def _known(text: str, words: tuple[str, ...]) -> str:
    word = text.strip().lower()
    if word in words:
        return word
    near = difflib.get_close_matches(word, words, 1)
    rest = ", ".join(each for each in words if each not in near)
    ways = f"{near[0]} (or {rest})" if near else " or ".join(words)
    msg = f"{text!r} is not known; write {ways}"
    raise ValueError(msg)

"""Values as people write them on the command line."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from enum import IntEnum

    from winsvc.reasons import StopReason

T = TypeVar("T")

_AGE = re.compile(r"(\d+(?:\.\d+)?)([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}


def said(parse: Callable[[str], T]) -> Callable[[str], T]:
    """Return a parser whose refusal argparse shows as it is."""

    def parsed(text: str) -> T:
        try:
            return parse(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(str(error)) from error

    return parsed


@said
def rounds(text: str) -> int:
    """Return a number above 0."""
    if not (text.isdecimal() and int(text)):
        raise ValueError(f"{text!r} is no number of rounds")
    return int(text)


@said
def count(text: str) -> int:
    """Return a number, 0 included."""
    if not text.isdecimal():
        raise ValueError(f"{text!r} is no number of lines")
    return int(text)


@said
def filled(text: str) -> str:
    """Return a text that is not blank, as that of a variable which is not set is."""
    if not text.strip():
        what = "blank" if text else "empty"
        raise ValueError(f"it is {what}: write a text, or leave the option out")
    return text


@said
def seconds(text: str) -> float:
    """Return a time that somebody is ready to wait."""
    try:
        found = float(text)
    except ValueError:
        found = -1.0
    if not 0 <= found < float("inf"):
        raise ValueError(f"{text!r} is no number of seconds")
    return found


@said
def control(text: str) -> int:
    """Return the code of a control: its name, or its number."""
    from winsvc.states import CLIENT_CONTROLS, USER_CONTROLS, Control

    if text.upper() in CLIENT_CONTROLS:
        return Control[text.upper()]
    codes = {*USER_CONTROLS, *(Control[name] for name in CLIENT_CONTROLS)}
    try:
        code = int(text, 0)
    except ValueError:
        code = -1
    if code not in codes:
        names = ", ".join(CLIENT_CONTROLS).lower()
        what = f"{text!r} is no control that a client may send"
        raise ValueError(f"{what}: write 128 to 255, or {names}")
    return code


@said
def since(text: str) -> datetime:
    """Return the moment of ``10m`` ago, or of ``2030-01-31T12:00``, local time."""
    try:
        if age := _AGE.fullmatch(text):
            number, unit = age.groups()
            now = datetime.now().astimezone()
            return now - timedelta(**{_UNITS[unit]: float(number)})
        return datetime.fromisoformat(text).astimezone()
    except (ValueError, OverflowError, OSError):  # or before what the system can tell
        msg = f"{text!r} is no time: write 10m, 2h, 1d or 2030-01-31T12:00"
        raise ValueError(msg) from None


@said
def reason(text: str) -> StopReason:
    """Return the reason of a stop (B-41).

    Args:
        text: ``planned`` or ``unplanned``, then, where that is to be said, what it
            has to do with and what it is for, behind colons, as names or as numbers of
            one's own.
    """
    from winsvc.reasons import StopMajor, StopMinor, StopReason

    kind, major, minor = (*text.lower().split(":", 2), "other", "other")[:3]
    if kind not in ("planned", "unplanned"):
        raise ValueError(f"{text!r} is no reason: write planned:software:upgrade, say")
    return StopReason(
        planned=kind == "planned",
        major=_member(StopMajor, major),
        minor=_member(StopMinor, minor),
    )


def _member(kind: type[IntEnum], text: str) -> int:
    name = text.upper().replace("-", "_")
    if name in kind.__members__:
        return kind[name]
    try:
        return int(text, 0)
    except ValueError:
        names = ", ".join(kind.__members__).lower().replace("_", "-")
        raise ValueError(f"{text!r} is not known: there are {names}") from None

"""What others have written, made fit to be shown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# C0, DEL and C1: a terminal takes them for commands.  Lone surrogates: no stream
# takes them.
_CONTROL = re.compile(r"[^\t\n -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_BEYOND_A_LINE = re.compile(
    _CONTROL.pattern + r"|[\t\n\u200e\u200f\u2028-\u202e\u2066-\u2069]"
)


def printable(text: str) -> str:
    r"""Return a text that does nothing to a terminal but be seen.

    Who reads a log is mostly an administrator, and who writes it a service's
    account, or, into the event log, anybody (G-3).

    Args:
        text: Any.

    Returns:
        It with ``\n`` for ``\r\n``, tabs as they are, and U+FFFD for all other
        control characters and for lone surrogates.
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))


def one_line(text: str) -> str:
    r"""Return a text that is one line, and nothing to a terminal but be seen.

    A name or a value, which anybody who may create a service chooses, can so draw no
    second row, hide nothing and take no colour.

    Args:
        text: Any.

    Returns:
        It with ``\n``, ``\x1b`` and the like for line ends, tabs, other control
        characters, marks that turn the direction of a text, and lone surrogates.
    """
    return _BEYOND_A_LINE.sub(
        lambda found: found[0].encode("unicode_escape").decode("ascii"), text
    )


def with_values_in_line(text: str, values: Iterable[str]) -> str:
    """Return lines in which no value begins one of its own.

    Args:
        text: Lines, made of these values and of our words.
        values: As they are, so as others have chosen them.
    """
    odd = {value for value in values if one_line(value) != value}
    for value in sorted(odd, key=len, reverse=True):
        text = text.replace(value, one_line(value))
    return printable(text)

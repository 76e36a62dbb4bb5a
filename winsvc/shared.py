"""How a shared process's command line names its services: ``NAME=TARGET`` each.

The dispatcher's table has the names before anything is imported (A-8).
"""

from __future__ import annotations

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    Services: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
    """Their targets, and their key names."""


def named_target(name: str, target: str) -> str:
    """Return the word for one service.

    Raises:
        ValueError: The name would be taken for an option.
    """
    if name.startswith("-"):
        msg = f"service {name!r}: a name in a shared process cannot start with -"
        raise ValueError(msg)
    return f"{name}={target}"


def parse_services(words: Sequence[str]) -> Services | None:
    """Parse the words for two services or more; ``None``: they are not that.

    A word's last ``=`` before its first slash counts: a name may hold ``=``, but
    no slash (E-1), and a full path of a file holds ``=`` behind its first one.
    """
    names, targets = [], []
    for word in words:
        equals = word.replace("\\", "/").partition("/")[0].rfind("=")
        if equals < 1 or word.startswith("-"):
            return None
        names.append(word[:equals])
        targets.append(word[equals + 1 :])
    return (tuple(targets), tuple(names)) if len(words) > 1 else None

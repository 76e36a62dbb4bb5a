"""How a shared process's command line names its services: ``NAME=TARGET`` each.

The dispatcher's table has the names before anything is imported (A-8).
"""

from __future__ import annotations

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TypeAlias

    from winsvc.states import ServiceType

    Services: TypeAlias = tuple[tuple[str, ...], tuple[str, ...]]
    """Their targets, and their key names."""

# Of ServiceType, whose import a process that is being started does without.
_OWN_PROCESS, _SHARE_PROCESS = 0x10, 0x20


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


def misfit(name: str, words: Sequence[str], service_type: ServiceType) -> str | None:
    """Return why the SCM would not start a service by this command, or another one.

    Args:
        name: Its key name.
        words: Its command: a problem is found only in one of winsvc's own host.
        service_type: Whether its process is its own, or shared.

    Returns:
        A sentence without its beginning, "its command"; ``None``: it fits.
    """
    from winsvc.__main__ import parse_host, parse_shared_host

    hosted = list(_hosted(words))
    if (shared := parse_shared_host(hosted)) is not None:
        (_, names), _, _ = shared
        told = ", ".join(names)
        if service_type & _OWN_PROCESS:
            return (
                f"hosts {told}, and a type that is its own would have the first of "
                "them run in its place (A-7); it has to be shared, or its command "
                "that of this service alone"
            )
        if name.lower() not in map(str.lower, names):
            return (
                f"hosts {told}, not {name}: its start would fail with 1083 (A-8); "
                "write NAME=TARGET for it too"
            )
    elif service_type & _SHARE_PROCESS and parse_host(hosted) is not None:
        return (
            "hosts one service, without its name, and a type that is shared would "
            "have its start fail with 1083 (A-8); it has to be its own"
        )
    return None


def _hosted(words: Sequence[str]) -> Sequence[str]:
    """Return what follows ``host`` in a command of winsvc's host."""
    for at, word in enumerate(words):
        before = words[at - 1].replace("\\", "/").lower() if at else ""
        module = tuple(words[max(at - 2, 0) : at]) == ("-m", "winsvc")
        if word == "host" and (before.endswith("/winsvc/__main__.py") or module):
            return words[at + 1 :]
    return ()

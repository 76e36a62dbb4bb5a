"""What a service's class says of its configuration and its hosting, and its slips.

A slip is one of the fingers: an attribute that counts for nothing, where a known one
was meant.  Services have times and names of their own, near as they may be to ours.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from winsvc.base import ServiceBase, description_of
from winsvc.settings.config_types import fits
from winsvc.states import Accept

_OF_CLASS = (
    "display_name",
    "start_type",
    "delayed",
    "service_type",
    "error_control",
    "group",
    "dependencies",
    "account",
    "failure_actions",
    "failure_actions_on_error",
    "sid_type",
    "required_privileges",
    "preshutdown_timeout",
    "triggers",
    "preferred_node",
    "launch_protection",
    "environment",
    "security",
    "event_source",
)
_NOT_OF_CLASS = ("password", "command", "log_file")
_SECONDS = (int, float, type(None))
# What a class says of its hosting, and the types of that.
_OF_HOSTING: dict[str, tuple[type, ...]] = {
    "start_timeout": _SECONDS,
    "stop_timeout": _SECONDS,
    "pause_timeout": _SECONDS,
    "continue_timeout": _SECONDS,
    "stop_grace": _SECONDS,
    "wait_hint": (int, float),
    "accepts": (Accept,),
}
_VOWELS = "aeiou"


def settings_of(service: type[ServiceBase]) -> dict[str, Any]:
    """Return what a class's attributes say, by the names of ``ServiceConfig``."""
    found = {name: getattr(service, name) for name in _OF_CLASS}
    if not any("start_type" in vars(each) for each in _subclasses(service)):
        del found["start_type"]  # its default is the SCM's own, and says nothing
    found["display_name"] = service.display_name or None
    found["description"] = description_of(service) or None
    return {name: value for name, value in found.items() if value is not None}


def check_attributes(service: type[ServiceBase]) -> tuple[str, ...]:
    """Return the attributes that look like settings and are none of a class.

    They count for nothing: a password, a command and a log file are said elsewhere.

    Raises:
        ValueError: One has nearly the name of a setting, or of what says how the
            service is hosted, and a value for it.
    """
    own = {name: value for each in _subclasses(service) for name, value in _own(each)}
    for name, value in own.items():
        if meant := _meant(name, value, service):
            msg = (
                f"{service.__name__}.{name} is no setting; did you mean {meant}? "
                "If it is the service's own, give it another name"
            )
            raise ValueError(msg)
    return tuple(name for name in _NOT_OF_CLASS if name in own)


def _meant(name: str, value: object, service: type[ServiceBase]) -> str | None:
    """Return what a name is a slip of, if a value of that would be such a one."""
    for known in (*_OF_CLASS, "description"):
        if _is_slip(name, known) and fits(known, value):
            return known
    for known, types in _OF_HOSTING.items():
        fitting = isinstance(value, types) and not isinstance(value, bool)
        if _is_slip(name, known) and fitting and hasattr(service, known):
            return known
    return None


def _is_slip(name: str, known: str) -> bool:
    return name != known and name in _slips(known)


def _slips(known: str) -> Iterator[str]:
    """Yield what one slip makes of a name.

    A letter is doubled, swapped with the next, left out, or another vowel; an
    underscore is too many or missing.  In the first of several words what is left out
    or another letter makes other words: ``stat_timeout``, ``step_timeout``.
    """
    underscore = known.find("_")
    for at, letter in enumerate(known):
        before, after = known[:at], known[at + 1 :]
        yield before + letter + letter + after
        yield before + after[:1] + letter + after[1:]
        yield before + "_" + letter + after
        if at >= underscore:
            yield before + after
        if at > underscore and letter in _VOWELS:
            yield from (before + vowel + after for vowel in _VOWELS)
    yield known + "_"


def _own(cls: type) -> Iterator[tuple[str, Any]]:
    """Yield what a class of the user's says that winsvc's have no name for."""
    if cls.__module__.partition(".")[0] == "winsvc":
        return
    for name, value in vars(cls).items():
        if not (name.startswith("_") or hasattr(ServiceBase, name)):
            yield name, value


def _subclasses(service: type[ServiceBase]) -> Iterable[type]:
    """Return the class and its bases up to ours."""
    return service.__mro__[: service.__mro__.index(ServiceBase)]

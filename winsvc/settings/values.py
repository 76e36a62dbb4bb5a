"""The values of a service's settings: what the SCM keeps beside the command line."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Self

MAX_DWORD = 0xFFFFFFFF
NO_NODE = -1
"""``preferred_node`` that removes the preference (E.7, level 9)."""


class OpenEnum(IntEnum):
    """Numbers of a system that may be newer than this list of their names."""

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @property
    def is_known(self) -> bool:
        """True if this version of winsvc has a name for it."""
        return self.name in type(self).__members__


class ErrorControl(OpenEnum):
    """What the system does when the service fails to start at boot (D.4)."""

    IGNORE = 0
    NORMAL = 1
    SEVERE = 2
    CRITICAL = 3


class SidType(OpenEnum):
    """Whether the process has the service's own SID (E.7, E.10)."""

    NONE = 0
    UNRESTRICTED = 1
    RESTRICTED = 3


class LaunchProtection(OpenEnum):
    """Protection of the service's process; signed programs only (E.7)."""

    NONE = 0
    WINDOWS = 1
    WINDOWS_LIGHT = 2
    ANTIMALWARE_LIGHT = 3


class ActionKind(OpenEnum):
    """What the SCM does about a failure (E-53)."""

    NONE = 0
    RESTART = 1
    REBOOT = 2
    RUN_COMMAND = 3
    OWN_RESTART = 4
    """In the newest headers alone, without documentation."""


def to_milliseconds(seconds: float) -> int:
    """Return seconds in the SCM's milliseconds; those that it says are exact."""
    return round(seconds * 1000)


def problem_of_seconds(seconds: float, *, unit: float = 0.001) -> str | None:
    """Return what is wrong with a time that the SCM keeps in 32 bits, or None.

    Args:
        seconds: The time.
        unit: What the SCM counts in, in seconds.
    """
    if not math.isfinite(seconds) or not 0 <= seconds <= MAX_DWORD * unit:
        return f"is {seconds} s; give 0 to {MAX_DWORD * unit:.0f} s"
    if round(round(seconds / unit) * unit, 3) != seconds:
        whole = "whole seconds" if unit == 1 else "milliseconds"
        return f"is {seconds} s; the SCM counts {whole}: round it"
    return None


@dataclass(frozen=True, slots=True)
class FailureAction:
    """What the SCM does about one failure.

    Attributes:
        kind: What.
        delay: Seconds after the failure, whole milliseconds.
    """

    kind: ActionKind
    delay: float = 0.0

    @classmethod
    def nothing(cls) -> Self:
        """Leave the service stopped."""
        return cls(ActionKind.NONE)

    @classmethod
    def restart(cls, delay: float = 0.0) -> Self:
        """Start it again, without arguments (E-56)."""
        return cls(ActionKind.RESTART, delay)

    @classmethod
    def reboot(cls, delay: float = 0.0) -> Self:
        """Start the computer again; setting it needs SeShutdownPrivilege (E-59)."""
        return cls(ActionKind.REBOOT, delay)

    @classmethod
    def run_command(cls, delay: float = 0.0) -> Self:
        """Run ``FailureActions.command`` under the service's account (E-57)."""
        return cls(ActionKind.RUN_COMMAND, delay)

    def __str__(self) -> str:
        """Say it as the command line does: ``restart:5``."""
        return f"{self.kind.name.lower().replace('_', '-')}:{self.delay:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureActions:
    """What the SCM does when the service fails (E-50 to E-58).

    Attributes:
        actions: For the first failure, the second …; the last one stands for
            all later ones (E-52).  Empty: nothing is done, and ``reset_period``
            is none.
        reset_period: Whole seconds without a failure after which they are counted
            anew; ``None``: never.
        command: What ``RUN_COMMAND`` runs, as one command line; "" for none.
        reboot_message: What is told to users before ``REBOOT``; "" for none.
    """

    actions: tuple[FailureAction, ...] = ()
    reset_period: float | None = None
    command: str = ""
    reboot_message: str = ""

    @classmethod
    def restart(cls, *delays: float, reset_period: float | None = None) -> Self:
        """Start it again after these delays.

        Args:
            *delays: Seconds after the first failure, the second …
            reset_period: As the attribute.
        """
        return cls(
            actions=tuple(map(FailureAction.restart, delays)),
            reset_period=reset_period,
        )

    def problems(self) -> Iterator[str]:
        """Yield what the SCM would refuse, with its remedy."""
        if len(self.actions) > 1024:
            yield f"have {len(self.actions)} actions; the SCM takes 1024 at most (E-53)"
        for action in self.actions:
            if not action.kind.is_known:
                yield f"have an unknown action {int(action.kind)}; use an ActionKind"
            if problem := problem_of_seconds(action.delay):
                yield f"have a delay that {problem}"
        if self.reset_period is not None:
            problem = problem_of_seconds(self.reset_period, unit=1)
            if problem or self.reset_period == MAX_DWORD:
                problem = problem or "is INFINITE; use None for never"
                yield f"have a reset_period that {problem}"
            if not self.actions:
                yield "have a reset_period without actions; leave it out (E-58)"
        kinds = {action.kind for action in self.actions}
        if ActionKind.RUN_COMMAND in kinds and not self.command:
            yield "run a command, but command is empty; give the command line"
        for name in ("command", "reboot_message"):
            text = getattr(self, name)
            if "\0" in text:
                yield f"have a {name} that holds a NUL; take it out"
            if len(text.encode("utf-16-le", "surrogatepass")) // 2 > 8191:
                yield f"have a {name} of more than 8191 characters; make it shorter"


class Environment(Mapping[str, str]):
    """A service's own variables, which cannot be changed (E-75).

    Args:
        variables: Their values by name, in an order that is kept.

    Compares equal to any mapping with the same items.
    """

    __slots__ = ("_variables",)

    def __init__(self, variables: Mapping[str, str] | None = None) -> None:
        self._variables = dict(variables or {})

    @classmethod
    def from_lines(cls, lines: Iterable[str]) -> Self:
        """Read the registry's ``NAME=value`` lines; others have no effect (I-110).

        Of names that differ in case alone, which are one, the last counts.
        """
        found = {}
        for line in lines:
            name, equals, value = line.partition("=")
            if name and equals:
                found[name.upper()] = name, value
        return cls(dict(found.values()))

    def lines(self) -> tuple[str, ...]:
        """Return ``NAME=value`` lines, as the registry keeps them."""
        return tuple(f"{name}={value}" for name, value in self.items())

    def __getitem__(self, name: str) -> str:
        """Return a variable's value."""
        return self._variables[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names."""
        return iter(self._variables)

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._variables)

    def __hash__(self) -> int:
        """Return a hash, so that a configuration has one."""
        return hash(frozenset(self._variables.items()))

    def __repr__(self) -> str:
        """Return the names: a value may be a secret."""
        return f"<Environment {', '.join(map(repr, self._variables)) or 'empty'}>"

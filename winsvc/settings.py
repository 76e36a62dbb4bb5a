"""The values of a service's settings: what the SCM keeps beside the command line."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum


class ErrorControl(IntEnum):
    """What the system does when the service fails to start at boot (D.4)."""

    IGNORE = 0
    NORMAL = 1
    SEVERE = 2
    CRITICAL = 3


class SidType(IntEnum):
    """Whether the process has the service's own SID (E.7, E.10)."""

    NONE = 0
    UNRESTRICTED = 1
    RESTRICTED = 3


class LaunchProtection(IntEnum):
    """Protection of the service's process; signed programs only (E.7)."""

    NONE = 0
    WINDOWS = 1
    WINDOWS_LIGHT = 2
    ANTIMALWARE_LIGHT = 3


class ActionKind(IntEnum):
    """What the SCM does about a failure (E-53)."""

    NONE = 0
    RESTART = 1
    REBOOT = 2
    RUN_COMMAND = 3


@dataclass(frozen=True, slots=True)
class FailureAction:
    """What the SCM does about one failure.

    Attributes:
        kind: What.
        delay: Seconds after the failure.
    """

    kind: ActionKind
    delay: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class FailureActions:
    """What the SCM does when the service fails (E-50 to E-58).

    Attributes:
        actions: For the first failure, the second …; the last one stands for
            all later ones (E-52).  Empty: nothing is done.
        reset_period: Seconds without a failure after which they are counted anew;
            ``None``: never.
        command: What ``RUN_COMMAND`` runs, as one command line.
        reboot_message: What is told to users before ``REBOOT``.
    """

    actions: tuple[FailureAction, ...] = ()
    reset_period: float | None = None
    command: str = ""
    reboot_message: str = ""

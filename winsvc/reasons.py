"""Why a service was started, and why it is stopped."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, IntFlag

_UNPLANNED = 0x10000000
_CUSTOM = 0x20000000
_PLANNED = 0x40000000
_CUSTOM_MAJORS = range(0x40, 0x100)
_CUSTOM_MINORS = range(0x100, 0x10000)
MAX_COMMENT = 127
"""UTF-16 units of a stop's comment (B-40)."""


class StartReason(IntFlag):
    """Why the SCM has started a service (D.6); unknown bits are kept."""

    DEMAND = 1
    AUTO = 2
    TRIGGER = 4
    RESTART_ON_FAILURE = 8
    DELAYED_AUTO = 0x10


class StopMajor(IntEnum):
    """What a stop has to do with (B-41)."""

    OTHER = 1
    HARDWARE = 2
    OPERATING_SYSTEM = 3
    SOFTWARE = 4
    APPLICATION = 5
    NONE = 6


class StopMinor(IntEnum):
    """What a stop is for, more exactly (B-41)."""

    OTHER = 0x1
    MAINTENANCE = 0x2
    INSTALLATION = 0x3
    UPGRADE = 0x4
    RECONFIGURATION = 0x5
    HUNG = 0x6
    UNSTABLE = 0x7
    DISK = 0x8
    NETWORK_CARD = 0x9
    ENVIRONMENT = 0xA
    HARDWARE_DRIVER = 0xB
    OTHER_DRIVER = 0xC
    SERVICE_PACK = 0xD
    SOFTWARE_UPDATE = 0xE
    SECURITY_FIX = 0xF
    SECURITY = 0x10
    NETWORK_CONNECTIVITY = 0x11
    WMI = 0x12
    SERVICE_PACK_UNINSTALL = 0x13
    SOFTWARE_UPDATE_UNINSTALL = 0x14
    SECURITY_FIX_UNINSTALL = 0x15
    MMC = 0x16
    NONE = 0x17
    MEMORY_LIMIT = 0x18


@dataclass(frozen=True, slots=True, kw_only=True)
class StopReason:
    """Why a service is stopped, as the event log is to say it (B-41).

    Args:
        planned: Somebody has planned it; else it is an emergency.
        major: One of the system's, or a number of one's own, 0x40 to 0xFF.
        minor: One of the system's, or a number of one's own, 0x100 to 0xFFFF.

    Raises:
        ValueError: There is no such number, or only one of the two is one's own.
    """

    planned: bool = True
    major: StopMajor | int = StopMajor.OTHER
    minor: StopMinor | int = StopMinor.OTHER

    def __post_init__(self) -> None:
        """Refuse what the SCM would refuse with 87."""
        own_major, own_minor = self._own_major, self._own_minor
        if not own_major and self.major not in tuple(StopMajor):
            raise ValueError(
                f"major is {self.major:#x}: take one of StopMajor, or a number of "
                "your own from 0x40 to 0xff"
            )
        if not own_minor and self.minor not in tuple(StopMinor):
            raise ValueError(
                f"minor is {self.minor:#x}: take one of StopMinor, or a number of "
                "your own from 0x100 to 0xffff"
            )
        if own_major != own_minor:
            raise ValueError(
                f"major {self.major:#x} and minor {self.minor:#x}: both are to be the "
                "system's, or both your own"
            )

    @property
    def code(self) -> int:
        """The number that ControlServiceEx takes."""
        custom = _CUSTOM if self._own_major else 0
        planned = _PLANNED if self.planned else _UNPLANNED
        return planned | custom | int(self.major) << 16 | int(self.minor)

    @property
    def _own_major(self) -> bool:
        return self.major in _CUSTOM_MAJORS

    @property
    def _own_minor(self) -> bool:
        return self.minor in _CUSTOM_MINORS


def check_comment(reason: StopReason | None, comment: str | None) -> None:
    """Refuse a comment that the SCM would not take (B-40).

    Raises:
        ValueError: It has no reason with it, is too long, or holds a NUL.
    """
    if comment is None:
        return
    if reason is None:
        raise ValueError("a comment needs a reason: give a StopReason too")
    units = len(comment.encode("utf-16-le", "surrogatepass")) // 2
    if units > MAX_COMMENT:
        raise ValueError(f"comment has {units} characters: the SCM takes {MAX_COMMENT}")
    if "\0" in comment:
        raise ValueError("comment holds a NUL character")

"""The SCM's states, controls and masks, under their Windows names."""

from __future__ import annotations

from enum import IntEnum, IntFlag

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import Self


class State(IntEnum):
    """State of a service (scm-rules B.2)."""

    NOT_READY = 0
    """No SCM has started it yet: never reported."""
    STOPPED = 1
    START_PENDING = 2
    STOP_PENDING = 3
    RUNNING = 4
    CONTINUE_PENDING = 5
    PAUSE_PENDING = 6
    PAUSED = 7

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        # Wine's SCM stores whatever a service reports (H-7).
        if not isinstance(value, int):
            return None
        member = int.__new__(cls, value)
        member._name_ = f"UNKNOWN_{value}"
        member._value_ = value
        return member

    @property
    def is_pending(self) -> bool:
        """True while the service is on its way to another state."""
        return self in _PENDING


_PENDING = frozenset(
    (
        State.START_PENDING,
        State.STOP_PENDING,
        State.CONTINUE_PENDING,
        State.PAUSE_PENDING,
    )
)


class Control(IntEnum):
    """Control code that a service can get (scm-rules D.1).

    128 to 255 are free for each service's own use and stay plain integers.
    """

    STOP = 0x01
    PAUSE = 0x02
    CONTINUE = 0x03
    INTERROGATE = 0x04
    SHUTDOWN = 0x05
    PARAMCHANGE = 0x06
    NETBINDADD = 0x07
    NETBINDREMOVE = 0x08
    NETBINDENABLE = 0x09
    NETBINDDISABLE = 0x0A
    DEVICEEVENT = 0x0B
    HARDWAREPROFILECHANGE = 0x0C
    POWEREVENT = 0x0D
    SESSIONCHANGE = 0x0E
    PRESHUTDOWN = 0x0F
    TIMECHANGE = 0x10
    USER_LOGOFF = 0x11
    TRIGGEREVENT = 0x20
    USERMODEREBOOT = 0x40
    LOWRESOURCES = 0x60
    SYSTEMLOWRESOURCES = 0x61


USER_CONTROLS = range(0x80, 0x100)
"""The control codes that any local user may send by default: untrusted."""


CLIENT_CONTROLS = (
    *("STOP", "PAUSE", "CONTINUE", "INTERROGATE", "PARAMCHANGE"),
    *("NETBINDADD", "NETBINDREMOVE", "NETBINDENABLE", "NETBINDDISABLE"),
)
"""What a client may send besides (scm-rules B-31)."""


def control_name(code: int) -> str:
    """Return the name of a control code, ``user 200`` or ``0x77`` included."""
    if code in USER_CONTROLS:
        return f"user {code}"
    try:
        return Control(code).name
    except ValueError:
        return f"{code:#x}"


class Accept(IntFlag):
    """Controls that a service accepts, as it reports them (scm-rules D.1)."""

    STOP = 0x0001
    PAUSE_CONTINUE = 0x0002
    SHUTDOWN = 0x0004
    PARAMCHANGE = 0x0008
    NETBINDCHANGE = 0x0010
    HARDWAREPROFILECHANGE = 0x0020
    POWEREVENT = 0x0040
    SESSIONCHANGE = 0x0080
    PRESHUTDOWN = 0x0100
    TIMECHANGE = 0x0200
    TRIGGEREVENT = 0x0400
    USERMODEREBOOT = 0x0800
    LOWRESOURCES = 0x2000
    SYSTEMLOWRESOURCES = 0x4000


class Query(IntEnum):
    """A question of the system that a service may answer with no (D-13)."""

    DEVICEQUERYREMOVE = 0
    """May this device be removed?"""
    QUERYCHANGECONFIG = 1
    """May the hardware profile be changed?"""


class ServiceType(IntFlag):
    """Kind of a service (scm-rules D.4)."""

    KERNEL_DRIVER = 0x1
    FILE_SYSTEM_DRIVER = 0x2
    OWN_PROCESS = 0x10
    SHARE_PROCESS = 0x20
    USER_SERVICE = 0x40
    INSTANCE = 0x80
    INTERACTIVE = 0x100


class StartType(IntEnum):
    """When the SCM starts a service (scm-rules D.4)."""

    BOOT = 0
    SYSTEM = 1
    AUTO = 2
    MANUAL = 3
    DISABLED = 4


class FailureCode(IntEnum):
    """Specific exit code of a service that winsvc ended as failed.

    STOPPED then carries 1066 (ERROR_SERVICE_SPECIFIC_ERROR) and one of these;
    the log has the traceback.
    """

    IMPORT = 64001
    """The target could not be imported, or is no service."""
    START = 64002
    """``on_start`` raised."""
    RUN = 64003
    """``run`` raised."""
    HANDLER = 64004
    """A handler of a control raised."""
    STOP = 64005
    """``on_stop`` or ``on_shutdown`` raised."""
    DEADLINE = 64006
    """Starting or stopping took too long: exit code of the *process*, since a
    service whose code still runs cannot say STOPPED."""

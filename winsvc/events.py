"""Control events as frozen values, one class for each kind of control.

What a control carries is decoded when its event is made.  Whatever it is, that
never raises: what cannot be decoded is ``None``, and ``Event.data`` has all the
bytes as they came (I-128, I-132).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from winsvc import TYPE_CHECKING
from winsvc.states import USER_CONTROLS, Control

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from typing import TypedDict, TypeVar, Unpack
    from uuid import UUID

    from winsvc.devices import Device
    from winsvc.power import PowerValue

    _Member = TypeVar("_Member", bound=IntEnum)

    class _Raw(TypedDict):
        control: Control | int
        event_type: int
        data: bytes
        count: int


class NetBindReason(IntEnum):
    """What happened to a binding of the network."""

    ADD = 0x7
    REMOVE = 0x8
    ENABLE = 0x9
    DISABLE = 0xA


class PowerReason(IntEnum):
    """What a power event tells: PBT_APM…, PBT_… (scm-rules D.2, D-10)."""

    QUERYSUSPEND = 0x0000
    QUERYSTANDBY = 0x0001
    QUERYSUSPENDFAILED = 0x0002
    QUERYSTANDBYFAILED = 0x0003
    SUSPEND = 0x0004
    """About 2 s are left (D-11)."""
    STANDBY = 0x0005
    RESUMECRITICAL = 0x0006
    RESUMESUSPEND = 0x0007
    """After RESUMEAUTOMATIC, and only if a user is there (D-11)."""
    RESUMESTANDBY = 0x0008
    BATTERYLOW = 0x0009
    POWERSTATUSCHANGE = 0x000A
    OEMEVENT = 0x000B
    RESUMEAUTOMATIC = 0x0012
    POWERSETTINGCHANGE = 0x8013


class SessionReason(IntEnum):
    """What happened to a session: WTS_…, WTS_SESSION_… (scm-rules D.2)."""

    CONSOLE_CONNECT = 0x1
    CONSOLE_DISCONNECT = 0x2
    REMOTE_CONNECT = 0x3
    REMOTE_DISCONNECT = 0x4
    LOGON = 0x5
    LOGOFF = 0x6
    LOCK = 0x7
    UNLOCK = 0x8
    REMOTE_CONTROL = 0x9
    CREATE = 0xA
    TERMINATE = 0xB
    DESKTOP_READY = 0xF


class DeviceReason(IntEnum):
    """What happened to a device: DBT_… (scm-rules D.2)."""

    DEVICEARRIVAL = 0x8000
    DEVICEQUERYREMOVE = 0x8001
    """May it be removed?  A service may refuse (D-13)."""
    DEVICEQUERYREMOVEFAILED = 0x8002
    DEVICEREMOVEPENDING = 0x8003
    DEVICEREMOVECOMPLETE = 0x8004
    DEVICETYPESPECIFIC = 0x8005
    CUSTOMEVENT = 0x8006


class ProfileReason(IntEnum):
    """What happened to the hardware profile: DBT_… (scm-rules D.2)."""

    QUERYCHANGECONFIG = 0x17
    """May it change?  A service may refuse (D-13)."""
    CONFIGCHANGED = 0x18
    CONFIGCHANGECANCELED = 0x19


_QUERIES = frozenset(
    (
        (Control.DEVICEEVENT, DeviceReason.DEVICEQUERYREMOVE),
        (Control.HARDWAREPROFILECHANGE, ProfileReason.QUERYCHANGECONFIG),
    )
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """One control that the SCM sent.

    Attributes:
        control: The code; an ``int`` where it has no name in ``Control``.
        event_type: The event type of the extended controls, else 0.
        data: A copy of the raw payload, ``b""`` without one.
        count: How often it came: above 1 only for the kinds that may be
            folded together when the queue is full (``docs/events.md``).
    """

    control: Control | int
    event_type: int = 0
    data: bytes = b""
    count: int = 1

    @property
    def is_query(self) -> bool:
        """True for the two events that a service may refuse (D-13)."""
        return (self.control, self.event_type) in _QUERIES


# The kinds without fields of their own inherit all that makes them dataclasses:
# each decorated class costs every service 0.5 ms at its start.


class Stop(Event):
    """The service is to stop: a client, or the service itself, asked for it."""

    __slots__ = ()


class Shutdown(Stop):
    """The system shuts down."""

    __slots__ = ()


class Preshutdown(Stop):
    """The system is about to shut down; other services still run."""

    __slots__ = ()


class Pause(Event):
    """The service is to pause."""

    __slots__ = ()


class Continue(Event):
    """The service is to go on."""

    __slots__ = ()


class ParamChange(Event):
    """The service's start-up parameters have changed."""

    __slots__ = ()


class UserControl(Event):
    """A code from 128 to 255; by default any local user may send it (I-54)."""

    __slots__ = ()


class TriggerEvent(Event):
    """One of the service's triggers has fired while it runs (E-86)."""

    __slots__ = ()


class UserModeReboot(Event):
    """A user has asked for a reboot (C-41)."""

    __slots__ = ()


class UserLogoff(Event):
    """The user of a user service logs off."""

    __slots__ = ()


class LowResources(Event):
    """Resources run low; Windows documents no more than the code (D.1)."""

    __slots__ = ()


class SystemLowResources(LowResources):
    """The system's resources run low; as little documented."""

    __slots__ = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class NetBindChange(Event):
    """A binding of the network has changed; deprecated (D.1).

    Attributes:
        reason: How.
    """

    reason: NetBindReason


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerEvent(Event):
    """The computer suspends, has resumed, changes its source of power ….

    Attributes:
        reason: Which; an ``int`` where it has no name.
    """

    reason: PowerReason | int


@dataclass(frozen=True, slots=True, kw_only=True)
class PowerSettingChange(PowerEvent):
    """A power setting that the service has registered for (D-12).

    Attributes:
        setting: Its GUID, ``None`` if there is none in the payload.
        name: Its name in ``PowerSetting``, ``""`` if it is not known.
        value: A member of its enum in ``winsvc.power``, an ``int``, a ``UUID``;
            the raw bytes if it is not known how to read them.
    """

    setting: UUID | None
    name: str
    value: PowerValue


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionChange(Event):
    """Somebody logs on or off, locks, connects …; see D-14.

    Attributes:
        reason: What; an ``int`` where it has no name.
        session_id: Whose session, ``None`` if it is not in the payload.
    """

    reason: SessionReason | int
    session_id: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceEvent(Event):
    """Something happened to a device that the service has registered for.

    Attributes:
        reason: What; an ``int`` where it has no name.
        device: Which, one of the classes in ``winsvc.devices``; ``None`` if
            the payload does not hold it.
    """

    reason: DeviceReason | int
    device: Device | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HardwareProfileChange(Event):
    """The hardware profile is to change, has changed, or does not.

    Attributes:
        reason: Which; an ``int`` where it has no name.
    """

    reason: ProfileReason | int


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeChange(Event):
    """The system's time was set.

    Attributes:
        new: What it is now, in UTC; ``None`` if the payload is too short, or
            ``datetime`` cannot hold it.
        old: What it was; it may be the later one (I-132).
        new_filetime: The same in 100 ns since 1601, as it came.
        old_filetime: As ``new_filetime``.
    """

    new: datetime | None
    old: datetime | None
    new_filetime: int | None
    old_filetime: int | None


def _named(enum: type[_Member], value: int) -> _Member | int:
    try:
        return enum(value)
    except ValueError:
        return value


def _net_bind(**raw: Unpack[_Raw]) -> NetBindChange:
    return NetBindChange(**raw, reason=NetBindReason(raw["control"]))


def _power(**raw: Unpack[_Raw]) -> PowerEvent:
    reason = _named(PowerReason, raw["event_type"])
    if reason != PowerReason.POWERSETTINGCHANGE:
        return PowerEvent(**raw, reason=reason)
    from winsvc.power import decode_setting

    setting, name, value = decode_setting(raw["data"])
    return PowerSettingChange(
        **raw, reason=reason, setting=setting, name=name, value=value
    )


def _session(**raw: Unpack[_Raw]) -> SessionChange:
    size = int.from_bytes(raw["data"][:4], "little")
    body = raw["data"][4:size]
    return SessionChange(
        **raw,
        reason=_named(SessionReason, raw["event_type"]),
        session_id=int.from_bytes(body[:4], "little") if len(body) >= 4 else None,
    )


def _device(**raw: Unpack[_Raw]) -> DeviceEvent:
    from winsvc.devices import decode_device

    return DeviceEvent(
        **raw,
        reason=_named(DeviceReason, raw["event_type"]),
        device=decode_device(raw["data"]),
    )


def _profile(**raw: Unpack[_Raw]) -> HardwareProfileChange:
    return HardwareProfileChange(**raw, reason=_named(ProfileReason, raw["event_type"]))


def _time(**raw: Unpack[_Raw]) -> TimeChange:
    new, old = _filetime(raw["data"][:8]), _filetime(raw["data"][8:16])
    return TimeChange(
        **raw,
        new=_datetime(new),
        old=_datetime(old),
        new_filetime=new,
        old_filetime=old,
    )


def _filetime(data: bytes) -> int | None:
    return int.from_bytes(data, "little", signed=True) if len(data) == 8 else None


def _datetime(filetime: int | None) -> datetime | None:
    from datetime import UTC, datetime, timedelta

    if filetime is None:
        return None
    try:
        return datetime(1601, 1, 1, tzinfo=UTC) + timedelta(microseconds=filetime // 10)
    except OverflowError:
        return None


_MAKERS: dict[int, Callable[..., Event]] = {
    Control.STOP: Stop,
    Control.PAUSE: Pause,
    Control.CONTINUE: Continue,
    Control.SHUTDOWN: Shutdown,
    Control.PARAMCHANGE: ParamChange,
    Control.NETBINDADD: _net_bind,
    Control.NETBINDREMOVE: _net_bind,
    Control.NETBINDENABLE: _net_bind,
    Control.NETBINDDISABLE: _net_bind,
    Control.DEVICEEVENT: _device,
    Control.HARDWAREPROFILECHANGE: _profile,
    Control.POWEREVENT: _power,
    Control.SESSIONCHANGE: _session,
    Control.PRESHUTDOWN: Preshutdown,
    Control.TIMECHANGE: _time,
    Control.USER_LOGOFF: UserLogoff,
    Control.TRIGGEREVENT: TriggerEvent,
    Control.USERMODEREBOOT: UserModeReboot,
    Control.LOWRESOURCES: LowResources,
    Control.SYSTEMLOWRESOURCES: SystemLowResources,
}


def make_event(code: int, event_type: int, data: bytes, count: int) -> Event:
    """Make the event of a control; unknown codes and types keep their number."""
    if code in USER_CONTROLS:  # the most frequent, and no member of Control
        return UserControl(control=code, event_type=event_type, data=data, count=count)
    make = _MAKERS.get(code, Event)
    return make(
        control=_named(Control, code), event_type=event_type, data=data, count=count
    )

"""What the system sends to services, as ``SimulatedScm.send`` takes it.

    scm.send("PyClock", *session_change(SessionReason.LOCK, session_id=2))

The payloads are those of scm-rules D.3, byte for byte.
"""

from __future__ import annotations

import struct
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from uuid import UUID

from winsvc.devices import DeviceType
from winsvc.events import DeviceReason, PowerReason, SessionReason
from winsvc.states import Control

_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)  # of FILETIME
_TICK = timedelta(microseconds=1)  # ten of FILETIME's


class SystemEvent(NamedTuple):
    """A control of the system's own: what HandlerEx gets."""

    control: int
    event_type: int = 0
    data: bytes | None = None


def power_event(reason: PowerReason | int) -> SystemEvent:
    """Return a power event without data: suspend, resume, power status."""
    return SystemEvent(Control.POWEREVENT, reason)


def power_setting_change(setting: UUID | str, value: int | bytes) -> SystemEvent:
    """Return a change of a power setting; an ``int`` is a DWORD."""
    guid = setting if isinstance(setting, UUID) else UUID(setting)
    data = value if isinstance(value, bytes) else struct.pack("<I", value)
    head = guid.bytes_le + struct.pack("<I", len(data))
    reason = PowerReason.POWERSETTINGCHANGE
    return SystemEvent(Control.POWEREVENT, reason, head + data)


def session_change(reason: SessionReason | int, session_id: int = 1) -> SystemEvent:
    """Return a change of a logon session."""
    data = struct.pack("<II", 8, session_id)
    return SystemEvent(Control.SESSIONCHANGE, reason, data)


def device_interface_event(
    reason: DeviceReason | int, class_guid: UUID | str, name: str
) -> SystemEvent:
    """Return an event of a device's interface."""
    guid = class_guid if isinstance(class_guid, UUID) else UUID(class_guid)
    body = guid.bytes_le + name.encode("utf-16-le") + b"\0\0"
    head = struct.pack("<III", 12 + len(body), DeviceType.DEVICEINTERFACE, 0)
    return SystemEvent(Control.DEVICEEVENT, reason, head + body)


def volume_event(reason: DeviceReason | int, *drives: str) -> SystemEvent:
    """Return an event of logical volumes, given by their letters."""
    mask = sum(1 << (ord(drive.upper()) - ord("A")) for drive in drives)
    data = struct.pack("<IIIIH2x", 20, DeviceType.VOLUME, 0, mask, 0)
    return SystemEvent(Control.DEVICEEVENT, reason, data)


def time_change(new: datetime, old: datetime) -> SystemEvent:
    """Return a change of the system's time; both datetimes aware."""
    data = struct.pack("<qq", _filetime(new), _filetime(old))
    return SystemEvent(Control.TIMECHANGE, 0, data)


def _filetime(moment: datetime) -> int:
    return (moment - _EPOCH) // _TICK * 10

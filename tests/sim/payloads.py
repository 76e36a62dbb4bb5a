"""What the system's events carry, made by hand as it lies in memory (D.3)."""

from __future__ import annotations

import struct
from uuid import UUID

# GUID_BATTERY_PERCENTAGE_REMAINING and GUID_DEVINTERFACE_DISK, from the SDK.
BATTERY = UUID("a7ad8041-b45a-4cae-87a3-eecbb468a9e1")
DISK = UUID("53f56307-b6bf-11d0-94f2-00a0c91efb8b")
DISK_PATH = r"\\?\USBSTOR#Disk&Ven_ä€😀#{53f56307-b6bf-11d0-94f2-00a0c91efb8b}"
# 2026-01-02 03:04:05 UTC, and a minute later.
FILETIME = 134_117_966_450_000_000
MINUTE = 600_000_000


def power_setting(setting: UUID, value: bytes, length: int | None = None) -> bytes:
    """Return a POWERBROADCAST_SETTING: GUID, DataLength, Data."""
    size = len(value) if length is None else length
    return setting.bytes_le + struct.pack("<I", size) + value


def session(number: int, size: int = 8) -> bytes:
    """Return a WTSSESSION_NOTIFICATION: cbSize, dwSessionId."""
    return struct.pack("<II", size, number)


def interface(class_guid: UUID = DISK, path: str = DISK_PATH) -> bytes:
    """Return a DEV_BROADCAST_DEVICEINTERFACE_W: size, type 5, 0, class, name."""
    body = class_guid.bytes_le + path.encode("utf-16-le") + b"\0\0"
    return struct.pack("<III", 12 + len(body), 5, 0) + body


def volume(mask: int) -> bytes:
    """Return a DEV_BROADCAST_VOLUME: size, type 2, 0, mask, flags, padding."""
    return struct.pack("<IIIIHH", 20, 2, 0, mask, 0, 0)


def times(new: int, old: int) -> bytes:
    """Return a SERVICE_TIMECHANGE_INFO: two FILETIMEs."""
    return struct.pack("<qq", new, old)

"""Devices, as device events describe them: the DEV_BROADCAST structures.

Loaded when the first one comes: a service that registers for no device does
not pay for them at its start.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from enum import IntEnum
from string import ascii_uppercase
from uuid import UUID


class DeviceType(IntEnum):
    """Kind of a DEV_BROADCAST structure (scm-rules D.2)."""

    OEM = 0
    DEVNODE = 1
    VOLUME = 2
    PORT = 3
    NET = 4
    DEVICEINTERFACE = 5
    HANDLE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceInterface:
    r"""An interface of a device: what most registrations bring.

    Attributes:
        class_guid: The interface's class.
        name: Its path, ``\\?\…``, to open it by; ``None`` if it is no UTF-16.
    """

    class_guid: UUID
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceHandle:
    """A handle of the service's own, to a device or a file.

    Attributes:
        handle: The handle that was registered.
        notification: The registration.
        guid: Which custom event; ``None`` if all zero.
        name_offset: Where in ``data`` a custom event's text begins; below 0
            without one.
        data: What a custom event brings, padded by up to 4 bytes.  As ``guid``
            and ``name_offset`` of use only with ``DeviceReason.CUSTOMEVENT``.
    """

    handle: int
    notification: int
    guid: UUID | None
    name_offset: int
    data: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceVolume:
    """Logical volumes.

    Attributes:
        unit_mask: Bit 0 is A, bit 1 is B ….
        flags: 1: the medium has changed, not the drive; 2: on the network.
        drives: The letters of the mask.
    """

    unit_mask: int
    flags: int
    drives: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class DevicePort:
    """A serial or parallel port, or a modem.

    Attributes:
        name: Its friendly name; ``None`` if it is no UTF-16.
    """

    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class OtherDevice:
    """Any other kind of device.

    Attributes:
        device_type: The kind; an ``int`` where it has no name.
        raw: What follows the structure's header.
    """

    device_type: DeviceType | int
    raw: bytes


Device = DeviceInterface | DeviceHandle | DeviceVolume | DevicePort | OtherDevice

_HEADER = struct.Struct("<III")
_GUID = struct.Struct("<16s")
_VOLUME = struct.Struct("<IH")
# By the size of a pointer: handle, notification, GUID, offset of the name.
_HANDLES = {4: struct.Struct("<II16sl"), 8: struct.Struct("<4xQQ16sl")}
_POINTER = struct.calcsize("P")
_TYPES: dict[int, DeviceType] = {kind.value: kind for kind in DeviceType}


def decode_device(data: bytes, pointer: int = _POINTER) -> Device | None:
    """Decode a DEV_BROADCAST structure (D.3).

    Args:
        data: The structure.
        pointer: The size of its pointers, 4 or 8: this process's.

    Returns:
        The device; ``None`` if the structure, by its own size or that of
        ``data``, ends before the fields of its kind do (I-128).
    """
    try:
        size, kind, _ = _HEADER.unpack_from(data)
        if size < _HEADER.size:
            return None
        return _decode(kind, data[_HEADER.size : size], pointer)
    except struct.error:
        return None


def _decode(kind: int, body: bytes, pointer: int) -> Device:
    match kind:
        case DeviceType.DEVICEINTERFACE:
            (guid,) = _GUID.unpack_from(body)
            return DeviceInterface(
                class_guid=UUID(bytes_le=guid), name=_text(body[_GUID.size :])
            )
        case DeviceType.HANDLE:
            layout = _HANDLES[pointer]
            handle, notification, guid, offset = layout.unpack_from(body)
            return DeviceHandle(
                handle=handle,
                notification=notification,
                guid=UUID(bytes_le=guid) if any(guid) else None,
                name_offset=offset,
                data=body[layout.size :],
            )
        case DeviceType.VOLUME:
            mask, flags = _VOLUME.unpack_from(body)
            drives = (d for bit, d in enumerate(ascii_uppercase) if mask >> bit & 1)
            return DeviceVolume(unit_mask=mask, flags=flags, drives=tuple(drives))
        case DeviceType.PORT:
            return DevicePort(name=_text(body))
        case _:
            return OtherDevice(device_type=_TYPES.get(kind, kind), raw=body)


def _text(raw: bytes) -> str | None:
    ends = (at for at in range(0, len(raw), 2) if raw[at : at + 2] == b"\0\0")
    try:
        return raw[: next(ends, len(raw))].decode("utf-16-le")
    except UnicodeDecodeError:
        return None

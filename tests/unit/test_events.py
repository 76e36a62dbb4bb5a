"""Every control, event type and payload, decoded from bytes made by hand."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import struct
import subprocess
import sys
from datetime import UTC, datetime
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from winsvc import events
from winsvc.devices import (
    Device,
    DeviceHandle,
    DeviceInterface,
    DevicePort,
    DeviceType,
    DeviceVolume,
    OtherDevice,
    decode_device,
)
from winsvc.events import (
    DeviceEvent,
    DeviceReason,
    Event,
    HardwareProfileChange,
    NetBindChange,
    NetBindReason,
    PowerEvent,
    PowerReason,
    PowerSettingChange,
    ProfileReason,
    SessionChange,
    SessionReason,
    TimeChange,
    make_event,
)
from winsvc.power import (
    DisplayState,
    EnergySaver,
    LidState,
    PowerPersonality,
    PowerSetting,
    PowerSource,
    Switch,
    UserPresence,
)
from winsvc.states import Control

DEVICEEVENT = 0x0B
PROFILECHANGE = 0x0C
POWEREVENT = 0x0D
SESSIONCHANGE = 0x0E
TIMECHANGE = 0x10
SETTINGCHANGE = 0x8013

# GUID_DEVINTERFACE_DISK, and the same as it lies in memory.
DISK = UUID("53f56307-b6bf-11d0-94f2-00a0c91efb8b")
DISK_BYTES = bytes.fromhex("0763f553bfb6d01194f200a0c91efb8b")

# Code -> class (D.1).
CLASSES = {
    0x01: events.Stop,
    0x02: events.Pause,
    0x03: events.Continue,
    0x04: Event,
    0x05: events.Shutdown,
    0x06: events.ParamChange,
    0x07: NetBindChange,
    0x08: NetBindChange,
    0x09: NetBindChange,
    0x0A: NetBindChange,
    0x0B: DeviceEvent,
    0x0C: HardwareProfileChange,
    0x0D: PowerEvent,
    0x0E: SessionChange,
    0x0F: events.Preshutdown,
    0x10: TimeChange,
    0x11: events.UserLogoff,
    0x20: events.TriggerEvent,
    0x40: events.UserModeReboot,
    0x60: events.LowResources,
    0x61: events.SystemLowResources,
    0x80: events.UserControl,
    0xFF: events.UserControl,
}

PBT = {
    "QUERYSUSPEND": 0x0000,
    "QUERYSTANDBY": 0x0001,
    "QUERYSUSPENDFAILED": 0x0002,
    "QUERYSTANDBYFAILED": 0x0003,
    "SUSPEND": 0x0004,
    "STANDBY": 0x0005,
    "RESUMECRITICAL": 0x0006,
    "RESUMESUSPEND": 0x0007,
    "RESUMESTANDBY": 0x0008,
    "BATTERYLOW": 0x0009,
    "POWERSTATUSCHANGE": 0x000A,
    "OEMEVENT": 0x000B,
    "RESUMEAUTOMATIC": 0x0012,
    "POWERSETTINGCHANGE": 0x8013,
}
DBT_DEVICE = {
    "DEVICEARRIVAL": 0x8000,
    "DEVICEQUERYREMOVE": 0x8001,
    "DEVICEQUERYREMOVEFAILED": 0x8002,
    "DEVICEREMOVEPENDING": 0x8003,
    "DEVICEREMOVECOMPLETE": 0x8004,
    "DEVICETYPESPECIFIC": 0x8005,
    "CUSTOMEVENT": 0x8006,
}
DBT_PROFILE = {
    "QUERYCHANGECONFIG": 0x17,
    "CONFIGCHANGED": 0x18,
    "CONFIGCHANGECANCELED": 0x19,
}
WTS = {
    "CONSOLE_CONNECT": 1,
    "CONSOLE_DISCONNECT": 2,
    "REMOTE_CONNECT": 3,
    "REMOTE_DISCONNECT": 4,
    "LOGON": 5,
    "LOGOFF": 6,
    "LOCK": 7,
    "UNLOCK": 8,
    "REMOTE_CONTROL": 9,
    "CREATE": 0xA,
    "TERMINATE": 0xB,
    "DESKTOP_READY": 0xF,
}
NETBIND = {"ADD": 0x07, "REMOVE": 0x08, "ENABLE": 0x09, "DISABLE": 0x0A}
DEVTYP = {
    "OEM": 0,
    "DEVNODE": 1,
    "VOLUME": 2,
    "PORT": 3,
    "NET": 4,
    "DEVICEINTERFACE": 5,
    "HANDLE": 6,
}
# Control code, enum, its table in D.2.
TABLES = [
    (POWEREVENT, PowerReason, PBT),
    (DEVICEEVENT, DeviceReason, DBT_DEVICE),
    (PROFILECHANGE, ProfileReason, DBT_PROFILE),
    (SESSIONCHANGE, SessionReason, WTS),
]
ROWS = [
    pytest.param(code, value, name, id=f"{enum.__name__}.{name}")
    for code, enum, table in TABLES
    for name, value in table.items()
]

# Name here, GUID in winnt.h, DWORD in Data, what it means.
SETTINGS = [
    ("POWER_SOURCE", "5D3E9A59-E9D5-4B00-A6BD-FF34FF516548", 0, PowerSource.AC),
    ("POWER_SOURCE", "5D3E9A59-E9D5-4B00-A6BD-FF34FF516548", 1, PowerSource.DC),
    ("POWER_SOURCE", "5D3E9A59-E9D5-4B00-A6BD-FF34FF516548", 2, PowerSource.UPS),
    ("BATTERY_PERCENTAGE", "A7AD8041-B45A-4CAE-87A3-EECBB468A9E1", 87, 87),
    ("LID", "BA3E0F4D-B817-4094-A2D1-D56379E6A0F3", 0, LidState.CLOSED),
    ("LID", "BA3E0F4D-B817-4094-A2D1-D56379E6A0F3", 1, LidState.OPEN),
    ("CONSOLE_DISPLAY", "6FE69556-704A-47A0-8F24-C28D936FDA47", 0, DisplayState.OFF),
    ("CONSOLE_DISPLAY", "6FE69556-704A-47A0-8F24-C28D936FDA47", 1, DisplayState.ON),
    ("SESSION_DISPLAY", "2B84C20E-AD23-4DDF-93DB-05FFBD7EFCA5", 2, DisplayState.DIM),
    ("MONITOR_POWER", "02731015-4510-4526-99E6-E5A17EBD1AEA", 1, Switch.ON),
    ("AWAY_MODE", "98A7F580-01F7-48AA-9C0F-44352C29E5C0", 0, Switch.OFF),
    ("POWER_SAVING", "E00958C0-C213-4ACE-AC77-FECCED2EEEA5", 1, Switch.ON),
    ("ENERGY_SAVER", "550E8400-E29B-41D4-A716-446655440000", 0, EnergySaver.OFF),
    ("ENERGY_SAVER", "550E8400-E29B-41D4-A716-446655440000", 1, EnergySaver.STANDARD),
    (
        "ENERGY_SAVER",
        "550E8400-E29B-41D4-A716-446655440000",
        2,
        EnergySaver.HIGH_SAVINGS,
    ),
    ("USER_PRESENCE", "786E8A1D-B427-4344-9207-09E70BDCBEA9", 0, UserPresence.PRESENT),
    (
        "USER_PRESENCE",
        "786E8A1D-B427-4344-9207-09E70BDCBEA9",
        1,
        UserPresence.NOT_PRESENT,
    ),
    (
        "SESSION_USER_PRESENCE",
        "3C0F4548-C03F-4C4D-B9F2-237EDE686376",
        2,
        UserPresence.INACTIVE,
    ),
    ("IDLE_BACKGROUND_TASK", "515C31D8-F734-163D-A0FD-11A08C91E8F1", 0, 0),
]


def setting_bytes(guid: UUID | str, value: bytes, length: int | None = None) -> bytes:
    """Return a POWERBROADCAST_SETTING."""
    size = len(value) if length is None else length
    return UUID(str(guid)).bytes_le + struct.pack("<I", size) + value


def device_bytes(kind: int, body: bytes, size: int | None = None) -> bytes:
    """Return a DEV_BROADCAST structure, of its right size by default."""
    return struct.pack("<III", 12 + len(body) if size is None else size, kind, 0) + body


def handle_bytes(pointer: int, guid: bytes, offset: int, data: bytes) -> bytes:
    """Return a DEV_BROADCAST_HANDLE with handle 0x1122 and notification 0x3344."""
    if pointer == 8:
        head = struct.pack("<IQQ", 0, 0x1122, 0x3344)
    else:
        head = struct.pack("<II", 0x1122, 0x3344)
    return device_bytes(6, head + guid + struct.pack("<i", offset) + data)


def power_setting(data: bytes) -> PowerSettingChange:
    event = make_event(POWEREVENT, SETTINGCHANGE, data, 1)
    assert isinstance(event, PowerSettingChange)
    return event


def session_change(data: bytes) -> SessionChange:
    event = make_event(SESSIONCHANGE, 5, data, 1)
    assert isinstance(event, SessionChange)
    return event


def device_of(data: bytes) -> Device | None:
    event = make_event(DEVICEEVENT, 0x8000, data, 1)
    assert isinstance(event, DeviceEvent)
    return event.device


def time_change(data: bytes) -> TimeChange:
    event = make_event(TIMECHANGE, 0, data, 1)
    assert isinstance(event, TimeChange)
    return event


# --- controls and event types ---------------------------------------------------


@pytest.mark.parametrize(("code", "cls"), CLASSES.items())
def test_control_has_its_class(code: int, cls: type[Event]) -> None:
    """D.1: each code makes exactly its class and keeps what came."""
    event = make_event(code, 77, b"raw", 3)

    assert type(event) is cls
    assert event.control == code
    assert isinstance(event.control, Control) == (code < 0x80)
    assert (event.event_type, event.data, event.count) == (77, b"raw", 3)


def test_every_control_is_in_the_table() -> None:
    """D.1: the table above leaves no named control out."""
    assert {code for code in CLASSES if code < 0x80} == set(Control)


@pytest.mark.parametrize("code", [0, 0x12, 0x7F, 0x100, 0xFFFFFFFF])
def test_unknown_control_keeps_its_number(code: int) -> None:
    """I-128: a code without a name is a plain Event with an int."""
    event = make_event(code, 5, b"x", 1)

    assert type(event) is Event
    assert type(event.control) is int
    assert event.control == code


def test_kinds_of_kinds() -> None:
    """D.1: who handles the general kind sees the particular one."""
    assert issubclass(events.Shutdown, events.Stop)
    assert issubclass(events.Preshutdown, events.Stop)
    assert issubclass(PowerSettingChange, PowerEvent)
    assert issubclass(events.SystemLowResources, events.LowResources)


@pytest.mark.parametrize(("code", "value", "name"), ROWS)
def test_event_type_has_its_reason(code: int, value: int, name: str) -> None:
    """D.2: every row of the table, with nothing in the payload."""
    event = make_event(code, value, b"", 1)

    assert event.reason.name == name
    assert event.reason == event.event_type == value


@pytest.mark.parametrize(
    ("enum", "table"),
    [
        *((enum, table) for _, enum, table in TABLES),
        (NetBindReason, NETBIND),
        (DeviceType, DEVTYP),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_enum_is_its_table(enum: type[PowerReason], table: dict[str, int]) -> None:
    """D.2: an enum has the table's rows and no others."""
    assert {member.name: member.value for member in enum} == table


@pytest.mark.parametrize(("name", "code"), NETBIND.items())
def test_net_bind_reason_is_its_code(name: str, code: int) -> None:
    """D.1: the four codes of the network bindings are one kind."""
    event = make_event(code, 0, b"", 2)

    assert isinstance(event, NetBindChange)
    assert event.reason.name == name
    assert event.control is Control["NETBIND" + name]
    assert event.count == 2


@pytest.mark.parametrize(
    "code", [POWEREVENT, DEVICEEVENT, PROFILECHANGE, SESSIONCHANGE]
)
def test_unknown_event_type_keeps_its_number(code: int) -> None:
    """I-128: an event type without a name is an int."""
    event = make_event(code, 0x7777, b"", 1)

    assert type(event) is CLASSES[code]
    assert type(event.reason) is int
    assert event.reason == 0x7777


def test_only_two_events_are_queries() -> None:
    """D-13: of all codes with all event types, a service may refuse these two."""
    types = {0, *(value for _, _, table in TABLES for value in table.values())}
    queries = {
        (code, event_type)
        for code in range(0x100)
        for event_type in types
        if make_event(code, event_type, b"", 1).is_query
    }

    assert queries == {(DEVICEEVENT, 0x8001), (PROFILECHANGE, 0x17)}


@pytest.mark.parametrize("code", CLASSES, ids=hex)
def test_event_is_frozen_value(code: int) -> None:
    """D-2: an event is a copy that nobody changes; it pickles and compares."""
    event = make_event(code, 0, b"raw", 1)

    with pytest.raises(dataclasses.FrozenInstanceError):
        event.data = b""
    assert not hasattr(event, "__dict__")
    assert pickle.loads(pickle.dumps(event)) == event == copy.copy(event)
    assert hash(event) == hash(copy.copy(event))
    assert event != dataclasses.replace(event, count=2)
    assert repr(event).startswith(f"{CLASSES[code].__name__}(control=")
    with pytest.raises(TypeError):
        type(event)(Control.STOP)


def test_events_of_two_kinds_differ() -> None:
    """D.1: the class is part of the value, though the fields are inherited."""
    stop = events.Stop(control=1)

    assert stop == events.Stop(control=1)
    assert stop != events.Pause(control=1)


# --- power settings -------------------------------------------------------------


@pytest.mark.parametrize(("name", "guid", "number", "value"), SETTINGS)
def test_power_setting_is_decoded(
    name: str, guid: str, number: int, value: int
) -> None:
    """D-12: setting, name and value of a POWERBROADCAST_SETTING."""
    event = power_setting(setting_bytes(guid, struct.pack("<I", number)))

    assert event.reason is PowerReason.POWERSETTINGCHANGE
    assert event.setting == UUID(guid) == getattr(PowerSetting, name)
    assert event.name == name
    assert event.value == value
    assert type(event.value) is type(value)


def test_every_power_setting_is_tested() -> None:
    """D-12: the table above has every setting that has a name."""
    names = {name for name in vars(PowerSetting) if name.isupper()}

    assert names == {"PERSONALITY", *(name for name, *_ in SETTINGS)}


@pytest.mark.parametrize(
    ("guid", "personality"),
    [
        ("8C5E7FDA-E8BF-4A96-9A85-A6E23A8C635C", PowerPersonality.HIGH_PERFORMANCE),
        ("A1841308-3541-4FAB-BC81-F71556F20B4A", PowerPersonality.POWER_SAVER),
        ("381B4222-F694-41F0-9685-FF5BB260DF2E", PowerPersonality.BALANCED),
    ],
)
def test_power_personality_is_guid(guid: str, personality: UUID) -> None:
    """D-12: the personality's value is a GUID of 16 bytes."""
    setting = "245D8541-3943-4422-B025-13A784F679B7"
    event = power_setting(setting_bytes(setting, UUID(guid).bytes_le))

    assert event.setting == UUID(setting) == PowerSetting.PERSONALITY
    assert event.name == "PERSONALITY"
    assert event.value == personality == UUID(guid)


def test_power_setting_is_text_and_uuid() -> None:
    """D-12: what is registered may be written either way."""
    assert str(PowerSetting.LID) == "ba3e0f4d-b817-4094-a2d1-d56379e6a0f3"
    assert UUID(str(PowerSetting.LID)) == PowerSetting.LID


def test_guid_is_little_endian() -> None:
    """D.3: its first three parts lie lowest byte first."""
    event = power_setting(DISK_BYTES + b"\4\0\0\0" + b"\1\2\3\4")

    assert event.setting == DISK


def test_unknown_setting_keeps_its_bytes() -> None:
    """I-128: a setting that is not known has no name, its value is raw."""
    event = power_setting(setting_bytes(DISK, b"\1\0\0\0"))

    assert event.name == ""
    assert event.value == b"\1\0\0\0"


def test_unknown_value_keeps_its_number() -> None:
    """I-128: a known setting's value without a name is an int."""
    event = power_setting(setting_bytes(PowerSetting.LID, b"\x07\1\0\0"))

    assert type(event.value) is int
    assert event.value == 0x107


@pytest.mark.parametrize(
    ("setting", "value", "length", "raw"),
    [
        (PowerSetting.LID, b"\1\0\0\0", 0, b""),
        (PowerSetting.LID, b"\1\0\0\0", 3, b"\1\0\0"),
        (PowerSetting.LID, b"\1\0", 4, b"\1\0"),
        (PowerSetting.LID, b"\1\0\0\0\0", 5, b"\1\0\0\0\0"),
        (PowerSetting.LID, b"", 0xFFFFFFFF, b""),
        (PowerSetting.PERSONALITY, b"\1\0\0\0", 4, b"\1\0\0\0"),
        (PowerSetting.PERSONALITY, bytes(17), 17, bytes(17)),
    ],
)
def test_value_of_wrong_length_is_raw(
    setting: UUID, value: bytes, length: int, raw: bytes
) -> None:
    """I-128: DataLength 0, short, oversized, a lie: the bytes there are."""
    event = power_setting(setting_bytes(setting, value, length))

    assert event.setting == setting
    assert type(event.value) is bytes
    assert event.value == raw


def test_bytes_after_data_are_not_its_value() -> None:
    """D.3: Data ends where DataLength says, padding follows."""
    data = setting_bytes(PowerSetting.LID, b"\1\0\0\0rest", 4)

    assert power_setting(data).value is LidState.OPEN
    assert power_setting(data).data == data


@pytest.mark.parametrize("size", [0, 15, 16, 19, 20])
def test_short_power_setting(size: int) -> None:
    """I-128: NULL or cut data leaves what can be read, GUID first."""
    data = setting_bytes(PowerSetting.LID, b"\1\0\0\0")[:size]
    event = power_setting(data)

    assert event.setting == (PowerSetting.LID if size >= 16 else None)
    assert event.name == ("LID" if size >= 16 else "")
    assert event.value == b""


@pytest.mark.parametrize("event_type", sorted({*PBT.values()} - {SETTINGCHANGE}))
def test_only_setting_change_has_setting(event_type: int) -> None:
    """D.2: a payload with another event type is not looked at."""
    data = setting_bytes(PowerSetting.LID, b"\1\0\0\0")
    event = make_event(POWEREVENT, event_type, data, 1)

    assert type(event) is PowerEvent
    assert event.data == data


# --- sessions -------------------------------------------------------------------


@pytest.mark.parametrize("session", [0, 1, 0x10002, 0xFFFFFFFF])
def test_session_id(session: int) -> None:
    """D.3: WTSSESSION_NOTIFICATION is cbSize and the session."""
    assert session_change(struct.pack("<II", 8, session)).session_id == session


@pytest.mark.parametrize(
    ("size", "session_id"),
    [(0, None), (4, None), (7, None), (8, 3), (9, 3), (0xFFFFFFFF, 3)],
)
def test_session_with_wrong_size(size: int, session_id: int | None) -> None:
    """I-128: what its cbSize leaves out is not read."""
    assert session_change(struct.pack("<II", size, 3)).session_id == session_id


@pytest.mark.parametrize("size", range(8))
def test_short_session(size: int) -> None:
    """I-128: cut data has no session."""
    assert session_change(struct.pack("<II", 8, 3)[:size]).session_id is None


# --- devices --------------------------------------------------------------------


@pytest.mark.parametrize("pad", [b"", b"\0\0", b"\0\0after"])
def test_device_interface(pad: bytes) -> None:
    """D.3: class at 12, name at 28 up to its NUL, with or without padding."""
    path = r"\\?\USB#VID_046D&PID_C31C#5&ä€😀#{53f56307}"
    device = device_of(device_bytes(5, DISK_BYTES + path.encode("utf-16-le") + pad))

    assert device == DeviceInterface(class_guid=DISK, name=path)


@pytest.mark.parametrize("name", [b"", b"\0\0", b"\0\0\0\0"])
def test_device_interface_without_name(name: bytes) -> None:
    """I-128: an empty name is one; 32 bytes are the smallest structure (D.3)."""
    device = device_of(device_bytes(5, DISK_BYTES + name))

    assert device == DeviceInterface(class_guid=DISK, name="")


@pytest.mark.parametrize("name", [b"\x00\xd8", b"a\0\xff\xdf\0\0", b"a", b"a\0b"])
def test_name_that_is_no_utf16_is_none(name: bytes) -> None:
    """I-128: half a surrogate pair or half a character; the class stays."""
    device = device_of(device_bytes(5, DISK_BYTES + name))

    assert device == DeviceInterface(class_guid=DISK, name=None)
    assert device_of(device_bytes(3, name)) == DevicePort(name=None)


def test_name_ends_at_a_whole_nul() -> None:
    """D.3: two zero bytes of two characters are no end."""
    raw = b"\0\1\1\0\0\0z\0"  # U+0100, U+0001, end

    assert device_of(device_bytes(3, raw)) == DevicePort(name="\u0100\u0001")


def test_device_port() -> None:
    """D.3: the name of a port is at 12."""
    device = device_of(device_bytes(3, "COM3\0".encode("utf-16-le")))

    assert device == DevicePort(name="COM3")


@pytest.mark.parametrize(
    ("mask", "drives"),
    [
        (0, ()),
        (1, ("A",)),
        (0b1100, ("C", "D")),
        (1 << 25, ("Z",)),
        (1 << 26, ()),
        (0xFFFFFFFF, tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")),
    ],
)
def test_device_volume(mask: int, drives: tuple[str, ...]) -> None:
    """D.3: mask at 12, flags at 16, two bytes of padding."""
    device = device_of(device_bytes(2, struct.pack("<IHH", mask, 1, 0xFFFF)))

    assert device == DeviceVolume(unit_mask=mask, flags=1, drives=drives)


@pytest.mark.parametrize(("pointer", "size"), [(4, 44), (8, 56)])
def test_device_handle(pointer: int, size: int) -> None:
    """D.3: 56 bytes on 64-bit, 44 on 32-bit: data and padding are its last 4."""
    data = handle_bytes(pointer, DISK_BYTES, 2, b"data")

    assert len(data) == size
    assert decode_device(data, pointer) == DeviceHandle(
        handle=0x1122, notification=0x3344, guid=DISK, name_offset=2, data=b"data"
    )


@pytest.mark.parametrize("pointer", [4, 8])
def test_device_handle_without_custom_event(pointer: int) -> None:
    """D.2: a GUID of zeros is none; no name is a negative offset."""
    device = decode_device(handle_bytes(pointer, bytes(16), -1, b""), pointer)

    assert device == DeviceHandle(
        handle=0x1122, notification=0x3344, guid=None, name_offset=-1, data=b""
    )


@pytest.mark.parametrize("pointer", [4, 8])
def test_device_handle_has_all_bits(pointer: int) -> None:
    """D.3: handles are read to their last bit, unsigned."""
    full = (1 << 8 * pointer) - 1
    head = b"\0" * (pointer - 4) + b"\xff" * (2 * pointer)
    device = decode_device(device_bytes(6, head + bytes(20)), pointer)

    assert isinstance(device, DeviceHandle)
    assert (device.handle, device.notification) == (full, full)


def test_event_has_pointers_of_this_process() -> None:
    """D.3: a service's structures are those of its own process."""
    data = handle_bytes(struct.calcsize("P"), DISK_BYTES, -1, b"x")
    device = device_of(data)

    assert isinstance(device, DeviceHandle)
    assert (device.handle, device.guid) == (0x1122, DISK)


@pytest.mark.parametrize("kind", [DeviceType.OEM, DeviceType.DEVNODE, DeviceType.NET])
def test_other_device(kind: DeviceType) -> None:
    """D.2: kinds that services do not get come with their bytes."""
    device = device_of(device_bytes(kind, b"body"))

    assert device == OtherDevice(device_type=kind, raw=b"body")
    assert isinstance(device, OtherDevice)
    assert type(device.device_type) is DeviceType


@pytest.mark.parametrize("kind", [7, 0xFFFFFFFF])
def test_unknown_device_type_keeps_its_number(kind: int) -> None:
    """I-128: a kind without a name is an int."""
    device = device_of(device_bytes(kind, b"body"))

    assert device == OtherDevice(device_type=kind, raw=b"body")
    assert isinstance(device, OtherDevice)
    assert type(device.device_type) is int


@pytest.mark.parametrize(
    ("kind", "fields"),
    [(5, 16), (2, 6), (6, 40)],
    ids=["interface", "volume", "handle"],
)
def test_short_device_is_none(kind: int, fields: int) -> None:
    """I-128: one byte too few, in fact or by its own size, is no device."""
    body = bytes(fields)

    assert decode_device(device_bytes(kind, body), 8) is not None
    assert decode_device(device_bytes(kind, body[:-1]), 8) is None
    assert decode_device(device_bytes(kind, body, 12 + fields - 1), 8) is None
    assert decode_device(device_bytes(kind, body[:-1], 12 + fields), 8) is None


@pytest.mark.parametrize("kind", DeviceType)
@pytest.mark.parametrize("size", [0, 4, 11])
def test_device_smaller_than_its_header_is_none(kind: int, size: int) -> None:
    """I-128: a size or data that ends within the header."""
    assert device_of(device_bytes(kind, bytes(64), size)) is None
    assert device_of(device_bytes(kind, bytes(64))[:size]) is None


def test_device_size_that_lies() -> None:
    """I-128: more than there is means all; less cuts off."""
    body = "COM3\0".encode("utf-16-le")

    assert device_of(device_bytes(3, body, 0xFFFFFFFF)) == DevicePort(name="COM3")
    assert device_of(device_bytes(3, body, 12 + 6)) == DevicePort(name="COM")


# --- time -----------------------------------------------------------------------


def test_time_change() -> None:
    """D.3: the new time, then the old one, in 100 ns since 1601, UTC."""
    # 116444736000000000 is 1970 (Windows and Unix epochs are 11644473600 s apart).
    unix = 116_444_736_000_000_000
    event = time_change(struct.pack("<qq", unix + 15, unix + 864_000_000_000))

    assert event.new == datetime(1970, 1, 1, 0, 0, 0, 1, tzinfo=UTC)
    assert event.old == datetime(1970, 1, 2, tzinfo=UTC)
    assert (event.new_filetime, event.old_filetime) == (
        unix + 15,
        116_445_600_000_000_000,
    )


def test_time_zero_and_backwards() -> None:
    """I-132: FILETIME 0, and an old time after the new one, pass through."""
    event = time_change(struct.pack("<qq", 0, 20))

    assert event.new == datetime(1601, 1, 1, tzinfo=UTC)
    assert event.old == datetime(1601, 1, 1, 0, 0, 0, 2, tzinfo=UTC)
    assert (event.new_filetime, event.old_filetime) == (0, 20)


@pytest.mark.parametrize("filetime", [2**63 - 1, -(2**63), 2_650_467_744_000_000_000])
def test_time_out_of_range_is_none(filetime: int) -> None:
    """I-132: no datetime holds it (the last is the first moment of 10000)."""
    event = time_change(struct.pack("<qq", filetime, 0))

    assert event.new is None
    assert event.new_filetime == filetime
    assert event.old is not None


def test_last_time_in_range() -> None:
    """I-132: the last microsecond of 9999 is still one."""
    event = time_change(struct.pack("<qq", 2_650_467_743_999_999_999, -10))

    assert event.new == datetime.max.replace(tzinfo=UTC)
    assert event.old == datetime(1600, 12, 31, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize("size", [0, 7, 8, 15])
def test_short_time(size: int) -> None:
    """I-128: cut data leaves the times that are whole."""
    event = time_change(struct.pack("<qq", 10, 20)[:size])

    assert event.new_filetime == (10 if size >= 8 else None)
    assert (event.new is None) == (event.new_filetime is None)
    assert event.old_filetime is None
    assert event.old is None


# --- whatever comes -------------------------------------------------------------

U32 = st.integers(0, 0xFFFFFFFF)
GUIDS = st.sampled_from(
    [value for value in vars(PowerSetting).values() if isinstance(value, UUID)]
)
PAYLOADS = st.one_of(
    st.binary(max_size=100),
    st.builds(setting_bytes, GUIDS, st.binary(max_size=20), U32),
    st.builds(setting_bytes, GUIDS, st.binary(max_size=20)),
    st.builds(device_bytes, st.integers(0, 8), st.binary(max_size=80), U32),
    st.builds(device_bytes, st.integers(0, 8), st.binary(max_size=80)),
    st.builds(struct.Struct("<II").pack, st.integers(0, 16), U32),
)


@given(
    code=st.sampled_from(sorted(CLASSES)) | U32,
    event_type=st.sampled_from(sorted({*PBT.values(), *DBT_DEVICE.values()})) | U32,
    data=PAYLOADS,
    count=st.integers(1, 0xFFFFFFFF),
)
@example(code=DEVICEEVENT, event_type=0x8006, data=b"\xff" * 100, count=1)
@example(code=TIMECHANGE, event_type=0, data=b"\xff" * 16, count=1)
@example(code=POWEREVENT, event_type=SETTINGCHANGE, data=b"\xff" * 40, count=1)
def test_nothing_raises_and_nothing_is_lost(
    code: int, event_type: int, data: bytes, count: int
) -> None:
    """I-128, I-132: any control makes an event that has all that came."""
    event = make_event(code, event_type, data, count)

    assert (event.control, event.event_type) == (code, event_type)
    assert (event.data, event.count) == (data, count)
    assert repr(data) in repr(event)


@given(data=PAYLOADS, pointer=st.sampled_from([4, 8]))
def test_device_of_either_size_never_raises(data: bytes, pointer: int) -> None:
    """I-128: for 32-bit and 64-bit processes, and nothing beyond its size."""
    device = decode_device(data, pointer)

    size = int.from_bytes(data[:4], "little")
    assert device == decode_device(data[:size], pointer)


def test_import_needs_no_decoders() -> None:
    """A service imports the events as soon as it runs: only what they need."""
    code = (
        "import sys; before = set(sys.modules); import winsvc.events;"
        "print(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    heavy = {"ctypes", "uuid", "datetime", "struct", "winsvc.power", "winsvc.devices"}

    assert "winsvc.events" in done.stdout.split()
    assert not heavy & set(done.stdout.split())

"""What winsvc.testing.system makes, decoded again."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

from winsvc.devices import DeviceInterface, DeviceVolume
from winsvc.events import (
    DeviceEvent,
    DeviceReason,
    Event,
    PowerEvent,
    PowerReason,
    PowerSettingChange,
    SessionChange,
    SessionReason,
    TimeChange,
    make_event,
)
from winsvc.power import LidState, PowerSetting
from winsvc.testing import system


def decoded(event: system.SystemEvent) -> Event:
    """Return the event that a handler would get."""
    return make_event(event.control, event.event_type, event.data or b"", 1)


def test_power_event_is_decoded() -> None:
    """A suspend carries no data."""
    event = decoded(system.power_event(PowerReason.SUSPEND))

    assert isinstance(event, PowerEvent)
    assert event.reason is PowerReason.SUSPEND


def test_power_setting_is_decoded() -> None:
    """POWERBROADCAST_SETTING (D.3), by GUID and by text."""
    event = decoded(system.power_setting_change(PowerSetting.LID, 0))
    same = decoded(system.power_setting_change(str(PowerSetting.LID), b"\0" * 4))

    assert isinstance(event, PowerSettingChange)
    assert event.value is LidState.CLOSED
    assert event == same


def test_session_change_is_decoded() -> None:
    """WTSSESSION_NOTIFICATION (D.3)."""
    event = decoded(system.session_change(SessionReason.UNLOCK, 3))

    assert isinstance(event, SessionChange)
    assert (event.reason, event.session_id) == (SessionReason.UNLOCK, 3)


def test_device_events_are_decoded() -> None:
    """DEV_BROADCAST_DEVICEINTERFACE and _VOLUME (D.3)."""
    guid = "a5dcbf10-6530-11d2-901f-00c04fb951ed"
    arrival = DeviceReason.DEVICEARRIVAL
    interface = decoded(system.device_interface_event(arrival, guid, r"\\?\usb"))
    volume = decoded(system.volume_event(arrival, "d", "E"))

    assert isinstance(interface, DeviceEvent)
    assert isinstance(interface.device, DeviceInterface)
    assert str(interface.device.class_guid) == guid
    assert interface.device.name == r"\\?\usb"
    assert isinstance(volume, DeviceEvent)
    assert isinstance(volume.device, DeviceVolume)
    assert volume.device.drives == ("D", "E")


def test_time_change_is_decoded() -> None:
    """SERVICE_TIMECHANGE_INFO (D.3): both times, to the microsecond."""
    new = datetime(2026, 11, 23, 12, 0, 0, 1, tzinfo=UTC)
    old = new.astimezone(timezone(timedelta(hours=2))) - timedelta(days=1)
    event = decoded(system.time_change(new, old))

    assert isinstance(event, TimeChange)
    assert (event.new, event.old) == (new, old)

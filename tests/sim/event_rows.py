"""Every control with data, as the SCM sends it and as a service sees it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

import payloads

from winsvc import events
from winsvc.devices import DeviceInterface
from winsvc.events import (
    DeviceReason,
    Event,
    NetBindReason,
    PowerReason,
    ProfileReason,
    SessionReason,
)
from winsvc.states import Accept, Control, State

ALWAYS = Accept.STOP | Accept.SHUTDOWN
NO_BIT = Accept(0)
# Windows sends most controls without data (D-1): here they have some all the same.
ODD = b"\0odd\xff" * 5


@dataclass(frozen=True)
class Row:
    """A control, as the SCM sends it and as a service sees it."""

    control: int
    accept: Accept
    handler: str
    event: type[Event]
    event_type: int = 0
    data: bytes = ODD
    fields: dict[str, object] = field(default_factory=dict)
    also: Accept = NO_BIT
    """What the handler accepts besides."""
    state: State = State.RUNNING
    """Where it means something."""

    @property
    def accepts(self) -> Accept:
        """What a service with that handler alone accepts."""
        accepts = ALWAYS | self.accept | self.also
        if self.accept is Accept.PRESHUTDOWN:  # in place of SHUTDOWN (C-31)
            accepts &= ~Accept.SHUTDOWN
        return accepts


# Their handlers get no event.
PLAIN = (
    Control.STOP,
    Control.SHUTDOWN,
    Control.PRESHUTDOWN,
    Control.PAUSE,
    Control.CONTINUE,
    Control.PARAMCHANGE,
)


def net_bind(control: Control, reason: NetBindReason) -> Row:
    """Return the row of one of the four controls of the network's bindings."""
    return Row(
        control,
        Accept.NETBINDCHANGE,
        "on_netbind_change",
        events.NetBindChange,
        fields={"reason": reason},
    )


ROWS = {
    "STOP": Row(Control.STOP, Accept.STOP, "on_stop", events.Stop),
    "PAUSE": Row(Control.PAUSE, Accept.PAUSE_CONTINUE, "on_pause", events.Pause),
    "CONTINUE": Row(
        Control.CONTINUE,
        Accept.PAUSE_CONTINUE,
        "on_continue",
        events.Continue,
        state=State.PAUSED,
    ),
    "SHUTDOWN": Row(Control.SHUTDOWN, Accept.SHUTDOWN, "on_shutdown", events.Shutdown),
    "PARAMCHANGE": Row(
        Control.PARAMCHANGE, Accept.PARAMCHANGE, "on_param_change", events.ParamChange
    ),
    "NETBINDADD": net_bind(Control.NETBINDADD, NetBindReason.ADD),
    "NETBINDREMOVE": net_bind(Control.NETBINDREMOVE, NetBindReason.REMOVE),
    "NETBINDENABLE": net_bind(Control.NETBINDENABLE, NetBindReason.ENABLE),
    "NETBINDDISABLE": net_bind(Control.NETBINDDISABLE, NetBindReason.DISABLE),
    "DEVICEEVENT": Row(
        Control.DEVICEEVENT,
        NO_BIT,
        "on_device_event",
        events.DeviceEvent,
        0x8000,
        payloads.interface(),
        {
            "reason": DeviceReason.DEVICEARRIVAL,
            "device": DeviceInterface(
                class_guid=payloads.DISK, name=payloads.DISK_PATH
            ),
        },
    ),
    "HARDWAREPROFILECHANGE": Row(
        Control.HARDWAREPROFILECHANGE,
        Accept.HARDWAREPROFILECHANGE,
        "on_hardware_profile_change",
        events.HardwareProfileChange,
        0x18,
        fields={"reason": ProfileReason.CONFIGCHANGED},
    ),
    "POWEREVENT": Row(
        Control.POWEREVENT,
        Accept.POWEREVENT,
        "on_power_event",
        events.PowerSettingChange,
        0x8013,
        payloads.power_setting(payloads.BATTERY, b"\x2a\0\0\0"),
        {
            "reason": PowerReason.POWERSETTINGCHANGE,
            "setting": payloads.BATTERY,
            "name": "BATTERY_PERCENTAGE",
            "value": 42,
        },
    ),
    "SESSIONCHANGE": Row(
        Control.SESSIONCHANGE,
        Accept.SESSIONCHANGE,
        "on_session_change",
        events.SessionChange,
        7,
        payloads.session(0x10002),
        {"reason": SessionReason.LOCK, "session_id": 0x10002},
    ),
    "PRESHUTDOWN": Row(
        Control.PRESHUTDOWN, Accept.PRESHUTDOWN, "on_preshutdown", events.Preshutdown
    ),
    "TIMECHANGE": Row(
        Control.TIMECHANGE,
        Accept.TIMECHANGE,
        "on_time_change",
        events.TimeChange,
        data=payloads.times(payloads.FILETIME, payloads.FILETIME + payloads.MINUTE),
        fields={
            "new": datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
            "old": datetime(2026, 1, 2, 3, 5, 5, tzinfo=UTC),
            "new_filetime": payloads.FILETIME,
            "old_filetime": payloads.FILETIME + payloads.MINUTE,
        },
    ),
    "USER_LOGOFF": Row(
        Control.USER_LOGOFF, Accept.USERMODEREBOOT, "on_user_logoff", events.UserLogoff
    ),
    "TRIGGEREVENT": Row(
        Control.TRIGGEREVENT,
        Accept.TRIGGEREVENT,
        "on_trigger_event",
        events.TriggerEvent,
    ),
    "USERMODEREBOOT": Row(
        Control.USERMODEREBOOT,
        Accept.USERMODEREBOOT,
        "on_user_mode_reboot",
        events.UserModeReboot,
    ),
    "LOWRESOURCES": Row(
        Control.LOWRESOURCES,
        Accept.LOWRESOURCES,
        "on_low_resources",
        events.LowResources,
        also=Accept.SYSTEMLOWRESOURCES,
    ),
    "SYSTEMLOWRESOURCES": Row(
        Control.SYSTEMLOWRESOURCES,
        Accept.SYSTEMLOWRESOURCES,
        "on_low_resources",
        events.SystemLowResources,
        also=Accept.LOWRESOURCES,
    ),
    "user": Row(200, NO_BIT, "on_user_control", events.UserControl),
}

"""Power settings: their GUIDs, and the values that their changes bring.

Loaded when it is first needed: a service that registers for no setting does
not pay for ``uuid`` at its start.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import IntEnum
from uuid import UUID


class PowerSetting:
    """GUIDs of the settings that are known here; any other works as well.

    They are plain ``UUID``: compare them with ``PowerSettingChange.setting``;
    ``str`` gives the text.
    """

    POWER_SOURCE = UUID("5d3e9a59-e9d5-4b00-a6bd-ff34ff516548")
    """GUID_ACDC_POWER_SOURCE: a ``PowerSource``."""
    BATTERY_PERCENTAGE = UUID("a7ad8041-b45a-4cae-87a3-eecbb468a9e1")
    """GUID_BATTERY_PERCENTAGE_REMAINING: 0 to 100."""
    LID = UUID("ba3e0f4d-b817-4094-a2d1-d56379e6a0f3")
    """GUID_LIDSWITCH_STATE_CHANGE: a ``LidState``."""
    CONSOLE_DISPLAY = UUID("6fe69556-704a-47a0-8f24-c28d936fda47")
    """GUID_CONSOLE_DISPLAY_STATE: a ``DisplayState``."""
    SESSION_DISPLAY = UUID("2b84c20e-ad23-4ddf-93db-05ffbd7efca5")
    """GUID_SESSION_DISPLAY_STATUS: a ``DisplayState``; never sent to services."""
    MONITOR_POWER = UUID("02731015-4510-4526-99e6-e5a17ebd1aea")
    """GUID_MONITOR_POWER_ON: a ``Switch``; CONSOLE_DISPLAY is the newer one."""
    AWAY_MODE = UUID("98a7f580-01f7-48aa-9c0f-44352c29e5c0")
    """GUID_SYSTEM_AWAYMODE: a ``Switch``."""
    POWER_SAVING = UUID("e00958c0-c213-4ace-ac77-fecced2eeea5")
    """GUID_POWER_SAVING_STATUS, the battery saver: a ``Switch``."""
    ENERGY_SAVER = UUID("550e8400-e29b-41d4-a716-446655440000")
    """GUID_ENERGY_SAVER_STATUS: an ``EnergySaver``; Windows 11 24H2 and newer."""
    PERSONALITY = UUID("245d8541-3943-4422-b025-13a784f679b7")
    """GUID_POWERSCHEME_PERSONALITY: one of ``PowerPersonality``, a ``UUID``."""
    USER_PRESENCE = UUID("786e8a1d-b427-4344-9207-09e70bdcbea9")
    """GUID_GLOBAL_USER_PRESENCE, of all sessions: a ``UserPresence``."""
    SESSION_USER_PRESENCE = UUID("3c0f4548-c03f-4c4d-b9f2-237ede686376")
    """GUID_SESSION_USER_PRESENCE: a ``UserPresence``; never sent to services."""
    IDLE_BACKGROUND_TASK = UUID("515c31d8-f734-163d-a0fd-11a08c91e8f1")
    """GUID_IDLE_BACKGROUND_TASK: a good time for such work; a number that says
    nothing."""


class PowerPersonality:
    """Values of ``PowerSetting.PERSONALITY``: what a power scheme is for."""

    HIGH_PERFORMANCE = UUID("8c5e7fda-e8bf-4a96-9a85-a6e23a8c635c")
    """GUID_MIN_POWER_SAVINGS."""
    POWER_SAVER = UUID("a1841308-3541-4fab-bc81-f71556f20b4a")
    """GUID_MAX_POWER_SAVINGS."""
    BALANCED = UUID("381b4222-f694-41f0-9685-ff5bb260df2e")
    """GUID_TYPICAL_POWER_SAVINGS."""


class PowerSource(IntEnum):
    """What the computer runs on."""

    AC = 0
    DC = 1
    """Its battery."""
    UPS = 2
    """A short-term source, PoHot."""


class LidState(IntEnum):
    """Whether the lid is open."""

    CLOSED = 0
    OPEN = 1


class DisplayState(IntEnum):
    """What the display does."""

    OFF = 0
    ON = 1
    DIM = 2


class Switch(IntEnum):
    """A setting that is on or off."""

    OFF = 0
    ON = 1


class EnergySaver(IntEnum):
    """How much energy is to be saved."""

    OFF = 0
    STANDARD = 1
    """Save where the user hardly notices."""
    HIGH_SAVINGS = 2


class UserPresence(IntEnum):
    """Whether somebody uses the computer."""

    PRESENT = 0
    NOT_PRESENT = 1
    INACTIVE = 2


# Decoded (an enum's member, int or UUID), or the raw bytes.
PowerValue = int | UUID | bytes

_DWORDS: dict[UUID, Callable[[int], int]] = {
    PowerSetting.POWER_SOURCE: PowerSource,
    PowerSetting.BATTERY_PERCENTAGE: int,
    PowerSetting.LID: LidState,
    PowerSetting.CONSOLE_DISPLAY: DisplayState,
    PowerSetting.SESSION_DISPLAY: DisplayState,
    PowerSetting.MONITOR_POWER: Switch,
    PowerSetting.AWAY_MODE: Switch,
    PowerSetting.POWER_SAVING: Switch,
    PowerSetting.ENERGY_SAVER: EnergySaver,
    PowerSetting.USER_PRESENCE: UserPresence,
    PowerSetting.SESSION_USER_PRESENCE: UserPresence,
    PowerSetting.IDLE_BACKGROUND_TASK: int,
}
_NAMES = {
    guid: name for name, guid in vars(PowerSetting).items() if isinstance(guid, UUID)
}


def decode_setting(data: bytes) -> tuple[UUID | None, str, PowerValue]:
    """Decode a POWERBROADCAST_SETTING, as far as its bytes reach (I-128).

    Args:
        data: The structure: GUID, DataLength, Data (D.3).

    Returns:
        The setting or ``None``, its name in ``PowerSetting`` or ``""``, and its
        value: the raw bytes of Data where it is not known how to read them.
    """
    length = int.from_bytes(data[16:20], "little")
    raw = data[20 : 20 + length]
    if len(data) < 16:
        return None, "", raw
    setting = UUID(bytes_le=data[:16])
    return setting, _NAMES.get(setting, ""), _value(setting, raw)


def _value(setting: UUID, raw: bytes) -> PowerValue:
    if setting == PowerSetting.PERSONALITY and len(raw) == 16:
        return UUID(bytes_le=raw)
    if setting not in _DWORDS or len(raw) != 4:
        return raw
    number = int.from_bytes(raw, "little")
    try:
        return _DWORDS[setting](number)
    except ValueError:
        return number

"""The constants have Windows's values, and are plain integers."""

from __future__ import annotations

import pytest

from winsvc import constants
from winsvc.states import Accept, Control, State

# docs/scm-rules.md D.1, D.4, B.2; Win32::Daemon's own numbers.
VALUES = {
    "SERVICE_NOT_READY": 0,
    "SERVICE_STOPPED": 1,
    "SERVICE_START_PENDING": 2,
    "SERVICE_STOP_PENDING": 3,
    "SERVICE_RUNNING": 4,
    "SERVICE_CONTINUE_PENDING": 5,
    "SERVICE_PAUSE_PENDING": 6,
    "SERVICE_PAUSED": 7,
    "SERVICE_CONTROL_SHUTDOWN": 5,
    "SERVICE_CONTROL_PRESHUTDOWN": 0xF,
    "SERVICE_CONTROL_NONE": 0xFFFFFFFF,
    "SERVICE_CONTROL_START": 0x1010,
    "SERVICE_CONTROL_TIMER": 0x1020,
    "SERVICE_CONTROL_USER_DEFINED": 0x1030,
    "SERVICE_CONTROL_RUNNING": 0x1040,
    "SERVICE_ACCEPT_STOP": 1,
    "SERVICE_ACCEPT_PRESHUTDOWN": 0x100,
    "SERVICE_KERNEL_DRIVER": 1,
    "SERVICE_FILE_SYSTEM_DRIVER": 2,
    "SERVICE_WIN32_OWN_PROCESS": 0x10,
    "SERVICE_WIN32_SHARE_PROCESS": 0x20,
    "SERVICE_INTERACTIVE_PROCESS": 0x100,
    "SERVICE_BOOT_START": 0,
    "SERVICE_SYSTEM_START": 1,
    "SERVICE_AUTO_START": 2,
    "SERVICE_DEMAND_START": 3,
    "SERVICE_DISABLED": 4,
    "SERVICE_ERROR_IGNORE": 0,
    "SERVICE_ERROR_NORMAL": 1,
    "SERVICE_ERROR_SEVERE": 2,
    "SERVICE_ERROR_CRITICAL": 3,
    "USER_SERVICE_BITS_1": 0x4000,
    "USER_SERVICE_BITS_10": 0x20000000,
    "SC_GROUP_IDENTIFIER": "+",
    "NO_ERROR": 0,
}


@pytest.mark.parametrize("name", VALUES)
def test_constant_has_its_value(name: str) -> None:
    """A plain int (or str), not a member of an enum."""
    value = getattr(constants, name)

    assert value == VALUES[name]
    assert type(value) in (int, str)


@pytest.mark.parametrize(
    "member", [*State, *Control, *Accept], ids=lambda m: f"{type(m).__name__}.{m.name}"
)
def test_every_member_has_its_constant(member: State | Control | Accept) -> None:
    """SERVICE_…, SERVICE_CONTROL_…, SERVICE_ACCEPT_…."""
    kind = {State: "", Control: "CONTROL_", Accept: "ACCEPT_"}[type(member)]

    assert getattr(constants, f"SERVICE_{kind}{member.name}") == member


def test_user_service_bits_are_perls() -> None:
    """Ten bits, each its own, all in the mask that a program may set."""
    bits = [getattr(constants, f"USER_SERVICE_BITS_{n}") for n in range(1, 11)]

    assert sum(bits) == 0x3FC0C000
    assert all(bit.bit_count() == 1 for bit in bits)


def test_star_brings_the_constants_alone() -> None:
    """As `use Win32::Daemon` does."""
    brought: dict[str, object] = {}
    exec("from winsvc.constants import *", brought)
    del brought["__builtins__"]

    assert brought.keys() >= VALUES.keys()
    assert all(name.isupper() for name in brought)

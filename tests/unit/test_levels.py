"""The structures of the config2 levels, byte by byte (scm-rules D.3, E.6, E.8)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winsvc.settings.levels import Image, Level, pack, unpack
from winsvc.settings.triggers import (
    Trigger,
    TriggerAction,
    TriggerData,
    TriggerDataType,
    TriggerType,
)
from winsvc.settings.values import (
    MAX_DWORD,
    NO_NODE,
    ActionKind,
    FailureAction,
    FailureActions,
    LaunchProtection,
    SidType,
)

RESTARTS = FailureActions(
    actions=(
        FailureAction(ActionKind.RESTART, 5.0),
        FailureAction(ActionKind.RUN_COMMAND, 0.25),
    ),
    reset_period=86400.0,
    command="x",
    reboot_message="Hi",
)
PIPE = Trigger.named_pipe("p")
NETWORK = Trigger.network_lost()


def h(text: str) -> bytes:
    """Return bytes written as hexadecimal digits, what follows # left out."""
    return bytes.fromhex(" ".join(line.split("#")[0] for line in text.splitlines()))


# (level, value, pointer size, bytes, where there are pointers)
IMAGES = {
    "description-64": (
        Level.DESCRIPTION,
        "Aé",
        8,
        h("0800000000000000 4100 e900 0000"),
        (0,),
    ),
    "description-32": (Level.DESCRIPTION, "Aé", 4, h("04000000 4100 e900 0000"), (0,)),
    "description-removed": (
        Level.DESCRIPTION,
        "",
        8,
        h("0800000000000000 0000"),
        (0,),
    ),
    "failure-actions-64": (
        Level.FAILURE_ACTIONS,
        RESTARTS,
        8,
        h(
            """80510100 00000000   # 86400 s, then nothing for alignment
            2800000000000000      # reboot message, at 40
            2e00000000000000      # command, at 46
            02000000 00000000     # two actions
            3800000000000000      # the actions, at 56, a multiple of 8
            4800 6900 0000        # Hi
            7800 0000 00000000 0000 # x; six bytes up to 56
            01000000 88130000     # RESTART after 5000 ms
            03000000 fa000000"""  # RUN_COMMAND after 250 ms
        ),
        (8, 16, 32),
    ),
    "failure-actions-32": (
        Level.FAILURE_ACTIONS,
        RESTARTS,
        4,
        h(
            """80510100 14000000 1a000000 02000000 20000000
            4800 6900 0000
            7800 0000 0000
            01000000 88130000
            03000000 fa000000"""
        ),
        (4, 8, 16),
    ),
    # E-58: a pointer that is not NULL, and no elements: delete; "" deletes too.
    "failure-actions-deleted": (
        Level.FAILURE_ACTIONS,
        FailureActions(),
        8,
        h(
            """00000000 00000000 2800000000000000 2a00000000000000
            00000000 00000000 3000000000000000
            0000 0000 00000000
            0000000000000000"""
        ),
        (8, 16, 32),
    ),
    "delayed": (Level.DELAYED_AUTO_START, True, 8, h("01000000"), ()),
    "not-delayed": (Level.DELAYED_AUTO_START, False, 8, h("00000000"), ()),
    "on-error": (Level.FAILURE_ACTIONS_FLAG, True, 8, h("01000000"), ()),
    "sid": (Level.SERVICE_SID, SidType.RESTRICTED, 8, h("03000000"), ()),
    "privileges-64": (
        Level.REQUIRED_PRIVILEGES,
        ("ab", "c"),
        8,
        h("0800000000000000 6100 6200 0000 6300 0000 0000"),
        (0,),
    ),
    "privileges-32": (
        Level.REQUIRED_PRIVILEGES,
        ("ab", "c"),
        4,
        h("04000000 6100 6200 0000 6300 0000 0000"),
        (0,),
    ),
    "privileges-removed": (
        Level.REQUIRED_PRIVILEGES,
        (),
        8,
        h("0800000000000000 0000 0000"),
        (0,),
    ),
    "preshutdown": (Level.PRESHUTDOWN, 90.5, 8, h("84610100"), ()),
    "preshutdown-longest": (
        Level.PRESHUTDOWN,
        MAX_DWORD / 1000,
        8,
        h("ffffffff"),
        (),
    ),
    "triggers-64": (
        Level.TRIGGERS,
        (PIPE, NETWORK),
        8,
        h(
            """02000000 00000000   # two triggers
            1800000000000000      # at 24
            0000000000000000      # reserved
            06000000 01000000     # 24: NETWORK_ENDPOINT, START
            5800000000000000      # its subtype, at 88
            01000000 00000000     # one item
            6800000000000000      # at 104
            02000000 02000000     # 56: IP_ADDRESS_AVAILABILITY, STOP
            7c00000000000000      # its subtype, at 124, a multiple of 4
            00000000 00000000     # no items
            0000000000000000
            31d1811f ac3f 3745 9e0c 7e7b0c2f4b55 # 88: 1f81d131-3fac-4537-9e0c-…
            02000000 04000000     # 104: STRING, 4 bytes
            7800000000000000      # at 120
            7000 0000             # 120: "p" and its end
            2aa64bcc 2e16 4846 847a b6bdf993e335"""  # 124: cc4ba62a-162e-4648-847a-…
        ),
        (8, 32, 48, 64, 112),
    ),
    "triggers-32": (
        Level.TRIGGERS,
        (PIPE,),
        4,
        h(
            """01000000 0c000000 00000000
            06000000 01000000 20000000 01000000 30000000
            31d1811f ac3f 3745 9e0c 7e7b0c2f4b55
            02000000 04000000 40000000
            00000000              # 60: up to 64, for 64-bit keywords
            7000 0000"""
        ),
        (4, 20, 28, 56),
    ),
    "triggers-removed": (
        Level.TRIGGERS,
        (),
        8,
        h("00000000 00000000 0000000000000000 0000000000000000"),
        (),
    ),
    "node": (Level.PREFERRED_NODE, 0x102, 8, h("0201 00 00"), ()),
    "node-removed": (Level.PREFERRED_NODE, NO_NODE, 8, h("0000 01 00"), ()),
    "protection": (
        Level.LAUNCH_PROTECTED,
        LaunchProtection.ANTIMALWARE_LIGHT,
        8,
        h("03000000"),
        (),
    ),
}
each_image = pytest.mark.parametrize(
    ("level", "value", "size", "data", "pointers"), IMAGES.values(), ids=IMAGES
)


def placed(image: Image, base: int, size: int) -> bytes:
    """Return an image as it is at an address, where its pointers are right."""
    data = bytearray(image.data)
    for at in image.pointers:
        address = int.from_bytes(data[at : at + size], "little") + base
        data[at : at + size] = address.to_bytes(size, "little")
    return bytes(data)


@each_image
def test_image_is_what_c_would_make(
    level: Level, value: Any, size: int, data: bytes, pointers: tuple[int, ...]
) -> None:
    """Every byte, and every place where the address is to be added."""
    image = pack(level, value, pointer_size=size)

    assert image.data.hex() == data.hex()
    assert image.pointers == pointers


@each_image
def test_image_is_read_back(
    level: Level, value: Any, size: int, data: bytes, pointers: tuple[int, ...]
) -> None:
    """Its pointers are addresses by then."""
    there = placed(Image(data, pointers), 0x7FF000, size)
    found = unpack(level, there, 0x7FF000, pointer_size=size)

    assert found == value
    assert type(found) is type(value)


def test_every_level_has_an_image() -> None:
    """On 64 bits, written out above."""
    assert {row[0] for row in IMAGES.values() if row[2] == 8} == set(Level)


def test_null_pointers_are_empty() -> None:
    """As an SCM gives what is not set (E-72)."""
    assert unpack(Level.DESCRIPTION, bytes(8), 0, pointer_size=8) == ""
    assert unpack(Level.REQUIRED_PRIVILEGES, bytes(8), 0, pointer_size=8) == ()
    found = unpack(Level.FAILURE_ACTIONS, bytes(40), 0, pointer_size=8)
    assert found == FailureActions()
    assert unpack(Level.TRIGGERS, bytes(24), 0, pointer_size=8) == ()


@pytest.mark.parametrize("period", [None, 0.0, 1.0, float(MAX_DWORD - 1)])
def test_reset_period_is_kept(period: float | None) -> None:
    """INFINITE is never, and 0 is every time (E-52)."""
    value = FailureActions.restart(1.0, reset_period=period)
    image = pack(Level.FAILURE_ACTIONS, value, pointer_size=8)

    number = MAX_DWORD if period is None else int(period)
    assert image.data[:4] == number.to_bytes(4, "little")
    found = unpack(Level.FAILURE_ACTIONS, placed(image, 64, 8), 64, pointer_size=8)
    assert found == value


def test_failure_actions_are_those_of_the_registry() -> None:
    """E-61: 20 bytes of header and 8 for each action, whatever a pointer's size."""
    header = b"".join(number.to_bytes(4, "little") for number in (86400, 0, 0, 2, 20))
    image = pack(Level.FAILURE_ACTIONS, RESTARTS, pointer_size=8)
    at = int.from_bytes(image.data[32:40], "little")
    registry = image.data[0:4] + bytes(8) + image.data[24:28] + bytes([20, 0, 0, 0])

    assert registry == header
    assert image.data[at:] == h("01000000 88130000 03000000 fa000000")


def test_number_of_a_newer_windows_is_kept() -> None:
    """It is shown, and refused only when it is to be set."""
    kind = unpack(Level.SERVICE_SID, h("09000000"), 0)

    assert (kind, kind.name, kind.is_known) == (9, "UNKNOWN_9", False)


@pytest.mark.parametrize("level", [0, 10, 11, 13])
def test_there_is_no_other_level(level: int) -> None:
    """10 and 11 are reserved (E.7)."""
    with pytest.raises(ValueError, match=str(level)):
        pack(level, 0)
    with pytest.raises(ValueError, match=str(level)):
        unpack(level, bytes(64), 0)


@pytest.mark.parametrize(
    ("level", "value"),
    [
        (Level.PRESHUTDOWN, 4294967.3),
        (Level.PRESHUTDOWN, -0.001),
        (Level.PREFERRED_NODE, 0x10000),
        (Level.FAILURE_ACTIONS, FailureActions.restart(-1.0)),
    ],
)
def test_number_that_does_not_fit_is_refused(level: Level, value: Any) -> None:
    """It is not cut."""
    with pytest.raises(ValueError, match="does not fit"):
        pack(level, value)


# --- broken images --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "data", "text"),
    [
        (Level.DESCRIPTION, h("00000000"), "DESCRIPTION: 8 bytes .* at offset 0 of 4"),
        (Level.DESCRIPTION, h("0810000000000000 4100"), "at offset 10 of 10"),
        (Level.DESCRIPTION, h("ffffffff00000000 0000"), "at offset 4294963199"),
        (Level.DESCRIPTION, h("0100000000000000 0000"), "at offset -4095"),
        (Level.REQUIRED_PRIVILEGES, h("0810000000000000 4100 0000"), "offset 12 of 12"),
        (Level.PRESHUTDOWN, b"", "level 7 PRESHUTDOWN: 4 bytes .* offset 0 of 0"),
        (
            Level.FAILURE_ACTIONS,
            bytes(24) + h("01000000 00000000") + bytes(8),
            "NULL in place of 1 elements at offset 32",
        ),
        (
            Level.FAILURE_ACTIONS,
            bytes(24) + h("01040000 00000000") + bytes(8),
            "1025 elements, over 1024, at offset 24",
        ),
        (
            Level.TRIGGERS,
            h("41000000 00000000") + bytes(16),
            "65 elements, over 64, at offset 0",
        ),
        (
            Level.TRIGGERS,
            h("01000000 00000000 1810000000000000") + bytes(8),
            "32 bytes are not all there at offset 24",
        ),
    ],
)
def test_broken_image_is_told(level: Level, data: bytes, text: str) -> None:
    """By level and offset; it was at address 0x1000."""
    with pytest.raises(ValueError, match=text):
        unpack(level, data, 0x1000, pointer_size=8)


texts = st.text(st.characters(exclude_characters="\0", codec="utf-16"), max_size=20)
seconds = st.integers(0, MAX_DWORD).map(lambda ms: ms / 1000)
failure_actions = st.builds(
    FailureActions,
    actions=st.lists(
        st.builds(FailureAction, st.sampled_from(ActionKind), seconds), min_size=1
    ).map(tuple),
    reset_period=st.none() | st.integers(0, MAX_DWORD - 1).map(float),
    command=texts,
    reboot_message=texts,
)
triggers = st.lists(
    st.builds(
        Trigger,
        st.sampled_from(TriggerType),
        st.sampled_from(TriggerAction),
        st.uuids(),
        st.lists(
            st.builds(
                TriggerData, st.sampled_from(TriggerDataType), st.binary(max_size=64)
            ),
            max_size=4,
        ).map(tuple),
    ),
    max_size=5,
).map(tuple)
VALUES: dict[Level, st.SearchStrategy[Any]] = {
    Level.DESCRIPTION: texts,
    Level.FAILURE_ACTIONS: failure_actions,
    Level.DELAYED_AUTO_START: st.booleans(),
    Level.FAILURE_ACTIONS_FLAG: st.booleans(),
    Level.SERVICE_SID: st.sampled_from(SidType),
    Level.REQUIRED_PRIVILEGES: st.lists(texts.filter(bool)).map(tuple),
    Level.PRESHUTDOWN: seconds,
    Level.TRIGGERS: triggers,
    Level.PREFERRED_NODE: st.integers(NO_NODE, 0xFFFF),
    Level.LAUNCH_PROTECTED: st.sampled_from(LaunchProtection),
}
settings_of_levels = st.sampled_from(Level).flatmap(
    lambda level: st.tuples(st.just(level), VALUES[level])
)
sizes = st.sampled_from((4, 8))


@given(settings_of_levels, sizes, st.integers(1, 0x7FFF0000))
def test_whatever_is_packed_is_unpacked(
    setting: tuple[Level, Any], size: int, base: int
) -> None:
    """On both sizes, at any address."""
    level, value = setting
    image = pack(level, value, pointer_size=size)

    assert unpack(level, placed(image, base, size), base, pointer_size=size) == value


@given(settings_of_levels, sizes)
def test_pointers_are_aligned_and_inside(setting: tuple[Level, Any], size: int) -> None:
    """A pointer is where C would have it, and to something in the image."""
    image = pack(*setting, pointer_size=size)

    for at in image.pointers:
        assert at % size == 0
        assert (
            0 < int.from_bytes(image.data[at : at + size], "little") <= len(image.data)
        )


def check_broken(act: Callable[[], Any]) -> None:
    """Read an image: it is in order, or a ValueError says where it is not."""
    try:
        act()
    except ValueError as error:
        told = str(error)
    else:
        return
    assert "at offset" in told


@given(settings_of_levels, sizes, st.data())
def test_broken_image_is_only_ever_a_value_error(
    setting: tuple[Level, Any], size: int, draw: st.DataObject
) -> None:
    """Cut anywhere, with bytes of chance written over it, it is never left."""
    level, value = setting
    data = bytearray(placed(pack(level, value, pointer_size=size), 0x1000, size))
    for _ in range(draw.draw(st.integers(0, 3))):
        at = draw.draw(st.integers(0, max(0, len(data) - 1)))
        patch = draw.draw(st.binary(max_size=8))
        data[at : at + len(patch)] = patch[: len(data) - at]
    cut = bytes(data[: draw.draw(st.integers(0, len(data)))])

    check_broken(lambda: unpack(level, cut, 0x1000, pointer_size=size))


@given(st.sampled_from(Level), st.binary(max_size=200), st.integers(0, 300), sizes)
def test_bytes_of_chance_are_only_ever_a_value_error(
    level: Level, data: bytes, base: int, size: int
) -> None:
    """Whatever there is, and wherever it says that it was."""
    check_broken(lambda: unpack(level, data, base, pointer_size=size))

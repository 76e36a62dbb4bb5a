"""The binding of ChangeServiceConfig2 and its query, on a real SCM."""

from __future__ import annotations

import struct
from typing import Any

import pytest
import win32service
from scm_bench import (
    AUTO,
    DESCRIPTION,
    OWN,
    POINTER,
    PRESHUTDOWN,
    WINE,
    Bench,
    refused,
    values,
)

# Level -> the size of its structure (D.3).
OTHER_LEVELS = {2: 40, 3: 4, 4: 4, 5: 4, 6: 8, 8: 24, 9: 4, 12: 4}


@pytest.mark.parametrize("text", ["x", "größer 字 🙂", "y" * 4000])
def test_description_comes_back(bench: Bench, seen: Any, text: str) -> None:
    """Level 1; 4000 characters need a second, larger buffer (E-71)."""
    name = bench.name()
    service = bench.create(name)
    bench.describe(service, text)

    assert bench.description(service) == text
    assert values(name)["Description"] == text
    theirs = win32service.QueryServiceConfig2(seen(name).handle, DESCRIPTION)
    assert theirs == text


def test_description_goes(bench: Bench) -> None:
    """E-72: an empty one reads back as NULL."""
    name = bench.name()
    service = bench.create(name)
    assert bench.description(service) is None
    bench.describe(service, "x")
    bench.describe(service, "")

    assert bench.description(service) is None


def test_null_pointer_keeps_the_description(bench: Bench) -> None:
    """E.7: the image's zero is NULL unless it is named as a pointer."""
    service = bench.create(bench.name())
    bench.describe(service, "x")
    bench.core.service_change2(service, DESCRIPTION, bytes(POINTER), ())

    assert bench.description(service) == "x"


def test_description_of_pywin32_is_read(bench: Bench, seen: Any) -> None:
    """The other way round."""
    name = bench.name()
    service = bench.create(name)
    win32service.ChangeServiceConfig2(seen(name).handle, DESCRIPTION, "theirs")

    assert bench.description(service) == "theirs"


@pytest.mark.parametrize("milliseconds", [0, 4321, 0xFFFFFFFF])
def test_preshutdown_timeout_comes_back(bench: Bench, milliseconds: int) -> None:
    """Level 7: a number, no pointer (C-33)."""
    name = bench.name()
    service = bench.create(name)
    image = struct.pack("I", milliseconds)
    bench.core.service_change2(service, PRESHUTDOWN, image, ())

    data, base = bench.core.service_config2(service, PRESHUTDOWN)
    assert struct.unpack_from("I", data)[0] == milliseconds
    assert values(name)["PreshutdownTimeout"] == milliseconds
    assert isinstance(base, int)


@pytest.mark.skipif(not WINE, reason="H-20: Windows has these levels")
@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_wine_does_not_know_the_other_levels(bench: Bench, level: int) -> None:
    """H-20: 124, also where Wine's RPC says 1733; level 2 is taken and forgotten."""
    service = bench.create(bench.name())
    with refused(124):
        bench.core.service_config2(service, level)
    image = bytes(OTHER_LEVELS[level])
    if level == 2:
        bench.core.service_change2(service, level, image, ())
    else:
        with refused(124):
            bench.core.service_change2(service, level, image, ())


@pytest.mark.parametrize("level", [0, 13, 99, 0xFFFFFFFF])
def test_unknown_level_is_124(bench: Bench, level: int) -> None:
    """E-71."""
    service = bench.create(bench.name())
    with refused(124):
        bench.core.service_config2(service, level)
    with refused(124):
        bench.core.service_change2(service, level, bytes(64), ())


@pytest.mark.skipif(WINE, reason="H-20: Wine knows the levels 1 and 7 alone")
@pytest.mark.parametrize("level", [3, 4, 5])
def test_number_levels_come_back(bench: Bench, level: int) -> None:
    """Delayed start, the non-crash flag, the SID type."""
    service = bench.create(bench.name(), OWN, AUTO)
    bench.core.service_change2(service, level, struct.pack("I", 1), ())

    data, _ = bench.core.service_config2(service, level)
    assert struct.unpack_from("I", data)[0] == 1


@pytest.mark.skipif(WINE, reason="H-11: Wine forgets failure actions")
def test_failure_actions_come_back(bench: Bench) -> None:
    """Level 2: a pointer in the middle, to an array behind the structure."""
    service = bench.create(bench.name())
    layout = "@IPPIP"
    size = struct.calcsize(layout)
    actions = struct.pack("IIII", 1, 5000, 0, 0)
    image = struct.pack(layout, 60, 0, 0, 2, size) + actions
    bench.core.service_change2(service, 2, image, (size - POINTER,))

    data, base = bench.core.service_config2(service, 2)
    reset, _, _, count, pointer = struct.unpack_from(layout, data)
    assert (reset, count) == (60, 2)
    assert data[pointer - base :][: len(actions)] == actions


@pytest.mark.parametrize(
    ("image", "pointers", "said"),
    [
        (b"", (), "0 bytes is too short for level 1"),
        (bytes(POINTER - 1), (), "too short"),
        (bytes(16), (4,), "no pointer can be at 4"),
        (bytes(16), (16,), "no pointer can be at 16"),
        (bytes(16), (2**40,), "no pointer can be at"),
        (struct.pack("P", 16) + bytes(8), (0,), "points outside"),
        (struct.pack("P", 2**60) + bytes(8), (0,), "points outside"),
        (struct.pack("PP", 8, 99), (0, 8), "pointer at 8 points outside"),
    ],
)
def test_wrong_image_is_refused(
    bench: Bench, image: bytes, pointers: tuple[int, ...], said: str
) -> None:
    """Before the SCM sees it: it would be read as addresses."""
    service = bench.create(bench.name())
    bench.describe(service, "before")
    with pytest.raises(ValueError, match=said):
        bench.core.service_change2(service, DESCRIPTION, image, pointers)

    assert bench.description(service) == "before"


@pytest.mark.parametrize("level", OTHER_LEVELS)
def test_short_structure_is_refused(bench: Bench, level: int) -> None:
    """Every level's structure has a size, which is read to its end."""
    service = bench.create(bench.name())
    image = bytes(OTHER_LEVELS[level] - 1)
    with pytest.raises(ValueError, match=f"too short for level {level}"):
        bench.core.service_change2(service, level, image, ())


@pytest.mark.parametrize(
    ("pointers", "error"),
    [((-1,), OverflowError), (("0",), TypeError), ([0], TypeError)],
)
def test_wrong_kind_of_pointer_is_refused(
    bench: Bench, pointers: Any, error: type[Exception]
) -> None:
    """They are offsets, in a tuple."""
    service = bench.create(bench.name())
    with pytest.raises(error):
        bench.core.service_change2(service, DESCRIPTION, bytes(16), pointers)


def test_pointer_named_twice_is_moved_once(bench: Bench) -> None:
    """The offsets are taken from the image that was given."""
    service = bench.create(bench.name())
    image = struct.pack("P", POINTER) + "once".encode("utf-16-le") + b"\0\0"
    bench.core.service_change2(service, DESCRIPTION, image, (0, 0))

    assert bench.description(service) == "once"

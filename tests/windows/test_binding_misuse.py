"""Wrong arguments, closed handles, and leaks: the configuration calls, misused."""

from __future__ import annotations

import contextlib
import ctypes
import gc
import os
import struct
import sys
import threading
from typing import Any

import pytest
from scm_bench import (
    ALL_OF_SCM,
    COMMAND,
    DEMAND,
    DESCRIPTION,
    OWN,
    POINTER,
    WINE,
    Bench,
    Settings,
    refused,
    values,
)

from winsvc._interfaces import Capsule

QUERY_CONFIG = 1
KEEP_ALL = (None,) * 9

# --- wrong arguments --------------------------------------------------------------

NUMBERS = [
    (-1, OverflowError),
    (2**32, OverflowError),
    (2**80, OverflowError),
    ("1", TypeError),
    (1.5, TypeError),
]


@pytest.mark.parametrize(("number", "error"), NUMBERS)
def test_wrong_numbers_are_refused(
    bench: Bench, number: Any, error: type[Exception]
) -> None:
    """Each place for a number, before the SCM is asked."""
    core, manager = bench.core, bench.manager
    name = bench.name()
    for place in range(3):
        numbers = [OWN, DEMAND, 1]
        numbers[place] = number
        with pytest.raises(error):
            bench.create(name, *numbers)
    with pytest.raises(error):
        bench.create(name, access=number)
    with refused(1060):
        bench.open(name)
    service = bench.create(name)
    before = core.service_config(service)
    for setting in ("service_type", "start_type", "error_control"):
        with pytest.raises(error):
            bench.change(service, **{setting: number})
    with pytest.raises(error):
        core.service_config2(service, number)
    with pytest.raises(error):
        core.service_change2(service, number, bytes(64), ())
    with pytest.raises(error):
        core.service_list(manager, number, None)
    with pytest.raises(error):
        core.service_dependents(service, number)
    with pytest.raises(error):
        core.service_control_reason(service, number, 0, None)
    with pytest.raises(error):
        core.service_control_reason(service, 1, number, None)
    assert core.service_config(service) == before


TEXTS = ["command_line", "group", "account", "password", "display_name"]


@pytest.mark.parametrize("setting", TEXTS)
def test_wrong_texts_are_refused(bench: Bench, setting: str) -> None:
    """A NUL would end the text where its writer did not think of it."""
    name = bench.name()
    service = bench.create(name)
    before = bench.core.service_config(service)
    with pytest.raises(ValueError, match="NUL"):
        bench.change(service, **{setting: "some\0thing"})
    for wrong in (b"bytes", 1, ("x",)):
        with pytest.raises(TypeError):
            bench.change(service, **{setting: wrong})
    for place, value in enumerate(Settings._fields):
        if value == setting:
            arguments: list[Any] = [OWN, DEMAND, 1, COMMAND, *[None] * 5]
            arguments[place] = "some\0thing"
            with pytest.raises(ValueError, match="NUL"):
                bench.create(bench.name(), *arguments)

    assert bench.core.service_config(service) == before


def test_password_stays_out_of_errors(bench: Bench) -> None:
    """Neither its text nor its repr, whatever is wrong with it."""
    service = bench.create(bench.name())
    for password in ("secret\0word", b"secretword", ["secretword"]):
        with pytest.raises((ValueError, TypeError)) as caught:
            bench.change(service, account=r".\x", password=password)
        assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("dependencies", "error"),
    [
        (["Tcpip"], TypeError),
        ("Tcpip", TypeError),
        ((b"Tcpip",), TypeError),
        ((None,), TypeError),
        (("",), ValueError),
        (("Tcpip", "", "Dhcp"), ValueError),
        (("Tcp\0ip",), ValueError),
    ],
)
def test_wrong_dependencies_are_refused(
    bench: Bench, dependencies: Any, error: type[Exception]
) -> None:
    """An empty one would end the list."""
    name = bench.name()
    with pytest.raises(error):
        bench.create(name, OWN, DEMAND, 1, COMMAND, None, dependencies)
    with refused(1060):
        bench.open(name)
    service = bench.create(name)
    with pytest.raises(error):
        bench.change(service, dependencies=dependencies)

    assert not values(name).keys() & {"DependOnService", "DependOnGroup"}


def test_other_wrong_texts_are_refused(bench: Bench) -> None:
    """The functions with a text of their own."""
    core, manager = bench.core, bench.manager
    service = bench.create(bench.name())
    with pytest.raises(ValueError, match="NUL"):
        core.service_list(manager, 3, "a\0b")
    with pytest.raises(ValueError, match="NUL"):
        core.service_control_reason(service, 1, 0, "a\0b")
    with pytest.raises(ValueError, match="NUL"):
        core.service_change_security(service, "D:\0")
    with pytest.raises(ValueError, match="NUL"):
        core.account_sid(None, "a\0b")
    with pytest.raises(ValueError, match="NUL"):
        core.account_sid("a\0b", "Everyone")
    with pytest.raises(ValueError, match="NUL"):
        bench.create("a\0b")
    nothing: Any = None
    with pytest.raises(TypeError):
        core.service_change_security(service, nothing)
    with pytest.raises(TypeError):
        core.account_sid(None, nothing)
    with pytest.raises(TypeError):
        bench.create(bench.name(), OWN, DEMAND, 1, None)


# --- handles, threads, memory -----------------------------------------------------


def test_closed_handle_is_6(bench: Bench) -> None:
    """E-24: every call."""
    core = bench.core
    service = bench.create(bench.name())
    manager = core.manager_open(None, ALL_OF_SCM)
    core.handle_close(service)
    core.handle_close(manager)
    calls = [
        lambda: core.service_config(service),
        lambda: core.service_change(service, *KEEP_ALL),
        lambda: core.service_config2(service, DESCRIPTION),
        lambda: core.service_change2(service, DESCRIPTION, bytes(8), ()),
        lambda: core.service_security(service),
        lambda: core.service_change_security(service, "D:(A;;FA;;;BA)"),
        lambda: core.service_dependents(service, 3),
        lambda: core.service_list(manager, 3, None),
        lambda: core.service_create(
            manager, "x", OWN, DEMAND, 1, "x", None, None, None, None, None, 0
        ),
    ]
    if not WINE:  # H-19: 120 comes first
        calls.append(lambda: core.service_control_reason(service, 1, 0, None))
    for call in calls:
        with refused(6):
            call()


def test_what_is_no_handle_is_refused(bench: Bench) -> None:
    """Capsules of another kind, and things that are none."""
    for wrong in (None, 1, object(), "handle"):
        with pytest.raises((TypeError, ValueError)):
            bench.core.service_config(wrong)
        with pytest.raises((TypeError, ValueError)):
            bench.core.service_config2(wrong, 1)


def test_handle_may_be_closed_under_a_call(bench: Bench) -> None:
    """Every call of the other threads ends well, or with 6."""
    name = bench.name()
    bench.describe(bench.create(name), "z" * 3000)
    codes: set[int] = set()

    def read(service: Capsule, ready: threading.Barrier) -> None:
        ready.wait()
        try:
            while True:
                bench.core.service_config2(service, DESCRIPTION)
                bench.core.service_config(service)
        except OSError as error:
            codes.add(error.winerror)

    for _ in range(5):
        service = bench.open(name, QUERY_CONFIG)
        ready = threading.Barrier(5)
        threads = [
            threading.Thread(target=read, args=(service, ready)) for _ in range(4)
        ]
        for thread in threads:
            thread.start()
        ready.wait()
        bench.core.service_config(service)
        bench.core.handle_close(service)
        for thread in threads:
            thread.join(30)
            assert not thread.is_alive()

    assert codes == {6}


class HeapEntry(ctypes.Structure):
    """PROCESS_HEAP_ENTRY."""

    _fields_ = (
        ("data", ctypes.c_void_p),
        ("size", ctypes.c_uint32),
        ("overhead", ctypes.c_uint8),
        ("region", ctypes.c_uint8),
        ("flags", ctypes.c_uint16),
        ("details", ctypes.c_void_p * 3),
    )


def heap_blocks() -> int:
    """Return how many blocks of this process's heap are in use.

    The core's memory is there, and the texts that the system allocates.
    """
    kernel32 = ctypes.WinDLL("kernel32")
    kernel32.GetProcessHeap.restype = ctypes.c_void_p
    heap = ctypes.c_void_p(kernel32.GetProcessHeap())
    entry = HeapEntry()
    blocks = 0
    assert kernel32.HeapLock(heap)
    while kernel32.HeapWalk(heap, ctypes.byref(entry)):
        blocks += entry.flags >> 2 & 1  # PROCESS_HEAP_ENTRY_BUSY
    kernel32.HeapUnlock(heap)
    return blocks


def test_calls_leak_nothing(bench: Bench) -> None:
    """Right and wrong ones, 100 times each: not one block for each is left."""
    core = bench.core
    name = bench.name()
    text = "w" * 4000
    service = bench.create(name)
    wide = struct.pack("P", POINTER) + text.encode("utf-16-le") + b"\0\0"
    wrong = struct.pack("P", 2**40) + bytes(8000)
    long_list = tuple(letter * 100 for letter in "abcd")

    def once() -> None:
        core.service_change2(service, DESCRIPTION, wide, (0,))
        core.service_config2(service, DESCRIPTION)
        core.service_config(service)
        core.service_security(service)
        core.service_change_security(service, "D:(A;;FA;;;BA)")
        core.account_sid(None, "Everyone")
        core.service_list(bench.manager, 3, None)
        core.service_dependents(service, 3)
        bench.change(service, group="g" * 99, account=r".\x", password="p" * 99)
        with pytest.raises(ValueError, match="outside"):
            core.service_change2(service, DESCRIPTION, wrong, (0,))
        with pytest.raises(ValueError, match="NUL"):
            bench.change(service, dependencies=long_list, password="p\0" * 4000)
        with pytest.raises(ValueError, match="empty"):
            bench.change(service, group="g" * 99, dependencies=(*long_list, ""))
        with refused(1073):
            bench.create(name, OWN, DEMAND, 1, text, text, long_list)
        with refused(124):
            core.service_change2(service, 99, wide, (0,))
        with refused(124):
            core.service_config2(service, 99)
        with refused(1332):
            core.account_sid(None, "no such account")
        core.account_sid(None, rf".\{os.environ['USERNAME']}")
        with refused(1057):
            core.logon_right_grant(None, "Everyone")
        with contextlib.suppress(OSError):  # 120 on Wine (H-55)
            core.logon_right_held(None, os.environ["USERNAME"])
        with refused(1336):
            core.service_change_security(service, "O:BA")
        core.handle_close(bench.open(name))
        bench.open(name)  # closed when it is no longer referenced

    for _ in range(10):
        once()
    gc.collect()
    blocks, objects = heap_blocks(), sys.getallocatedblocks()
    for _ in range(100):
        once()

    gc.collect()
    assert abs(heap_blocks() - blocks) < 50
    assert abs(sys.getallocatedblocks() - objects) < 50

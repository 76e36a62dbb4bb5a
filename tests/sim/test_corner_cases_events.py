"""Corner cases I-126 to I-134 of the SCM's rules: the system's events.

Each test names its case; I-120 to I-125 are in test_corner_cases_shutdown.py.  What
the SCM itself does with a trigger that was handed back (I-131) comes with a more
faithful simulated SCM.  Not here: I-134 (consoles and what they say are Windows's:
tests/windows/test_signals.py).
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import payloads
import pytest
from gated import NAME, Gated, start
from simrig import Rig

from winsvc.events import (
    DeviceEvent,
    PowerEvent,
    SessionChange,
    TimeChange,
    TriggerEvent,
)
from winsvc.journal import Kind
from winsvc.states import Control, Query, State

ROOT = Path(__file__).parents[2]


# --- power, sessions, devices, triggers, time ---------------------------------------


class Denier(Gated):
    """Says no to everything."""

    def on_power_event(self, event: PowerEvent) -> bool:  # type: ignore[override]
        return False

    def on_device_event(self, event: DeviceEvent) -> bool:
        return False

    def on_session_change(self, event: SessionChange) -> bool:  # type: ignore[override]
        return False

    def on_time_change(self, event: TimeChange) -> bool:  # type: ignore[override]
        return False

    def on_trigger_event(self, event: TriggerEvent) -> bool:  # type: ignore[override]
        return False


@pytest.mark.parametrize("event_type", [0x0000, 0x0001, 0x0004])
def test_i126_no_service_can_veto_sleep(rig: Rig, event_type: int) -> None:
    """I-126: whatever the handler returns, the answer is 0 (D-10)."""
    service = start(rig, Denier)
    service.refuse(*Query)
    answer = rig.scm.send(NAME, Control.POWEREVENT, event_type)
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    assert answer == 0
    assert service.events[0].event_type == event_type


CARRIED = {
    "POWERSETTINGCHANGE": (
        Control.POWEREVENT,
        0x8013,
        payloads.power_setting(payloads.BATTERY, b"\x07\0\0\0"),
    ),
    "DEVICEEVENT": (Control.DEVICEEVENT, 0x8000, payloads.interface()),
    "SESSIONCHANGE": (Control.SESSIONCHANGE, 5, payloads.session(3)),
    "TIMECHANGE": (Control.TIMECHANGE, 0, payloads.times(1, 2)),
}


@pytest.mark.parametrize("sent", CARRIED.values(), ids=CARRIED)
def test_i127_data_is_copied_before_the_handler_returns(
    rig: Rig, sent: tuple[int, int, bytes]
) -> None:
    """I-127: read much later, when the SCM's buffer has other things in it (D-2)."""
    service = start(rig, Denier, "on_pause")
    rig.scm.send(NAME, Control.PAUSE)
    assert service.inside.acquire(timeout=20)
    rig.scm.send(NAME, *sent)
    rig.scm.send_many(NAME, [(200, 0, b"\xa5" * 100)] * 100)
    (entry,) = (e for e in rig.scm.journal(NAME) if e.control == sent[0])
    service.gate.set()
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    (event,) = (e for e in service.events if e.control == sent[0])
    assert event.data == entry.data == sent[2]


ODD_DATA: dict[str, tuple[int, int, bytes | None]] = {
    "power, unknown type": (Control.POWEREVENT, 0x4711, b"data"),
    "setting, NULL": (Control.POWEREVENT, 0x8013, None),
    "setting, empty": (Control.POWEREVENT, 0x8013, b""),
    "setting, half a GUID": (Control.POWEREVENT, 0x8013, b"\x01" * 8),
    "setting, DataLength 0": (
        Control.POWEREVENT,
        0x8013,
        payloads.power_setting(payloads.BATTERY, b""),
    ),
    "setting, DataLength too large": (
        Control.POWEREVENT,
        0x8013,
        payloads.power_setting(payloads.BATTERY, b"\x07\0\0\0", 0xFFFFFFFF),
    ),
    "setting, large": (
        Control.POWEREVENT,
        0x8013,
        payloads.power_setting(payloads.BATTERY, bytes(60_000)),
    ),
    "session, NULL": (Control.SESSIONCHANGE, 7, None),
    "session, unknown type": (Control.SESSIONCHANGE, 0xFFFFFFFF, payloads.session(1)),
    "session, cbSize 0": (Control.SESSIONCHANGE, 7, payloads.session(1, 0)),
    "session, cbSize 4": (Control.SESSIONCHANGE, 7, payloads.session(1, 4)),
    "session, cbSize too large": (
        Control.SESSIONCHANGE,
        7,
        payloads.session(1, 0xFFFFFFFF),
    ),
    "session, 3 bytes": (Control.SESSIONCHANGE, 7, b"\x08\0\0"),
    "device, NULL": (Control.DEVICEEVENT, 0x8000, None),
    "device, unknown type": (Control.DEVICEEVENT, 1, payloads.interface()),
    "device, size 0": (Control.DEVICEEVENT, 0x8000, bytes(64)),
    "device, size too large": (
        Control.DEVICEEVENT,
        0x8000,
        struct.pack("<III", 0xFFFFFFFF, 5, 0) + bytes(20),
    ),
    "device, unknown kind": (
        Control.DEVICEEVENT,
        0x8000,
        struct.pack("<III", 16, 77, 0) + b"body",
    ),
    "device, no UTF-16": (
        Control.DEVICEEVENT,
        0x8000,
        struct.pack("<III", 30, 5, 0) + bytes(16) + b"\x00\xd8",
    ),
    "time, NULL": (Control.TIMECHANGE, 0, None),
    "time, 9 bytes": (Control.TIMECHANGE, 0, bytes(9)),
    "unknown control": (0x77, 5, b"data"),
    "unknown control, NULL": (0x12345678, 0xFFFFFFFF, None),
}


@pytest.mark.parametrize("sent", ODD_DATA.values(), ids=ODD_DATA)
def test_i128_odd_data_reaches_the_handler_raw(
    rig: Rig, sent: tuple[int, int, bytes | None]
) -> None:
    """I-128: no exception, no failure: the event has all the bytes that came."""
    service = start(rig, Denier)
    answer = rig.scm.send(NAME, *sent)
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    control, event_type, data = sent
    event = service.events[0]
    assert answer == 0
    assert (event.control, event.event_type) == (control, event_type)
    assert event.data == (data or b"")
    (entry,) = (e for e in rig.scm.journal(NAME) if e.control == control)
    assert entry.data == (data or b"")


@pytest.mark.parametrize("base", [Gated, Denier], ids=["no handler", "a handler"])
def test_i129_flood_of_sessions_while_starting_is_refused(
    rig: Rig, base: type[Gated]
) -> None:
    """I-129: before RUNNING, or without the accept bit, none is heard (D-14)."""
    service = start(rig, base, "on_start")
    flood = [
        rig.scm.send(NAME, Control.SESSIONCHANGE, 5, payloads.session(n))
        for n in range(2000)
    ]
    service.gate.set()
    rig.reach(NAME, State.RUNNING)
    running = rig.scm.send(NAME, Control.SESSIONCHANGE, 5, payloads.session(7))
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    has_handler = base is Denier
    assert set(flood) == {120}
    assert running == (0 if has_handler else 120)
    heard = [e.session_id for e in service.events if isinstance(e, SessionChange)]
    assert heard == ([7] if has_handler else [])
    assert not [e for e in rig.scm.journal(NAME) if e.kind is Kind.DROPPED]


def test_i130_removal_is_refused_by_an_error_code(rig: Rig) -> None:
    """I-130: by refuse(), or by a handler that was asked; never by itself."""
    service = start(rig, Denier)
    query = (Control.DEVICEEVENT, 0x8001, payloads.interface())
    answers = [rig.scm.send(NAME, *query)]
    service.refuse(Query.DEVICEQUERYREMOVE)
    answers.append(rig.scm.send(NAME, *query))
    service.ask(Query.DEVICEQUERYREMOVE)
    answers.append(rig.scm.send(NAME, *query))
    service.allow(Query.DEVICEQUERYREMOVE)
    answers.append(rig.scm.send(NAME, *query))
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    assert answers == [0, 170, 170, 0]
    assert [event.is_query for event in service.events] == [True] * 4 + [False]


def test_i131_trigger_while_stopping_is_for_the_next_life(rig: Rig) -> None:
    """I-131: 1115: the SCM keeps it until STOPPED (E-86); the next life hears it."""
    service = start(rig, Denier, "on_stop")
    rig.scm.send(NAME, Control.STOP)
    assert service.inside.acquire(timeout=20)
    stopping = rig.scm.send(NAME, Control.TRIGGEREVENT)
    service.gate.set()
    assert rig.scm.wait_gone(NAME) == 0
    with rig.scm.open(NAME) as handle:
        handle.start("TriggerStarted")
    rig.reach(NAME, State.RUNNING)
    again: Any = rig.scm.instance(NAME)
    running = rig.scm.send(NAME, Control.TRIGGEREVENT)
    again.gate.set()
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    assert (stopping, running) == (1115, 0)
    assert [event.control for event in service.events] == [Control.STOP]
    assert again.args == ("TriggerStarted",)
    assert [type(event).__name__ for event in again.events] == ["TriggerEvent", "Stop"]


@pytest.mark.parametrize(
    ("new", "old"),
    [
        (payloads.FILETIME, payloads.FILETIME + payloads.MINUTE),
        (0, payloads.FILETIME),
        (payloads.FILETIME, 0),
        (0, 0),
        (2**63 - 1, -(2**63)),
    ],
    ids=["back", "new 0", "old 0", "both 0", "beyond datetime"],
)
def test_i132_times_pass_through(rig: Rig, new: int, old: int) -> None:
    """I-132: as they came; what no datetime can hold is None, not an exception."""
    service = start(rig, Denier)
    answer = rig.scm.send(NAME, Control.TIMECHANGE, 0, payloads.times(new, old))
    rig.scm.send(NAME, Control.STOP)

    assert rig.scm.wait_gone(NAME) == 0
    event = service.events[0]
    assert answer == 0
    assert isinstance(event, TimeChange)
    assert (event.new_filetime, event.old_filetime) == (new, old)
    assert (event.new is None) is (new == 2**63 - 1)


# --- the process --------------------------------------------------------------------

BARE = """
import os, sys
import winsvc
from winsvc.testing import SimulatedScm

class Bare(winsvc.Service):
    '''Prints, logs and stops.'''
    name = "Bare"

    def run(self):
        print("lost")
        self.log.warning("lost too")

scm = SimulatedScm()
handle = scm.add(Bare)
handle.start()
assert scm.wait_gone("Bare", 20) == 0
assert (sys.stdin, sys.stdout, sys.stderr) == (None, None, None)
assert handle.status().exit_code == 0
os._exit(42)
"""


@pytest.mark.skipif(os.name != "posix", reason="what tests/windows has for real")
def test_i133_bare_process_hosts(tmp_path: Path) -> None:
    """I-133: no standard streams, no HOME, the C locale, a foreign folder (A-14)."""
    script = tmp_path / "bare.py"
    script.write_text(BARE)
    command = [sys.executable, "-P", str(script)]
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *command],
        cwd="/",
        env={"PYTHONPATH": str(ROOT), "LC_ALL": "C", "PYTHONUTF8": "0"},
        timeout=60,
        check=False,
    )

    assert done.returncode == 42

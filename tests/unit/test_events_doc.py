"""docs/events.md is right: its table agrees with the code, its examples run."""

from __future__ import annotations

import dataclasses
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from winsvc import events
from winsvc.events import Event, make_event
from winsvc.handlers import HANDLERS, call_of
from winsvc.service import Service
from winsvc.states import USER_CONTROLS, Accept, Control, State
from winsvc.testing import SimulatedScm
from winsvc.testing.database import _CLIENT_CONTROLS

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "events.md").read_text(encoding="utf-8")
TESTS = "tests/sim/test_events.py"
COLUMNS = ["control", "code", "accept bit", "handler", "event", "from", "test"]
USER = "user"
NONE = "\N{EN DASH}"


def table() -> dict[str, dict[str, str]]:
    """Return the rows of the table of controls, by the control's name."""
    lines = TEXT.splitlines()
    start = lines.index(f"| {' | '.join(COLUMNS)} |") + 2
    rows = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        row = dict(zip(COLUMNS, cells, strict=True))
        rows[row["control"]] = row
    return rows


ROWS = table()
each_row = pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)


def codes(row: dict[str, str]) -> list[int]:
    """Return the codes of a row."""
    return list(USER_CONTROLS) if row["control"] == USER else [Control[row["control"]]]


def test_every_control_has_a_row() -> None:
    """In the order of their codes, and nothing else."""
    assert list(ROWS) == [*(control.name for control in Control), USER]


@each_row
def test_code_is_right(row: dict[str, str]) -> None:
    """As ``Control`` has it."""
    first, last = codes(row)[0], codes(row)[-1]
    written = f"0x{first:02X}" + (f"{NONE}0x{last:02X}" if last != first else "")

    assert row["code"] == written


@each_row
def test_accept_bit_is_that_of_the_handler(row: dict[str, str]) -> None:
    """Name and value; a dash where there is none."""
    handler = HANDLERS.get(codes(row)[0])
    accept = handler.accept if handler else Accept(0)
    written = f"{accept.name} 0x{accept:04X}" if accept else NONE

    assert row["accept bit"].partition(",")[0].partition(" (")[0] == written


@each_row
def test_handler_is_that_of_the_event(row: dict[str, str]) -> None:
    """With the arguments that it is called with, and a method of Service."""
    call = call_of(make_event(codes(row)[0], 0, b"", 1))
    if call is None:
        assert row["handler"].startswith(f"{NONE} ")
        return
    name, arguments = call
    (argument,) = [
        "event" if isinstance(each, Event) else "code" for each in arguments
    ] or [""]
    assert row["handler"] == f"`{name}({argument})`"
    assert callable(getattr(Service, name))


def classes_of(row: dict[str, str]) -> dict[str, list[str]]:
    """Return the classes that a row names, with their attributes."""
    found: dict[str, list[str]] = {}
    for name in re.findall(r"`(\w+)`", row["event"]):
        if name[0].isupper():
            found[name] = []
        else:
            found[list(found)[-1]].append(name)
    return found


@each_row
def test_event_class_and_attributes_are_right(row: dict[str, str]) -> None:
    """Those that Event has not, in their order; each event type's class is named."""
    types = (0, *events.PowerReason, *events.DeviceReason, *events.SessionReason)
    made = {
        type(make_event(code, event_type, b"", 1))
        for code in codes(row)
        for event_type in types
    }
    written = classes_of(row)

    if row["control"] == "INTERROGATE":
        assert written == {}
        return
    assert set(written) == {cls.__name__ for cls in made}
    for cls in made:
        own = [field.name for field in dataclasses.fields(cls)]
        common = {field.name for field in dataclasses.fields(Event)}
        assert written[cls.__name__] == [name for name in own if name not in common]


@each_row
def test_sender_is_right(row: dict[str, str]) -> None:
    """B-31: what a client may send."""
    is_client = set(codes(row)) <= _CLIENT_CONTROLS

    assert row["from"] == ("client" if is_client else "system")
    assert is_client or not set(codes(row)) & _CLIENT_CONTROLS


@pytest.fixture(scope="module")
def collected() -> set[str]:
    """The tests that there are of events."""
    command = [sys.executable, "-m", "pytest", "--collect-only", "-q", TESTS]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return {
        line.partition("::")[2]
        for line in done.stdout.splitlines()
        if line.startswith(f"{TESTS}::")
    }


@each_row
def test_test_exists(row: dict[str, str], collected: set[str]) -> None:
    """It is named as pytest names it, and in asyncio it exists too."""
    (name,) = re.findall(r"`(.+?)`", row["test"])

    assert name in collected
    if name.startswith("test_control_arrives["):
        assert row["control"] in name
        assert name.replace("arrives[", "arrives_in_asyncio[") in collected


@pytest.fixture(scope="module")
def examples() -> dict[str, Any]:
    """What the examples define: all of them, one after the other, run as one."""
    blocks = re.findall(r"^```python\n(.+?)^```", TEXT, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "events_doc"}
    for block in blocks:
        exec(compile(block, "docs/events.md", "exec"), names)
    return names


def test_examples_break_no_rule(examples: dict[str, Any]) -> None:
    """The last one runs the first."""
    assert not examples["scm"].violations


SENT = {
    "Laptop": (Control.POWEREVENT, 0x0004, None, 0),
    "Lobby": (Control.SESSIONCHANGE, 7, b"\x08\0\0\0\x02\0\0\0", 0),
    "Burner": (Control.DEVICEEVENT, 0x8001, None, 170),
}
LOGGED = {"Laptop": "going to sleep", "Lobby": "session_id=2", "Burner": ""}


@pytest.mark.parametrize("name", SENT)
def test_example_does_what_it_says(
    examples: dict[str, Any], caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """Its event is answered and handled, and it ends well."""
    *control, answer = SENT[name]
    scm = SimulatedScm()
    service = examples[name]
    handle = scm.add(service)
    handle.start()
    handle.wait_state(State.RUNNING, timeout=None)
    given = scm.send(service.name, *control)
    handle.stop()

    assert scm.wait_gone(service.name) == 0
    assert given == answer
    assert LOGGED[name] in caplog.text

"""The table of events, and the resource that is made of it."""

from __future__ import annotations

import re
import runpy
import struct
import subprocess
import sys
from pathlib import Path

import pytest

from winsvc.messages import (
    CATEGORY_TEXTS,
    OWN_IDS,
    TABLE,
    Category,
    EventId,
    Severity,
    all_texts,
    full_id,
    text_of,
)

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "csrc" / "messages" / "make_table.py"
DOC = (ROOT / "docs" / "event-log.md").read_text(encoding="utf-8")


def entries(data: bytes) -> dict[int, str]:
    """Read MESSAGE_RESOURCE_DATA as winnt.h has it."""
    found = {}
    (blocks,) = struct.unpack_from("<I", data)
    for block in range(blocks):
        low, high, offset = struct.unpack_from("<III", data, 4 + 12 * block)
        for number in range(low, high + 1):
            length, flags = struct.unpack_from("<HH", data, offset)
            assert flags == 1
            assert length % 4 == 0
            text = data[offset + 4 : offset + length].decode("utf-16-le")
            found[number] = text.rstrip("\0")
            assert text[len(found[number])] == "\0"
            offset += length
    return found


def test_resource_is_of_the_table() -> None:
    """What is linked into the binary has every id, and the file is up to date."""
    data = SCRIPT.with_name("table.bin").read_bytes()
    done = subprocess.run([sys.executable, SCRIPT], check=False, capture_output=True)

    assert entries(data) == {n: f"{text}\r\n" for n, text in all_texts().items()}
    assert done.returncode == 0, done.stdout


def test_outdated_resource_is_told_and_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """``--update`` writes it."""
    make = runpy.run_path(str(SCRIPT))["main"]
    file = tmp_path / "table.bin"
    file.write_bytes(b"old")
    monkeypatch.setitem(make.__globals__, "FILE", file)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "argv", ["make_table.py"])

    # FILE.parents[2] is not the project here: winsvc is imported already.
    assert make() == 1
    assert "--update" in capsys.readouterr().out
    monkeypatch.setattr(sys, "argv", ["make_table.py", "--update"])
    assert make() == 0
    assert file.read_bytes() == SCRIPT.with_name("table.bin").read_bytes()


@pytest.mark.parametrize("event", EventId)
def test_event_is_in_the_table(event: EventId) -> None:
    """Each once, with all of its inserts; none of them a service's own (G-4)."""
    severity, category, text = TABLE[event]
    inserts = [int(number) for number in re.findall(r"%(\d)", text)]

    assert inserts
    assert sorted(set(inserts)) == list(range(1, max(inserts) + 1))
    assert category in CATEGORY_TEXTS
    assert event not in OWN_IDS
    assert full_id(event, severity) == (severity << 30) + (1 << 29) + event


def test_ids_are_as_they_were_published() -> None:
    """They are for good: this test only grows."""
    assert {event.name: int(event) for event in EventId} == {
        "LOG_INFORMATION": 1,
        "LOG_WARNING": 2,
        "LOG_ERROR": 3,
        "LOG_CRITICAL": 4,
        "STARTED": 10,
        "STOPPED": 11,
        "STOPPED_WITH_CODE": 12,
        "IMPORT_FAILED": 20,
        "START_FAILED": 21,
        "RUN_FAILED": 22,
        "HANDLER_FAILED": 23,
        "STOP_FAILED": 24,
        "DEADLINE_MISSED": 25,
        "THREAD_FAILED": 26,
    }
    assert (OWN_IDS[0], OWN_IDS[-1]) == (1000, 1099)


def test_categories_are_numbered_from_1() -> None:
    """CategoryCount says only how many there are (G-2)."""
    assert sorted(CATEGORY_TEXTS) == [1, 2] == list(Category)


def test_text_is_put_together_as_windows_does_it() -> None:
    """Inserts, line ends; what is missing stays; what is not there is None."""
    number = full_id(EventId.IMPORT_FAILED, Severity.ERROR)

    assert text_of(number, ("A", "b", "3", "%1 x")) == (
        "The service A b; it ends with exit code 3.\n\n%1 x"
    )
    assert text_of(number, ("A", "b")) == (
        "The service A b; it ends with exit code %3.\n\n%4"
    )
    assert text_of(EventId.IMPORT_FAILED, ()) is None
    assert text_of(1, ()) == "Service"


def test_document_has_the_table() -> None:
    """docs/event-log.md lists each event: id, type, category, what it is."""
    rows = re.findall(r"^\| (\d+) \| (\w+) \| (\w+) \| (\w+) \|", DOC, re.MULTILINE)

    assert [(int(n), name, kind, category) for n, name, kind, category in rows] == [
        (event, event.name, severity.name.lower(), CATEGORY_TEXTS[category])
        for event, (severity, category, _) in TABLE.items()
    ]
    assert f"{OWN_IDS[0]} to {OWN_IDS[-1]}" in DOC

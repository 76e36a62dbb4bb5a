"""The real binding's handler, called with the system's structures (D.3).

Wine sends no events of the system (H-36), and a test cannot suspend a computer: the
service's process calls the handler that it has registered, as the system would.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
from event_host import ASK, QUERY, REFUSE, SEND, STRUCTURES
from lab import Installed, Lab, eventually

from winsvc.events import make_event

FILE = Path(__file__).with_name("event_host.py")


def tapped(lab: Lab) -> Installed:
    """Start the service that knows its handler."""
    log_file = lab.folder / "tapped.log"
    service = lab.install(
        "Tapped", command=(sys.executable, "-P", str(FILE), str(log_file))
    )
    service._log_file = log_file
    service.start()
    return service


def send(service: Installed, code: int) -> list[str]:
    """Let it send what a code stands for; stop it; return its calls."""
    service.handle.control(code)
    eventually(lambda: {"done", "failed"} & set(service.calls), "all is sent")
    if "failed" in service.calls:
        service.is_lost = True
        pytest.fail(service.log)
    service.stop()
    return service.calls


def test_structures_are_copied_as_far_as_they_reach(lab: Lab) -> None:
    """Every structure, short, long and lying; nothing behind it is read (I-128)."""
    calls = send(tapped(lab), SEND)

    events = [call.partition(" ")[2] for call in calls if call.startswith("event ")]
    journal = [call.partition(" ")[2] for call in calls if call.startswith("journal ")]
    expected = []
    for control, event_type, data, size in STRUCTURES.values():
        copied = data[:size] if isinstance(data, bytes) else b""
        kind = type(make_event(control, event_type, b"", 1)).__name__
        expected.append((kind, control, event_type, copied.hex()))
    assert [call for call in calls if call.startswith("sent ")] == [
        f"sent {name}: 0" for name in STRUCTURES
    ]
    assert events == [
        *(
            f"{kind} {control} {type_} {data}"
            for kind, control, type_, data in expected
        ),
        "Stop 1 0 ",
    ]
    # 64 KB: the first of the large ones have been overwritten since.
    kept = [f"{control} {data}" for _, control, _, data in expected]
    first_kept = list(STRUCTURES).index("device, a lie")
    assert journal[first_kept:] == kept[first_kept:]
    assert len(journal) == len(kept)


def test_refusal_reaches_the_system(lab: Lab) -> None:
    """D-13: ERROR_BUSY from the table; the handler hears of it."""
    calls = send(tapped(lab), REFUSE)

    assert "refused 170" in calls
    assert f"event DeviceEvent 11 32769 {QUERY[2].hex()}" in calls


def test_answer_reaches_the_system(lab: Lab) -> None:
    """D-13: after ask(), what the handler returns."""
    calls = send(tapped(lab), ASK)

    assert "asked 170" in calls
    assert f"event DeviceEvent 11 32769 {QUERY[2].hex()}" in calls

"""Why a service was started, as the real SCM says it (D.6)."""

from __future__ import annotations

from pathlib import Path

from lab import Lab, on_wine

from winsvc.reasons import StartReason

FILE = Path(__file__).with_name("start_reasons.py")


def test_service_knows_why_it_was_started(lab: Lab) -> None:
    """By hand; on Wine, which has a stub that may not be called: None (H-19)."""
    service = lab.install("Asker", file=FILE)
    service.start()
    service.stop()

    reason = None if on_wine() else StartReason.DEMAND
    assert service.calls == [f"on_start {reason!r}", f"run {reason!r}"]

"""The examples of docs/services.md that need no more than the simulated SCM."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs"


def test_documented_test_of_a_service_passes(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Word for word."""
    text = (DOCS / "services.md").read_text(encoding="utf-8")
    mark = re.escape("<!-- tested: tests/sim/test_documented.py -->")
    found = re.search(mark + r"\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    exec(compile(found[1], "services.md", "exec"), {"__name__": "services_md"})

    out = capsys.readouterr().out
    assert "START_PENDING" in out
    assert "SESSIONCHANGE" in out

"""The fixtures of the tests on a real SCM."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from lab import Lab, on_wine, run_tool


def pytest_report_header() -> str:
    """Say which SCM this is."""
    return f"SCM: {'Wine' if on_wine() else 'Windows'}"


@pytest.fixture
def lab(tmp_path: Path) -> Iterator[Lab]:
    """A real SCM to install services in."""
    lab = Lab(tmp_path)
    yield lab
    lab.close()


@pytest.fixture
def tool() -> Callable[..., subprocess.CompletedProcess[str]]:
    """Run a command-line tool."""
    return run_tool

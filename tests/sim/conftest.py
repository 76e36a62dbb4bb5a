"""The fixtures of the tests on the simulated SCM."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from simrig import Rig

from winsvc.testing import SimulatedScm


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A simulated SCM with a virtual clock; no report may break a rule."""
    scm = SimulatedScm(clock="virtual")
    yield Rig(scm)
    violations = scm.violations
    assert not violations

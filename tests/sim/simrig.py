"""A simulated SCM, and how the tests wait for it."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest

from winsvc.states import State
from winsvc.testing import SimulatedScm

PATIENCE = 20.0


def eventually(predicate: Callable[[], object], what: str) -> None:
    """Wait in real time until a predicate holds; fail loudly if it never does."""
    until = time.monotonic() + PATIENCE
    while not predicate():
        if time.monotonic() > until:
            pytest.fail(f"not within {PATIENCE:g} s: {what}")
        time.sleep(0.001)


class Rig:
    """A simulated SCM, and how the tests wait for it."""

    def __init__(self, scm: SimulatedScm) -> None:
        self.scm = scm

    def state(self, name: str) -> State:
        """Return the state that the SCM shows."""
        with self.scm.open(name) as handle:
            return handle.status().state

    def reach(self, name: str, state: State) -> None:
        """Wait until the SCM shows a state."""
        eventually(lambda: self.state(name) is state, f"{name} {state.name}")

    def eventually(self, predicate: Callable[[], object], what: str) -> None:
        """Wait until a predicate holds."""
        eventually(predicate, what)

    def pass_time(
        self, step: float, predicate: Callable[[], object], what: str
    ) -> None:
        """Let virtual time pass, step by step, until a predicate holds.

        It may outrun the threads by far: only for services without a deadline.
        """

        def stepped() -> object:
            self.scm.advance(step)
            return predicate()

        eventually(stepped, what)

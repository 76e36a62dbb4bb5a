"""The two traps of Wine's SCM, under load (H-13, H-15).

H-13: the SCM holds a lock while the handler runs, and wants it for a STOPPED
report: a handler that waits for the service to stop deadlocks for 10 s.  H-15: a
service that does not show STOP_PENDING when its handler returns is killed at the
next control.  Windows has neither, and passes all the same.

Wine takes note of a STOP before it delivers it: a control of another client in
between kills any service, one in C too.  So no client sends any while the STOP is
on its way; right after it they go on.
"""

from __future__ import annotations

import os
import threading
import time
from contextlib import ExitStack

import pytest
from lab import PATIENCE, Installed, Lab

from winsvc.errors import ServiceError
from winsvc.states import Control, State

ROUNDS = int(os.environ.get("WINSVC_TRAP_ROUNDS", "20"))
SLOW = 8.0  # below Wine's time-out of 10 s (H-1)
# Refusals of a service that stops or is gone (B-33, A-45).
STOPPING = {0, 1061, 1062, 109, 232}


class Client:
    """Sends a control again and again, until told that it is over."""

    def __init__(self, lab: Lab, name: str, code: int) -> None:
        self.turn = threading.Lock()
        self.wrong: list[tuple[int, float]] = []
        self._lab = lab
        self._name = name
        self._code = code
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        with self._lab.manager.open(self._name) as handle:
            while not self._over.is_set():
                with self.turn:
                    begin = time.monotonic()
                    try:
                        handle.control(self._code)
                        result = 0
                    except ServiceError as error:
                        result = error.winerror
                took = time.monotonic() - begin
                if result not in STOPPING or took > SLOW:
                    self.wrong.append((result, took))

    def end(self) -> list[tuple[int, float]]:
        """Stop sending; return what was not as it should be."""
        self._over.set()
        self._thread.join(PATIENCE)
        return self.wrong


def stop_under_fire(lab: Lab, service: Installed, stopper: int) -> None:
    """Start it, stop it while two clients control it; all must be clean."""
    process = service.start()
    clients = [Client(lab, service.name, code) for code in (Control.INTERROGATE, 200)]
    try:
        with ExitStack() as quiet:
            if stopper == Control.STOP:
                for client in clients:
                    quiet.enter_context(client.turn)
            first = service.control_code(stopper)
        status = service.reach(State.STOPPED)
        exit_code = process.wait()
    finally:
        wrong = [found for client in clients for found in client.end()]
    assert (first, status.exit_code, exit_code, wrong) == (0, 0, 0, [])


@pytest.mark.parametrize("stopper", [Control.STOP, 201], ids=["STOP", "itself"])
def test_stopping_under_fire_is_always_clean(lab: Lab, stopper: int) -> None:
    """INTERROGATE and user codes rain down on it: exit code 0, one on_stop."""
    service = lab.install("Race")
    for _ in range(ROUNDS):
        stop_under_fire(lab, service, stopper)

    assert service.calls == ["on_stop"] * ROUNDS

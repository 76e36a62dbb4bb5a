"""How a service ends itself, from whichever thread."""

from __future__ import annotations

import logging
import threading

import pytest
from simrig import Rig

import winsvc
from winsvc.states import State


class Threaded(winsvc.Service):
    """Raises what it is told to, in a thread of its own."""

    name = "Threaded"
    error: BaseException = winsvc.ServiceExit(7)

    def on_user_control(self, code: int) -> None:
        threading.Thread(target=self.fail, name="worker").start()

    def fail(self) -> None:
        raise self.error


class Other(winsvc.Service):
    """Is up as well."""

    name = "Other"


def test_service_exit_in_users_thread_ends_the_service(rig: Rig) -> None:
    """The code is reported as if run had raised it."""
    handle = rig.scm.add(Threaded)
    handle.start()
    rig.reach("Threaded", State.RUNNING)
    handle.control(128)

    assert rig.scm.wait_gone("Threaded") == 7
    assert handle.status().exit_code == 1066
    assert handle.status().service_exit_code == 7


def test_other_exception_in_users_thread_goes_the_usual_way(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """threading.excepthook gets it; the service goes on, and the hook comes back."""
    seen: list[object] = []
    hook = lambda args: seen.append(args.exc_value)  # noqa: E731 - compared below
    monkeypatch.setattr(threading, "excepthook", hook)
    error = OSError("boom")
    handle = rig.scm.add(type("Threaded", (Threaded,), {"error": error}))
    handle.start()
    rig.reach("Threaded", State.RUNNING)
    handle.control(128)
    rig.eventually(lambda: seen, "the hook is called")

    assert seen == [error]
    assert rig.state("Threaded") is State.RUNNING
    handle.stop()
    assert rig.scm.wait_gone("Threaded") == 0
    assert threading.excepthook is hook


def test_service_exit_in_a_thread_of_two_services_is_only_logged(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody can tell which of them the thread works for."""
    handle = rig.scm.add(Threaded)
    handle.start()
    rig.scm.add(Other).start()
    rig.reach("Threaded", State.RUNNING)
    rig.reach("Other", State.RUNNING)
    with caplog.at_level(logging.ERROR):
        handle.control(128)
        rig.eventually(lambda: "2 services are up" in caplog.text, "the log")

    assert "request_stop()" in caplog.text
    for name in ("Threaded", "Other"):
        rig.scm.open(name).stop()
        assert rig.scm.wait_gone(name) == 0

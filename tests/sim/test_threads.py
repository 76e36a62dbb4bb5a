"""How a service ends itself, from whichever thread."""

from __future__ import annotations

import logging
import threading

import pytest
from simrig import Rig

import winsvc
from winsvc import threads
from winsvc.states import FailureCode, State


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


def test_thread_that_outlives_its_service_ends_no_other(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """What it works for has stopped: ServiceExit in it is only logged."""
    go = threading.Event()
    left: list[threading.Thread] = []

    class Leaver(Threaded):
        def on_start(self) -> None:
            left.append(threading.Thread(target=self.leave))
            left[0].start()

        def leave(self) -> None:
            assert go.wait(20)
            self.fail()

    first, other = rig.scm.add_process(Leaver, Other)
    for handle in (first, other):
        handle.start()
        rig.reach(handle.name, State.RUNNING)
    first.stop()
    rig.reach("Threaded", State.STOPPED)
    # The thread of its life is done with: Host has said so.
    rig.eventually(lambda: len(threads._hosts) == 1, "the first host has ended")
    go.set()
    left[0].join()

    assert "nobody knows for which service" in caplog.text
    assert rig.state("Other") is State.RUNNING
    other.stop()
    assert rig.scm.wait_gone("Other") == 0


def test_wrapped_hook_does_not_recurse(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service may wrap threading.excepthook, in each of its lives."""
    seen: list[object] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: None)

    class Wraps(winsvc.Service):
        name = "Wraps"

        def on_start(self) -> None:
            before = threading.excepthook

            def hook(args: threading.ExceptHookArgs) -> None:
                seen.append(args.exc_value)
                before(args)

            threading.excepthook = hook

        def on_user_control(self, code: int) -> None:
            thread = threading.Thread(target=lambda: 1 / 0)
            thread.start()
            thread.join()

    for life in (1, 2):
        handle = rig.scm.add(Wraps, name=f"Wraps{life}")
        handle.start()
        rig.reach(handle.name, State.RUNNING)
        seen.clear()
        handle.control(128)
        handle.stop()

        assert rig.scm.wait_gone(handle.name) == 0
        assert len(seen) == life


def test_service_without_threads_stops(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """When no thread can be made it fails, and says so to the SCM."""
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "winsvc-control Threaded":
            raise RuntimeError("can't start new thread")
        start(thread)

    first, other = rig.scm.add_process(Threaded, Other)
    other.start()
    rig.reach("Other", State.RUNNING)
    monkeypatch.setattr(threading.Thread, "start", refuse)
    first.start()
    rig.reach("Threaded", State.STOPPED)

    assert first.status().service_exit_code == FailureCode.START
    other.stop()
    rig.reach("Other", State.STOPPED)

"""Deadlines are logged whatever the log's handlers do."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Iterator

import pytest
from simrig import Rig

import winsvc
from winsvc.states import FailureCode, State


class Away(logging.Handler):
    """Its disk is full, or its server away."""

    def emit(self, record: logging.LogRecord) -> None:
        """Fail."""
        raise OSError(28, "full")

    def flush(self) -> None:
        """Fail."""
        raise OSError(28, "full")


@pytest.fixture
def away(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """A handler that fails, behind one that does not."""
    logger = logging.getLogger("winsvc")
    handler = Away()
    logger.addHandler(handler)
    with caplog.at_level(logging.INFO, "winsvc"):
        yield
    logger.removeHandler(handler)


class Hangs(winsvc.Service):
    """Hangs in on_pause and in on_stop."""

    name = "Hangs"

    def __init__(self) -> None:
        self.inside = threading.Semaphore(0)
        self.gate = threading.Event()

    def on_pause(self) -> None:
        self.inside.release()
        self.gate.wait()

    def on_stop(self) -> None:
        self.inside.release()
        self.gate.wait()


def test_second_deadline_is_seen_after_a_flush_that_fails(rig: Rig, away: None) -> None:
    """The deadline thread lives on: the process ends as soon as it has logged."""
    handle = rig.scm.add(Hangs)
    handle.start()
    rig.reach("Hangs", State.RUNNING)
    service = rig.scm.instance("Hangs")
    assert isinstance(service, Hangs)
    handle.pause()
    assert service.inside.acquire(timeout=20)
    rig.scm.advance(31.0)
    rig.reach("Hangs", State.RUNNING)
    service.gate.set()
    rig.reach("Hangs", State.PAUSED)
    service.gate.clear()
    handle.stop()
    assert service.inside.acquire(timeout=20)
    rig.scm.advance(30.0)
    # No more virtual time: only the deadline thread's word lets it end.
    rig.reach("Hangs", State.STOPPED)
    service.gate.set()

    assert rig.scm.wait_gone("Hangs") == FailureCode.DEADLINE


def test_service_exit_in_a_thread_needs_no_log(rig: Rig, away: None) -> None:
    """A handler of the log that raises does not keep the service alive."""

    class Leaves(winsvc.Service):
        name = "Leaves"

        def on_user_control(self, code: int) -> None:
            threading.Thread(target=self.leave).start()

        def leave(self) -> None:
            raise winsvc.ServiceExit(7)

    handle = rig.scm.add(Leaves)
    handle.start()
    rig.reach("Leaves", State.RUNNING)
    handle.control(128)

    assert rig.scm.wait_gone("Leaves") == 7


def test_deadline_of_coroutines_shows_where_they_wait(
    rig: Rig, caplog: pytest.LogCaptureFixture
) -> None:
    """The threads show the loop's select alone."""
    inside = threading.Event()
    waited: list[asyncio.Future[None]] = []

    class Waits(winsvc.AsyncService):
        name = "Waits"

        async def on_stop(self) -> None:
            waited.append(asyncio.get_running_loop().create_future())
            inside.set()
            await waited[0]

    handle = rig.scm.add(Waits)
    handle.start()
    rig.reach("Waits", State.RUNNING)
    with caplog.at_level(logging.CRITICAL):
        handle.stop()
        assert inside.wait(20)
        rig.scm.advance(30.0)
        rig.reach("Waits", State.STOPPED)

    waited[0].get_loop().call_soon_threadsafe(waited[0].set_result, None)

    assert "in on_stop" in caplog.text
    assert "await waited[0]" in caplog.text
    assert rig.scm.wait_gone("Waits") == FailureCode.DEADLINE

"""Stopping a service that another client is busy with, too."""

from __future__ import annotations

from typing import Any

import pytest

from winsvc.errors import ServiceError
from winsvc.manage.status import ServiceStatus
from winsvc.manage.stopping import stop_when_started
from winsvc.states import State


class Handle:
    """Shows one status after the other, the last one for ever."""

    def __init__(self, *statuses: tuple[State, int]) -> None:
        self.statuses = [
            ServiceStatus.from_tuple((16, state, 0, 0, 0, 0, 0, pid))
            for state, pid in statuses
        ]

    def status(self) -> ServiceStatus:
        return self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]


def refuse() -> None:
    """Refuse a STOP, as a service does that is starting (B-44)."""
    raise ServiceError(operation="stop", service="A", winerror=1052)


def test_start_that_hangs_is_not_taken_for_another() -> None:
    """It is in the process that it was in before: it has not been stopped."""
    handle: Any = Handle(
        (State.RUNNING, 7), (State.RUNNING, 7), (State.START_PENDING, 7)
    )
    with pytest.raises(ServiceError, match="1052"):
        stop_when_started(handle, refuse, lambda state: pytest.fail(state.name))


def test_start_by_another_client_is_enough() -> None:
    """It has been STOPPED in between: that is what was wanted."""
    waited: list[State] = []
    handle: Any = Handle(
        (State.RUNNING, 7), (State.RUNNING, 7), (State.START_PENDING, 8)
    )
    stop_when_started(handle, refuse, waited.append)

    assert waited == []

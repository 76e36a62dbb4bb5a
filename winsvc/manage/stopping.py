"""Stopping what depends on a service, and restarting with it (C-12, C-13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from winsvc.errors import (
    ServiceError,
    ServiceFailed,
    ServiceNotActive,
    ServiceTimeout,
    service_error,
)
from winsvc.manage.status import ServiceInfo, ServiceStatus
from winsvc.states import CLIENT_CONTROLS, State
from winsvc.winerror import (
    ERROR_INVALID_SERVICE_CONTROL,
    ERROR_SERVICE_ALREADY_RUNNING,
    ERROR_SERVICE_CANNOT_ACCEPT_CTRL,
    ERROR_TIMEOUT,
)

if TYPE_CHECKING:
    from winsvc.manage.handle import ServiceHandle
    from winsvc.reasons import StopReason

_NOT_YET = (ERROR_INVALID_SERVICE_CONTROL, ERROR_SERVICE_CANNOT_ACCEPT_CTRL)
OnProgress = Callable[[ServiceStatus], None]


class Budget:
    """The time that several waits have together.

    Args:
        seconds: All of it; ``None``: there is no end.
        clock: Tells the time in seconds.
    """

    def __init__(self, seconds: float | None, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._until = None if seconds is None else clock() + seconds

    @property
    def left(self) -> float | None:
        """Seconds left, 0 at least."""
        return None if self._until is None else max(self._until - self._clock(), 0.0)


def stop_dependents(
    handle: ServiceHandle, budget: Budget, opener: Callable[[str], ServiceHandle]
) -> tuple[ServiceInfo, ...]:
    """Stop the active dependents in the SCM's order, each before the next.

    Args:
        handle: The service that they depend on.
        budget: The time for all of them.
        opener: Opens a service by its key name.

    Returns:
        Those that were active, in that order: the one that started last first.

    Raises:
        ServiceError: One could not be stopped: its name is in the detail.
    """
    active = handle.dependents(active_only=True)
    for info in active:
        try:
            with opener(info.name) as dependent:
                stop_and_wait(dependent, budget)
        except ServiceError as error:
            raise about_dependent("stop", handle.name, info.name, error) from error
    return active


def stop_and_wait(
    handle: ServiceHandle,
    budget: Budget,
    on_progress: OnProgress | None = None,
    *,
    reason: StopReason | None = None,
    comment: str | None = None,
) -> None:
    """Stop a service, whatever it is at, and wait until it is STOPPED.

    One that another client has started again by then has been STOPPED too.
    """

    def wait(state: State) -> None:
        handle.wait_state(state, budget.left, on_progress)

    stop_when_started(handle, lambda: handle.stop(reason=reason, comment=comment), wait)


def stop_when_started(
    handle: ServiceHandle, stop: Callable[[], object], wait: Callable[[State], object]
) -> None:
    """Stop a service and wait for that; one that starts takes no STOP yet (B-44).

    Args:
        handle: The service.
        stop: Sends STOP.
        wait: Waits for a state.
    """
    if handle.status().state is State.START_PENDING:
        _wait_until_started(wait)
    before = handle.status().pid
    try:
        stop()
    except ServiceNotActive:
        return
    except ServiceError as error:
        if error.winerror not in _NOT_YET:
            raise
        now = handle.status()
        state = now.state
        if state is State.START_PENDING and now.pid != before:
            return  # another client has restarted it
        # It is stopping already; what else it may be at would be waited for.
        if state not in (State.STOP_PENDING, State.STOPPED):
            raise
    try:
        wait(State.STOPPED)
    except ServiceFailed as error:
        if error.winerror != ERROR_SERVICE_ALREADY_RUNNING:
            raise


def _wait_until_started(wait: Callable[[State], object]) -> None:
    """Wait for RUNNING; one that has stopped, or hangs, can be stopped as it is."""
    try:
        wait(State.RUNNING)
    except ServiceFailed:
        return
    except ServiceTimeout as error:
        if error.winerror == ERROR_TIMEOUT:
            raise


def start_again(
    name: str,
    dependents: tuple[ServiceInfo, ...],
    budget: Budget,
    opener: Callable[[str], ServiceHandle],
) -> None:
    """Start what ``stop_dependents`` has stopped, the one that stopped last first."""
    for info in reversed(dependents):
        try:
            with opener(info.name) as dependent:
                start_unless_up(dependent)
                dependent.wait_state(State.RUNNING, budget.left)
        except ServiceError as error:
            raise about_dependent("restart", name, info.name, error) from error


def start_unless_up(handle: ServiceHandle) -> None:
    """Start a service; that it has been started meanwhile is as good."""
    try:
        handle.start()
    except ServiceError as error:
        # Another client, or a trigger, has been faster.
        if error.winerror != ERROR_SERVICE_ALREADY_RUNNING:
            raise


def about_dependent(
    operation: str, service: str, dependent: str, error: ServiceError
) -> ServiceError:
    """Return the error for a service of which a dependent has failed."""
    detail = f"its dependent {dependent!r} is in the way: {error}"
    return service_error(operation, service, error.winerror, detail)


def about_running(
    error: ServiceError, running: tuple[ServiceInfo, ...]
) -> ServiceError:
    """Return a 1051 that names who runs, and says what to do."""
    names = ", ".join(repr(info.name) for info in running)
    detail = f"{names}; stop(dependents=True) stops them before it"
    return service_error(error.operation, error.service, error.winerror, detail)


def about_code(error: ServiceError) -> ServiceError:
    """Return an 87 that says which controls a client may send (B-31)."""
    return service_error(
        error.operation,
        error.service,
        error.winerror,
        remedy=f"a client sends 128 to 255, or {', '.join(CLIENT_CONTROLS)}",
    )


def about_pending(error: ServiceError, state: State) -> ServiceError:
    """Return a 1052 of a service that may accept the control later."""
    return service_error(
        error.operation,
        error.service,
        error.winerror,
        f"it is {state.name}",
        remedy="wait until it is RUNNING, then try again",
    )

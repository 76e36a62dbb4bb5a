"""Stopping what depends on a service, and restarting with it (C-12, C-13)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from winsvc.errors import (
    ServiceCannotAcceptControl,
    ServiceError,
    ServiceNotActive,
    service_error,
)
from winsvc.manage.status import ServiceInfo, ServiceStatus
from winsvc.states import State

if TYPE_CHECKING:
    from winsvc.manage.handle import ServiceHandle

ERROR_DEPENDENT_SERVICES_RUNNING = 1051
ERROR_SERVICE_ALREADY_RUNNING = 1056
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
    handle: ServiceHandle, budget: Budget, on_progress: OnProgress | None = None
) -> ServiceStatus:
    """Stop a service, whatever it is at, and wait until it is STOPPED."""
    try:
        handle.stop()
    except ServiceNotActive:
        return handle.status()
    except ServiceCannotAcceptControl:
        # It is stopping already; what else it may be at wait_state would wait for.
        if handle.status().state not in (State.STOP_PENDING, State.STOPPED):
            raise
    return handle.wait_state(State.STOPPED, budget.left, on_progress)


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
                _start_unless_up(dependent)
                dependent.wait_state(State.RUNNING, budget.left)
        except ServiceError as error:
            raise about_dependent("restart", name, info.name, error) from error


def _start_unless_up(handle: ServiceHandle) -> None:
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

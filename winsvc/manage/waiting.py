"""How a client waits for a service: the documented rules (C-10, C-11, C-14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from winsvc.errors import ServiceFailed, ServiceTimeout, describe_exit
from winsvc.manage.status import ServiceStatus
from winsvc.states import State
from winsvc.winerror import (
    ERROR_SERVICE_ALREADY_RUNNING,
    ERROR_SERVICE_NOT_ACTIVE,
    ERROR_TIMEOUT,
)

if TYPE_CHECKING:
    from winsvc._interfaces import Capsule, StatusTuple
    from winsvc.manage.notifier import Bell


# Seconds.
DEFAULT_HINT = 5.0
MAX_HINT = 24 * 3600.0
REST = 2.0
"""Between two looks at a service whose changes are notified: re-reports,
checkpoints and accept masks are not (F-11)."""
_FIRST_INTERVAL = 0.02
_MIN_CEILING = 0.1
_MAX_CEILING = 1.0

# From which pending state a service gets to a state, and back to which.
_WAYS = {
    State.RUNNING: {
        State.START_PENDING: State.STOPPED,
        State.CONTINUE_PENDING: State.PAUSED,
    },
    State.PAUSED: {State.PAUSE_PENDING: State.RUNNING},
}


@dataclass(slots=True)
class Watch:
    """What a wait has seen of a service so far."""

    service: str
    operation: str
    target: State
    alive: bool
    """It was started, or has been seen in a state other than STOPPED."""
    seen: ServiceStatus | None = None
    backs: set[State] = field(default_factory=set)
    """Settled states that mean that it went back."""
    began_as: int = 0
    """The process that it was in first; it has none while it is STOPPED."""
    risen: float = 0.0
    """When the state or the checkpoint moved last."""
    pause: float = _FIRST_INTERVAL
    due: float = 0.0
    """When the next look by the clock is."""

    def look(self, status: ServiceStatus, now: float) -> bool:
        """Take a status in; return whether it has changed."""
        seen = self.seen
        if seen is None or seen.state != status.state or seen.pid != status.pid:
            self.risen = self.due = now
            self.pause = _FIRST_INTERVAL
        elif status.checkpoint > seen.checkpoint:  # C-2
            self.risen = now
        self.seen = status
        self.began_as = self.began_as or status.pid
        if status.state != State.STOPPED:
            self.alive = True
        back = _WAYS.get(self.target, {}).get(status.state)
        if back is not None:
            self.backs.add(back)
        return seen != status

    def check(self, status: ServiceStatus, now: float) -> None:
        """Raise if the target cannot be reached any more."""
        leads_up = self.target in _WAYS
        if status.state == State.STOPPED and leads_up and self.alive:
            self._fail(status, "it has stopped with")
        if status.state in self.backs and status.state != State.STOPPED:
            self._fail(status, f"it has gone back to {status.state.name}, with")
        if self.target is State.STOPPED and status.pid not in (0, self.began_as):
            raise ServiceFailed(
                operation=self.operation,
                service=self.service,
                winerror=ERROR_SERVICE_ALREADY_RUNNING,
                detail="it has been started again meanwhile, "
                f"and is {status.state.name} in process {status.pid}",
            )
        if status.state.is_pending and now - self.risen > _hint(status):
            raise ServiceTimeout(
                operation=self.operation,
                service=self.service,
                detail=f"it is {self.describe(status)}, and made no progress within "
                + (
                    f"its wait hint of {_hint(status):g} s"
                    if status.wait_hint
                    else f"{DEFAULT_HINT:g} s, without a wait hint"
                ),
            )

    def interval(
        self, status: ServiceStatus, now: float, *, notifies: bool = False
    ) -> float:
        """Return the seconds until the next look; they grow up to hint/10.

        A look that comes before that, since something was notified, moves it not.

        Args:
            status: As it is now.
            now: The time.
            notifies: A change of the state is notified: looks are for the
                checkpoints alone then, which only a pending state has.
        """
        if notifies and not status.state.is_pending:
            return REST
        if now < self.due:
            return self.due - now
        pause = self.pause
        ceiling = min(max(_hint(status) / 10, _MIN_CEILING), _MAX_CEILING)
        self.pause = min(pause * 2, ceiling)
        self.due = now + pause
        return pause

    def describe(self, status: ServiceStatus) -> str:
        """Return the state as text, with the checkpoint of a pending one."""
        if not status.state.is_pending:
            return status.state.name
        return f"{status.state.name}, checkpoint {status.checkpoint}"

    def _fail(self, status: ServiceStatus, what: str) -> None:
        exit_code = describe_exit(status.exit_code, status.service_exit_code)
        raise ServiceFailed(
            operation=self.operation,
            service=self.service,
            winerror=status.exit_code or ERROR_SERVICE_NOT_ACTIVE,
            detail=f"{what} {exit_code}",
            exit_code=status.exit_code,
            service_exit_code=status.service_exit_code,
        )


def wait_until(
    watch: Watch,
    look: Callable[[], tuple[Capsule, StatusTuple]],
    bell: Bell,
    clock: Callable[[], float],
    timeout: float | None,
    on_progress: Callable[[ServiceStatus], None] | None,
) -> ServiceStatus:
    """Block until a service is in the state that a watch is for.

    Args:
        watch: The rules.
        look: Reads the status; returns the handle and what it has read.
        bell: Rings when the next look is due.
        clock: Tells the time in seconds.
        timeout: Seconds; ``None``: as long as the rules allow.
        on_progress: Called with the status at the first look, and when it changed.
    """
    deadline = None if timeout is None else clock() + timeout
    while True:
        handle, raw = look()
        now = clock()
        status = ServiceStatus.from_tuple(raw)
        changed = watch.look(status, now)
        if changed and on_progress is not None:
            on_progress(status)
        if status.state == watch.target:
            return status
        watch.check(status, now)
        if deadline is not None and now >= deadline:
            raise ServiceTimeout(
                operation=watch.operation,
                service=watch.service,
                # The client's time was up, not the service's: no 1053.
                winerror=ERROR_TIMEOUT,
                detail=f"not {watch.target.name} after {timeout:g} s: "
                f"it is {watch.describe(status)}",
            )
        seconds = watch.interval(status, now, notifies=bell.notifies)
        if deadline is not None:
            seconds = min(seconds, deadline - now)
        for notified in bell.wait(handle, raw, seconds):
            passed = ServiceStatus.from_tuple(notified)
            if passed.state == watch.target:  # and may be on its way from there
                if watch.look(passed, clock()) and on_progress is not None:
                    on_progress(passed)
                return passed


def _hint(status: ServiceStatus) -> float:
    """Return how long a pending service may go without progress (C-14)."""
    return min(status.wait_hint, MAX_HINT) if status.wait_hint else DEFAULT_HINT

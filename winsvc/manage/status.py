"""A service's status and entry, as the SCM shows them to a client."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from winsvc._interfaces import StatusTuple
from winsvc.states import Accept, ServiceType, State


@dataclass(frozen=True, slots=True)
class ServiceStatus:
    """The SCM's record of a service (D.3).

    Attributes:
        type: Kind of the service, as configured (B-6).
        state: Its state.
        accepts: The controls it takes now.
        exit_code: Windows exit code; 1077 if never started, 1066 if its own
            exit code counts.
        service_exit_code: Its own exit code, of use only with 1066 (B-8).
        checkpoint: Rises with the progress of a pending state.
        wait_hint: Seconds until the next report is due, in a pending state.
        pid: Its process; 0 if there is none, and in what controls return.
    """

    type: ServiceType
    state: State
    accepts: Accept
    exit_code: int
    service_exit_code: int
    checkpoint: int
    wait_hint: float
    pid: int

    @classmethod
    def from_tuple(cls, raw: StatusTuple) -> Self:
        """Return the status for what the extension gives."""
        kind, state, accepts, exit_code, specific, checkpoint, hint, pid = raw
        return cls(
            type=ServiceType(kind),
            state=State(state),
            accepts=Accept(accepts),
            exit_code=exit_code,
            service_exit_code=specific,
            checkpoint=checkpoint,
            wait_hint=hint / 1000,
            pid=pid,
        )


@dataclass(frozen=True, slots=True)
class ServiceInfo:
    """A service in the list of all.

    Attributes:
        name: Key name.
        display_name: Name shown to people.
        status: Its status.
    """

    name: str
    display_name: str
    status: ServiceStatus

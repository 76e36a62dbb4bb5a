"""What the module ``_sim`` offers, as type checkers see it."""

from __future__ import annotations

from typing import Protocol, TypeAlias

from winsvc._interfaces import Capsule, Hosting

ReportTuple: TypeAlias = tuple[int, int, int, int, int, int, int, int, int]
"""(time in ns, service, type, state, accepted, exit_code, specific_code,
checkpoint, wait_hint in ms)"""


class Wire(Protocol):
    """What ``_sim`` offers to the simulated SCM, besides."""

    def clock_new(self, virtual: bool, /) -> Capsule:
        """Return a clock."""

    def clock_now(self, clock: Capsule, /) -> int:
        """Return its time in ns."""

    def clock_advance(self, clock: Capsule, seconds: float, /) -> None:
        """Move a virtual clock on."""

    def wire_new(self, clock: Capsule, /) -> Capsule:
        """Return a wire between the SCM and one process."""

    def wire_connected(self, wire: Capsule, seconds: float | None, /) -> int:
        """Block until the process has connected; return the outcome."""

    def wire_start(
        self, wire: Capsule, own: bool, argv: tuple[str, ...], seconds: float | None, /
    ) -> int:
        """Start a service; return the outcome."""

    def wire_control(
        self,
        wire: Capsule,
        service: int,
        code: int,
        event_type: int,
        data: bytes | None,
        seconds: float | None,
        /,
    ) -> tuple[int, int]:
        """Send a control; return the outcome and the handler's answer."""

    def wire_send_many(
        self,
        wire: Capsule,
        service: int,
        controls: tuple[tuple[int, int, bytes | None], ...],
        seconds: float | None,
        /,
    ) -> tuple[int, int, int]:
        """Send (code, event_type, data) each, up to the first that fails.

        Return the number answered with 0, and the last's outcome and answer.
        """

    def wire_subscriptions(
        self, wire: Capsule, service: int, /
    ) -> list[tuple[int, bytes]]:
        """Return (subject, what) of all that a service has not undone."""

    def wire_kill(self, wire: Capsule, exit_code: int, /) -> None:
        """End the process as far as the SCM can see."""

    def wire_death(self, wire: Capsule, /) -> int | None:
        """Return the process's exit code, None while it lives."""

    def wire_last(self, wire: Capsule, service: int, /) -> tuple[int, ReportTuple]:
        """Return the number of a service's reports so far, and the last."""

    def wire_reports(self, wire: Capsule, first: int, /) -> list[ReportTuple]:
        """Return the process's reports from one on."""

    def wire_wait(
        self, wire: Capsule, service: int, count: int, seconds: float | None, /
    ) -> None:
        """Block until a service has made more reports than ``count``."""

    def fault_arm(self, mask: int, nth: int, /) -> None:
        """Make the n-th call of the kinds in ``mask`` fail."""

    def fault_left(self) -> int:
        """Return the calls left until then."""

    def live_count(self) -> int:
        """Return the number of OS objects alive."""


class Sim(Hosting, Wire, Protocol):
    """The module ``winsvc._sim``."""

"""One simulated service process: a wire, and a thread as its main thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING

from winsvc import _native
from winsvc._interfaces import Capsule
from winsvc._wire_interfaces import ReportTuple
from winsvc.connection import Connection
from winsvc.journal import JournalEntry
from winsvc.serving import serve

if TYPE_CHECKING:
    from winsvc.host import Host, Loader, SessionUser

Body = Callable[[], None]
Launcher = Callable[[str, Body], None]
"""Runs a body somewhere, as the main thread of the process of that name."""
ControlTuple = tuple[int, int, bytes | None]
"""(code, event type, data)"""

log = logging.getLogger("winsvc.testing")

# Outcomes of a request to the process (csrc/scm/sim.h).
DONE, LATE, DEAD, NO_THREAD, NOT_IN_EXE, RUNNING, NOT_RUNNING = range(7)
EXIT_UNHANDLED = 1
OWN_PROCESS = ("",)
"""The table of a process of one service: its name is ignored (A-7)."""


def launch_thread(name: str, body: Body) -> None:
    """Run a body in a thread of its own."""
    threading.Thread(target=body, name=f"main of {name}", daemon=True).start()


class SimulatedProcess:
    """A process that hosts services on the simulated wire.

    Args:
        name: The service's that it is made for.
        table: The names of its services, or ``OWN_PROCESS``.
        loads: Return their classes; called as in a real process, after connecting.
        clock: Shared by all processes of one SCM.
        launch: Where its main thread runs.
        pid: Its number.
        session_user: Looks up a session's domain and user.

    Methods about one service take its place in the table.
    """

    def __init__(
        self,
        name: str,
        table: tuple[str, ...],
        loads: tuple[Loader, ...],
        clock: Capsule,
        launch: Launcher,
        pid: int = 0,
        session_user: SessionUser | None = None,
    ) -> None:
        self._sim = _native.require_sim()
        self.name = name
        self.pid = pid
        self.wire = self._sim.wire_new(clock)
        self.hosts: dict[int, Host] = {}
        self.exit_code: int | None = None
        self.gone = threading.Event()
        self._table = table
        self._loads = loads
        self._session_user = session_user
        launch(name, self._main)

    def _main(self) -> None:
        code = EXIT_UNHANDLED
        try:
            connection = Connection(
                self._sim, self.wire, self._table, self._session_user
            )
            connection.start()
            code = serve(connection, self._loads, on_host=self.hosts.__setitem__)
        except Exception:
            log.exception("the process of %s failed", self.name)
        finally:
            death = self._sim.wire_death(self.wire)
            self.exit_code = code if death is None else death
            # Whoever still waits for this process's dispatcher waits in vain.
            self._sim.wire_kill(self.wire, self.exit_code)
            self.gone.set()

    @property
    def host(self) -> Host | None:
        """The first service's host, once it is there."""
        return self.hosts.get(0)

    def connected(self, timeout: float) -> int:
        """Wait until the process has called the dispatcher; an outcome."""
        return self._sim.wire_connected(self.wire, timeout)

    def start(self, argv: tuple[str, ...], timeout: float) -> int:
        """Let its dispatcher call ServiceMain; an outcome."""
        own = self._table == OWN_PROCESS
        return self._sim.wire_start(self.wire, own, argv, timeout)

    def control(
        self, control: ControlTuple, timeout: float, service: int = 0
    ) -> tuple[int, int]:
        """Call its handler; an outcome, and what the handler answered."""
        return self._sim.wire_control(self.wire, service, *control, timeout)

    def control_many(
        self, controls: tuple[ControlTuple, ...], timeout: float, service: int = 0
    ) -> tuple[int, int, int]:
        """Call its handler for each, up to the first that does not go well.

        Returns:
            How many were answered with 0; the last one's outcome and answer.
        """
        return self._sim.wire_send_many(self.wire, service, controls, timeout)

    def kill(self, exit_code: int) -> None:
        """End it as the system would: it notices nothing."""
        self._sim.wire_kill(self.wire, exit_code)

    @property
    def is_dead(self) -> bool:
        """True once it has ended."""
        return self._sim.wire_death(self.wire) is not None

    def last_report(self, service: int = 0) -> tuple[int, ReportTuple]:
        """Return the number of a service's reports so far, and the last."""
        return self._sim.wire_last(self.wire, service)

    def reports(self, service: int = 0) -> list[ReportTuple]:
        """Return a service's reports, oldest first.

        The last 4096 of the process are kept.
        """
        raw = self._sim.wire_reports(self.wire, 0)
        return [report for report in raw if report[1] == service]

    def wait_report(self, count: int, timeout: float | None, service: int = 0) -> None:
        """Wait until a service made more than ``count`` reports, or it is dead."""
        self._sim.wire_wait(self.wire, service, count, timeout)

    def subscriptions(self, service: int = 0) -> list[tuple[int, bytes]]:
        """Return (subject, what) of a service's subscriptions, oldest first."""
        return self._sim.wire_subscriptions(self.wire, service)

    def journal(self, service: int = 0) -> tuple[JournalEntry, ...]:
        """Return the core's journal of a service."""
        host = self.hosts.get(service)
        return host.journal() if host else ()

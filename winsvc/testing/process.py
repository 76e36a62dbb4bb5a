"""One simulated service process: a wire, and a thread as its main thread."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from winsvc import _native
from winsvc._native import Capsule
from winsvc.host import Connection, Host, Loader
from winsvc.journal import JournalEntry

Body = Callable[[], None]
Launcher = Callable[[str, Body], None]
"""Runs a body somewhere, as the main thread of the process of that name."""

log = logging.getLogger("winsvc.testing")

# Outcomes of a request to the process (csrc/scm/sim.h).
DONE, LATE, DEAD, NO_THREAD, NOT_IN_EXE = range(5)
EXIT_UNHANDLED = 1


def launch_thread(name: str, body: Body) -> None:
    """Run a body in a thread of its own."""
    threading.Thread(target=body, name=f"main of {name}", daemon=True).start()


class SimulatedProcess:
    """A process that hosts one service on the simulated wire.

    Args:
        name: The service's.
        load: Returns its class; called as in a real process, after connecting.
        clock: Shared by all processes of one SCM.
        launch: Where its main thread runs.
    """

    def __init__(
        self, name: str, load: Loader, clock: Capsule, launch: Launcher
    ) -> None:
        self._sim = _native.require_sim()
        self.name = name
        self.wire = self._sim.wire_new(clock)
        self.host: Host | None = None
        self.exit_code: int | None = None
        self.gone = threading.Event()
        self._load = load
        launch(name, self._main)

    def _main(self) -> None:
        code = EXIT_UNHANDLED
        try:
            connection = Connection(self._sim, self.wire)
            argv = connection.open()
            self.host = Host(connection, argv)
            code = self.host.run(self._load)
        except Exception:
            log.exception("the process of %s failed", self.name)
        finally:
            death = self._sim.wire_death(self.wire)
            self.exit_code = code if death is None else death
            # Whoever still waits for this process's dispatcher waits in vain.
            self._sim.wire_kill(self.wire, self.exit_code)
            self.gone.set()

    def connected(self, timeout: float) -> int:
        """Wait until the process has called the dispatcher; an outcome."""
        return self._sim.wire_connected(self.wire, timeout)

    def start(self, argv: tuple[str, ...], timeout: float) -> int:
        """Let its dispatcher call ServiceMain; an outcome."""
        return self._sim.wire_start(self.wire, True, argv, timeout)

    def control(
        self, code: int, event_type: int, data: bytes | None, timeout: float
    ) -> tuple[int, int]:
        """Call its handler; an outcome, and what the handler answered."""
        return self._sim.wire_control(self.wire, 0, code, event_type, data, timeout)

    def kill(self, exit_code: int) -> None:
        """End it as the system would: it notices nothing."""
        self._sim.wire_kill(self.wire, exit_code)

    @property
    def is_dead(self) -> bool:
        """True once it has ended."""
        return self._sim.wire_death(self.wire) is not None

    def last_report(self) -> tuple[int, _native.ReportTuple]:
        """Return the number of reports so far, and the last."""
        return self._sim.wire_last(self.wire, 0)

    def reports(self) -> list[_native.ReportTuple]:
        """Return its reports, oldest first; the last 4096 are kept."""
        return self._sim.wire_reports(self.wire, 0)

    def wait_report(self, count: int, timeout: float | None) -> None:
        """Wait until there are more than ``count`` reports, or it is dead."""
        self._sim.wire_wait(self.wire, count, timeout)

    def journal(self) -> tuple[JournalEntry, ...]:
        """Return the core's journal."""
        return self.host.journal() if self.host else ()

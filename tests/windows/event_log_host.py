"""Hosts a service and says, in its log file, what it hands to ReportEvent.

Wine keeps no events (H-38): they are seen here on their way.  The system's function
is called all the same.

    event_log_host.py LOG_FILE TARGET
"""

from __future__ import annotations

import logging
import sys
import threading

import winsvc
from winsvc import _native


class Talker(winsvc.Service):
    """Logs one of each kind."""

    name = "Talker"

    def run(self) -> None:
        self.log.info("not for the event log")
        print("nor this", file=sys.stderr)
        self.log.warning("a warning")
        self.log.info("its own", extra={"event_id": 1007})
        thread = threading.Thread(target=self.fail)
        thread.start()
        thread.join()
        self.wait_stop()
        self.log.info("imported winsvc.eventlog: %s", "winsvc.eventlog" in sys.modules)

    def fail(self) -> None:
        raise ValueError("in a thread")


class _Told:
    """The binary, whose ReportEvent is heard."""

    def __init__(self, core: object) -> None:
        self._core = core

    def __getattr__(self, name: str) -> object:
        return getattr(self._core, name)

    def eventlog_report(
        self,
        log: object,
        kind: int,
        category: int,
        number: int,
        strings: tuple[str, ...],
        data: bytes | None,
    ) -> None:
        report = self._core.eventlog_report  # type: ignore[attr-defined]
        report(log, kind, category, number, strings, data)
        first = "|".join(strings).splitlines()[0]
        # Not through the loggers: nothing of this may come round again.
        for handler in logging.getLogger("winsvc").handlers:
            if isinstance(handler, logging.FileHandler):
                line = f"REPORTED {kind} {category} {number:#x} {first}"
                record = logging.LogRecord("t", 20, "", 0, line, (), None)
                handler.handle(record)


def main() -> int:
    log_file, target = sys.argv[1:]
    require = _native.require_core
    told = _Told(require("test"))
    _native.require_core = lambda operation: told  # type: ignore[assignment, return-value]
    from winsvc.process import host

    return host([target], log_file=log_file)


if __name__ == "__main__":
    sys.exit(main())

"""Where a hosted service's lines go: a file, since a service has no terminal."""

from __future__ import annotations

import faulthandler
import io
import logging
import logging.handlers
import os
import sys
import threading
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(name)s [%(process)d %(threadName)s] %(message)s"
MAX_BYTES = 10_000_000
BACKUPS = 3


class ServiceLogHandler(logging.handlers.RotatingFileHandler):
    """A rotating file that also gets the tracebacks of crashes.

    faulthandler writes to the file itself, without the GIL: a service that is
    ended because it hangs in C code shows where.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            path, maxBytes=MAX_BYTES, backupCount=BACKUPS, encoding="utf-8"
        )
        self.setFormatter(logging.Formatter(FORMAT))
        self._watch_for_crashes()

    def doRollover(self) -> None:
        """Change files, and tell faulthandler so."""
        faulthandler.disable()
        try:
            super().doRollover()
        except OSError:
            # Somebody has it open, on Windows: go on in it, try at twice the size.
            self.maxBytes *= 2
            if self.stream is None:
                self.stream = self._open()
        else:
            self.maxBytes = MAX_BYTES
        self._watch_for_crashes()

    def close(self) -> None:
        """Close the file once faulthandler has let go of it."""
        faulthandler.disable()
        super().close()

    def _watch_for_crashes(self) -> None:
        if self.stream is not None:
            faulthandler.enable(self.stream)


class LogWriter(io.TextIOBase):
    """A text stream whose lines become log records: for print and warnings."""

    def __init__(self, name: str, level: int) -> None:
        self._log = logging.getLogger(name)
        self._level = level
        # Each thread its own line; and logging's own complaints, which go to
        # sys.stderr, must not come round again.
        self._local = threading.local()

    @property
    def encoding(self) -> str:  # type: ignore[override]
        """Return what scripts ask for."""
        return "utf-8"

    def reconfigure(self, **options: object) -> None:
        """Do nothing: as many scripts begin, and a log is UTF-8 anyway."""

    def writable(self) -> bool:
        """Return True."""
        return True

    def write(self, text: str, /) -> int:
        """Log the complete lines, keep the rest."""
        if getattr(self._local, "busy", False):
            return len(text)
        *lines, rest = (getattr(self._local, "rest", "") + text).split("\n")
        self._local.rest = rest
        self._local.busy = True
        try:
            for line in lines:
                self._log.log(self._level, "%s", line)
        finally:
            self._local.busy = False
        return len(text)


def start_logging(log_file: str | None) -> None:
    """Send the ``winsvc`` loggers, print and warnings to a file.

    The root logger stays the user's own.

    Args:
        log_file: Its folder is made if need be; ``None``, or one that cannot
            be opened, leaves the lines to ``sys.stderr`` where there is one.
    """
    logger = logging.getLogger("winsvc")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    handler: logging.Handler | None = None
    problem: OSError | None = None
    if log_file is not None:
        try:
            Path(log_file).parent.mkdir(parents=True, exist_ok=True)
            handler = ServiceLogHandler(Path(log_file))
        except OSError as error:
            problem = error
    if handler is None and sys.stderr is not None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(FORMAT))
    if handler is None:
        return
    logger.addHandler(handler)
    if problem is not None:
        logger.error("cannot write the log file %s: %s", log_file, problem)
    if isinstance(handler, ServiceLogHandler):
        # A service has none, or handles that lead nowhere.
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
        sys.stdout = LogWriter("winsvc.stdout", logging.INFO)
        sys.stderr = LogWriter("winsvc.stderr", logging.ERROR)


def default_log_file(name: str, folder: str) -> str:
    """Return the log file of a service whose code is in ``folder``.

    Beside the code: who may write there can change what the service runs
    anyway, so that the file gives nobody a right that they did not have.
    """
    safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in name)
    return str(Path(folder) / "logs" / f"{safe}.log")

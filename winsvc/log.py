"""Where a hosted service's lines go: a file, since a service has no terminal."""

from __future__ import annotations

import atexit
import faulthandler
import io
import logging
import os
import sys
import threading
from contextlib import suppress
from itertools import pairwise

from winsvc import TYPE_CHECKING
from winsvc.log_life import end_lines, writers

if TYPE_CHECKING:
    from collections.abc import Iterable
    from io import TextIOWrapper
    from typing import TextIO

    from winsvc.host import Host

FORMAT = "%(asctime)s %(levelname)s %(name)s [%(process)d %(threadName)s] %(message)s"
MAX_BYTES = 10_000_000
BACKUPS = 3
STDOUT = "winsvc.stdout"
STDERR = "winsvc.stderr"
EVENT_SOURCES = r"SYSTEM\CurrentControlSet\Services\EventLog\Application"


class ServiceLogHandler(logging.FileHandler):
    """A rotating file that also gets the tracebacks of crashes.

    faulthandler writes to the file itself, without the GIL: a service that is
    ended because it hangs in C code shows where.

    Not logging's RotatingFileHandler: every start would wait for the import of its
    module, which brings sockets and pickle; and importing it when a file is full
    may find a file of the user's by a name of those, or wait for a lock of logging's.
    """

    def __init__(self, path: str) -> None:
        super().__init__(path, encoding="utf-8")
        self._max_bytes = MAX_BYTES
        self.setFormatter(logging.Formatter(FORMAT))

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record, in a new file if this one is full."""
        try:
            file = self.stream
            if (
                file
                and file.seekable()
                and file.seek(0, os.SEEK_END) >= self._max_bytes
            ):
                self._change_files(file)
            super().emit(record)
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)

    def close(self) -> None:
        """Close the file once faulthandler has let go of it."""
        faulthandler.disable()
        super().close()

    def _open(self) -> TextIOWrapper:
        stream = super()._open()
        faulthandler.enable(stream)
        return stream

    def _change_files(self, full: TextIO) -> None:
        faulthandler.disable()
        full.close()
        self.stream = None  # opened by the next record if it cannot be now
        path = self.baseFilename
        names = [path, *(f"{path}.{number}" for number in range(1, BACKUPS + 1))]
        try:
            for older, newer in pairwise(reversed(names)):
                with suppress(FileNotFoundError):
                    os.replace(newer, older)
        except OSError:
            # Somebody has it open, on Windows: go on in it, try at twice the size.
            self._max_bytes *= 2
        else:
            self._max_bytes = MAX_BYTES
        self.stream = self._open()


class LogWriter(io.TextIOBase):
    """A text stream whose lines become log records: for print and warnings."""

    def __init__(self, name: str, level: int) -> None:
        self._log = logging.getLogger(name)
        self._level = level
        # Each thread its own line; those that have begun one and not ended it.
        self._rests: dict[threading.Thread, str] = {}
        # Logging's own complaints, which go to sys.stderr, must not come round again.
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
        thread = threading.current_thread()
        is_new = thread not in self._rests
        *lines, rest = (self._rests.pop(thread, "") + text).split("\n")
        if rest:
            self._rests[thread] = rest
        if rest and is_new:
            # A copy: other threads begin and end lines meanwhile.
            others = list(self._rests)
            lines += self._take(each for each in others if not each.is_alive())
        self._write_lines(lines)
        return len(text)

    def end_lines(self) -> None:
        """Log what has been written since the last end of a line, of all threads.

        Not done by ``flush``, which many call in the middle of a line.
        """
        self._write_lines(self._take(self._rests))

    def _take(self, threads: Iterable[threading.Thread]) -> list[str]:
        """Return what these threads have begun, and begin anew."""
        rests = [self._rests.pop(thread, "") for thread in list(threads)]
        return [rest for rest in rests if rest]

    def _write_lines(self, lines: Iterable[str]) -> None:
        self._local.busy = True
        try:
            for line in lines:
                self._log.log(self._level, "%s", line)
        finally:
            self._local.busy = False


def start_logging(log_file: str | None, events: logging.Handler | None = None) -> None:
    """Send the ``winsvc`` loggers, print and warnings to a file.

    The root logger stays the user's own.

    Args:
        log_file: Its folder is made if need be; ``None``, or one that cannot
            be opened, leaves the lines to ``sys.stderr`` where there is one.
        events: Gets the records too, after the file.
    """
    logger = logging.getLogger("winsvc")
    if logger.level == logging.NOTSET:
        logger.setLevel(logging.INFO)
    handler: logging.Handler | None = None
    problem: OSError | None = None
    if log_file is not None:
        try:
            os.makedirs(os.path.dirname(os.path.abspath(log_file)), exist_ok=True)
            handler = ServiceLogHandler(log_file)
        except OSError as error:
            problem = error
    if handler is None and sys.stderr is not None:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(FORMAT))
    for each in (handler, events):
        if each is not None:
            logger.addHandler(each)
    if problem is not None:
        logger.error("cannot write the log file %s: %s", log_file, problem)
    if isinstance(handler, ServiceLogHandler):
        # A service has none, or handles that lead nowhere.
        sys.stdin = open(os.devnull, encoding="utf-8")  # noqa: SIM115
        sys.stdout = LogWriter(STDOUT, logging.INFO)
        sys.stderr = LogWriter(STDERR, logging.ERROR)
        # At the end of a life, and for what comes after that.
        writers[:] = sys.stdout, sys.stderr
        atexit.register(end_lines)


def default_log_file(name: str, folder: str) -> str:
    """Return the log file of a service whose code is in ``folder``.

    Beside the code: who may write there can change what the service runs
    anyway, so that the file gives nobody a right that they did not have.
    """
    safe = "".join(c if c.isalnum() or c in "-_. " else "_" for c in name)
    return os.path.join(folder, "logs", f"{safe}.log")


class EventForwarder(logging.Handler):
    """Hands what belongs into the Windows event log to the handler that writes it.

    That are the events of the services' lives, warnings, errors, and records with an
    ``event_id``; of the services whose event source is registered.  Lines of print
    and of ``sys.stderr`` are the log file's alone.  The handler is imported when the
    first event is to be written: no start waits for it.
    """

    def __init__(self) -> None:
        super().__init__()
        self._services: list[str] = []
        self._writers: dict[str, logging.Handler | None] = {}

    def add(self, service: str) -> None:
        """Write for this service too; its source is looked up when needed."""
        if service not in self._services:
            self._services.append(service)

    def filter(self, record: logging.LogRecord) -> bool:
        """Tell whether it belongs there; nobody waits for the lock if not."""
        return (
            record.levelno >= logging.WARNING
            or hasattr(record, "event_id")
            or bool(getattr(record, "winsvc_event", ()))
        ) and record.name not in (STDOUT, STDERR)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record as the service that it is of, or the process's first."""
        try:
            event = getattr(record, "winsvc_event", ())
            owner = event[1] if event else record.name.removeprefix("winsvc.")
            if owner not in self._services:
                owner = self._services[0]
            if owner not in self._writers:
                self._writers[owner] = _event_writer(owner)
            writer = self._writers[owner]
            if writer is not None:
                writer.handle(record)
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)


def _event_writer(source: str) -> logging.Handler | None:
    """Return what writes as an event source, if it is registered."""
    if not is_event_source(source):
        return None
    from winsvc.eventlog import EventLogHandler

    # The log file has every record: what the event log does not take is not lost.
    return EventLogHandler(source, fallback=logging.NullHandler())


def is_event_source(source: str) -> bool:
    """Tell whether a source is registered in the Application log (G-1)."""
    if sys.platform != "win32":
        return False
    import winreg

    try:
        winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, rf"{EVENT_SOURCES}\{source}").Close()
    except OSError:
        return False
    return True


class ProcessLog:
    """Begins with the first service's start, when its START_PENDING is reported.

    Args:
        file: As :func:`start_logging` has it; empty: as the service is called.
        folder: Where ``logs`` is then.
        name: Of the service; empty for an own process, which learns it then.
    """

    def __init__(self, file: str | None, folder: str, name: str) -> None:
        self._file = file
        self._folder = folder
        self._name = name
        self._lock = threading.Lock()
        self._is_started = False
        self._events = EventForwarder()

    def start(self, index: int, host: Host) -> None:
        """Open the log, once; add the service to those that write events."""
        del index
        with self._lock:
            self._events.add(host.name)
            if not self._is_started:
                name = self._name or host.name or "service"
                file = self._file or default_log_file(name, self._folder)
                start_logging(file, self._events if os.name == "nt" else None)
                self._is_started = True

"""The Windows event log: a logging handler that writes to it, and reading it back.

A hosted service whose event source is registered needs none of this: its life and its
warnings are written by themselves (docs/event-log.md).  Imported is this module then
only once the first event is to be written, so it imports little.
"""

from __future__ import annotations

import logging
import re
import sys
from contextlib import suppress

from winsvc import TYPE_CHECKING, _native
from winsvc._native import as_service_error
from winsvc.messages import OWN_IDS, TABLE, Category, EventId, Severity, full_id

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from datetime import datetime

    from winsvc._interfaces import Capsule
    from winsvc.eventlog_reader import EventRecord

MAX_UNITS = 31_839
"""UTF-16 units of all strings of an event together, each with its end (G-5)."""
_MAX_UNITS_BEFORE_LAST = 1_000  # the last string is the long one

# What a text of Windows or the XML of an event cannot hold; lone surrogates too.
_BAD = re.compile(r"[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
# Event Viewer takes "%1" in a string for an insert, "%%1" for a parameter and "%{"
# for a name to look up, again and again (G-5; ReportEvent's page warns of it).
# There is no escape.  A space in between ends it, as .NET's WCF does it: seen, and
# copied, for what it is, unlike a character of no width.
_INSERT = re.compile(r"%(?=[0-9{])")
_CUT = "\r\n[… {} characters left out …]\r\n"


class EventLogHandler(logging.Handler):
    """Writes log records to the Windows event log.

    A record's level gives the event its type and id (docs/event-log.md); a record
    made with ``extra={"event_id": 1000}`` to 1099 has that id.  A record is written
    once to a source: the handler that a service's host has may be there too.

    Nothing is opened before the first record.  Where there is no event log (another
    system, no rights, its service does not run), a line on ``sys.stderr`` says so,
    once until it works again, and the records go to ``sys.stderr``, or where
    ``fallback`` says; no exception gets to the code that logs.

    Args:
        source: As registered; events of another one can be read, but Event Viewer
            has no texts for them (G-3).
        level: Records below it are not written.
        category: What Event Viewer shows as the task category.
        machine: Whose event log; default: this one's.
        fallback: Where a record goes that cannot be written there: a file, in UTF-8,
            or another handler, which stays the caller's, as does its level.  If that
            fails too, ``logging`` tells of it on ``sys.stderr``, with the record.

    Raises:
        ValueError: The source cannot be the name of one.

    May be used on any thread; blocks for as long as the event log's service takes.
    """

    def __init__(
        self,
        source: str,
        level: int | str = logging.NOTSET,
        *,
        category: Category = Category.LOG,
        machine: str | None = None,
        fallback: str | os.PathLike[str] | logging.Handler | None = None,
    ) -> None:
        super().__init__(level)
        self.source = check_source(source)
        self._category = Category(category)
        self._machine = machine
        self._log: Capsule | None = None
        self._is_failing = False
        self._is_falling_back = False
        self._owns_fallback = not isinstance(fallback, logging.Handler)
        self._fallback = (
            fallback if isinstance(fallback, logging.Handler) else _opened(fallback)
        )

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if self._is_falling_back:  # sys.stderr may be a logger, and come here again
            return
        if getattr(record, "event_log_source", None) == self.source:
            return
        try:
            self._write(*self._event(record))
        except Exception as error:  # noqa: BLE001 - as logging's own handlers do
            self._is_falling_back = True
            try:
                self._complain(error)
                self._fall_back(record)
            except Exception:  # noqa: BLE001 - as logging's own handlers do
                self.handleError(record)
            finally:
                self._is_falling_back = False
        else:
            record.event_log_source = self.source
            self._is_failing = False

    def close(self) -> None:
        """Close the event log; the next record opens it again."""
        self.acquire()
        try:
            self._drop()
            if self._owns_fallback:
                self._fallback.close()
        finally:
            self.release()
        super().close()

    def _event(
        self, record: logging.LogRecord
    ) -> tuple[Severity, Category, int, tuple[str, ...]]:
        """Return the severity, category, id and strings of a record's event."""
        event: tuple[str, ...] | None = getattr(record, "winsvc_event", None)
        if event:
            name, *strings = event
            code = EventId[name]
            severity, category, _ = TABLE[code]
            if record.exc_info:
                formatter = self.formatter or logging.Formatter()
                strings.append(formatter.formatException(record.exc_info))
            return severity, category, code, fit(strings)
        code = _id_of_level(record.levelno)
        severity = TABLE[code][0]
        text = self.format(record)
        own = getattr(record, "event_id", code)
        if own is not code and not (isinstance(own, int) and own in OWN_IDS):
            text += f"\n(event_id {own!r}: from {OWN_IDS[0]} to {OWN_IDS[-1]} only)"
            own = code
        return severity, self._category, own, fit([text])

    def _write(
        self,
        severity: Severity,
        category: Category,
        code: int,
        strings: tuple[str, ...],
    ) -> None:
        core = _native.require_core("write to the event log")
        number = full_id(code, severity)
        for is_last in (False, True):
            try:
                if self._log is None:
                    self._log = core.eventlog_open(self._machine, self.source)
                core.eventlog_report(
                    self._log, severity.kind, category, number, strings, None
                )
                return
            except OSError as error:
                # The service of the event log may have been started anew.
                self._drop()
                if is_last:
                    raise as_service_error(error) from None

    def _drop(self) -> None:
        log, self._log = self._log, None
        if log is not None:
            core = _native.require_core("close the event log")
            core.eventlog_close(log)

    def _fall_back(self, record: logging.LogRecord) -> None:
        if record.levelno < self._fallback.level:
            return
        self._fallback.handle(record)
        if not isinstance(self._fallback, logging.NullHandler):
            record.event_log_source = self.source  # once, wherever it went

    def _complain(self, error: Exception) -> None:
        is_first, self._is_failing = not self._is_failing, True
        # As logging itself: not when told so, and not where nobody hears it.
        if not (is_first and logging.raiseExceptions and sys.stderr):
            return
        with suppress(Exception):
            sys.stderr.write(
                f"the event log gets nothing of {self.source} for now: "
                f"{type(error).__name__}: {error}; its records go "
                f"{_place_of(self._fallback)}\n"
            )


class _ToStderr(logging.Handler):
    """Writes to what is ``sys.stderr`` at that moment, if there is one (A-14)."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write a record."""
        if sys.stderr is None:
            return
        try:
            sys.stderr.write(self.format(record) + "\n")
        except Exception:  # noqa: BLE001 - as logging's own handlers do
            self.handleError(record)


def _opened(path: str | os.PathLike[str] | None) -> logging.Handler:
    """Return what writes to a file, which is opened by the first record, or stderr."""
    from winsvc.log import FORMAT

    handler: logging.Handler = _ToStderr()
    if path is not None:
        handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    handler.setFormatter(logging.Formatter(FORMAT))
    return handler


def _place_of(fallback: logging.Handler) -> str:
    """Return where a fallback writes, behind "its records go"."""
    if isinstance(fallback, logging.FileHandler):
        return f"to {fallback.baseFilename}"
    if isinstance(fallback, _ToStderr):
        return "here"
    if isinstance(fallback, logging.NullHandler):
        return "only where its other handlers write"
    return f"to {fallback!r}"


def read(
    source: str,
    *,
    newest: int | None = None,
    since: datetime | None = None,
    follow: bool = False,
    include_scm: bool = False,
    display_name: str | None = None,
    machine: str | None = None,
) -> Iterator[EventRecord]:
    """Read a source's events, the oldest first.

    Args:
        source: As they were written: a service's key name.
        newest: Only so many, the last ones; default: all.
        since: Only those of that time and later, to the millisecond; with a time zone.
        follow: Go on for ever with those that come, looking once a second.
        include_scm: Those of the SCM about the service too (E.9).
        display_name: By which the SCM calls it in most of them; default: the source.
        machine: Whose event log; default: this one's.

    Returns:
        An iterator, which reads when it is first asked.

    Raises:
        ValueError: A name cannot be searched for, ``newest`` is below 0, or ``since``
            has no time zone.
        NoSCM: This is not Windows.
        ServiceError: While iterating; 120: this system cannot read it (H-38); 5: the
            caller may not; 1722: the event log's service does not run.

    Blocks for as long as the event log's service, or the network, takes.
    """
    from winsvc.eventlog_reader import Question, read_events

    question = Question(
        source=source,
        newest=newest,
        since=since,
        scm_names=(source, display_name or source) if include_scm else (),
    )
    core = _native.require_core("read the event log")
    return read_events(core, machine, question, follow=follow)


def message_file() -> str:
    """Return the file with the texts of our events, to register as message file.

    Raises:
        NoSCM: This is not Windows.
        ImportError: The binary is not built.
    """
    return str(vars(_native.require_core("find the event messages"))["__file__"])


def check_source(source: str) -> str:
    """Return a source, or raise ValueError: it is a registry key's name (G-1)."""
    if not 1 <= len(source) <= 255 or "\\" in source or _BAD.search(source):
        msg = f"{source!r} is no event source: 1 to 255 characters, no \\"
        raise ValueError(msg)
    return source


def fit(texts: list[str]) -> tuple[str, ...]:
    """Return texts as strings that an event can have, cut where they are too long."""
    *first, last = map(_clean, texts)
    first = [_cut(text, _MAX_UNITS_BEFORE_LAST) for text in first]
    room = MAX_UNITS - 1 - sum(_units(text) + 1 for text in first)
    return (*first, _cut(last, room))


def _clean(text: str) -> str:
    text = _INSERT.sub("% ", _BAD.sub("\N{REPLACEMENT CHARACTER}", text))
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def _cut(text: str, most: int) -> str:
    """Leave the middle out: a traceback's end says what, its begin where from."""
    size = _units(text)
    if size <= most:
        return text
    keep = most - len(_CUT.format(size))
    data = text.encode("utf-16-le")
    half = keep // 2
    # A pair of surrogates that is cut through is ignored by half.
    begin = data[: 2 * half].decode("utf-16-le", "ignore")
    end = data[-2 * (keep - half) :].decode("utf-16-le", "ignore")
    return begin + _CUT.format(size - keep) + end


def _units(text: str) -> int:
    return len(text.encode("utf-16-le")) // 2


def _id_of_level(level: int) -> EventId:
    if level >= logging.CRITICAL:
        return EventId.LOG_CRITICAL
    if level >= logging.ERROR:
        return EventId.LOG_ERROR
    if level >= logging.WARNING:
        return EventId.LOG_WARNING
    return EventId.LOG_INFORMATION

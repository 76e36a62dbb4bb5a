"""Writing to the event log, on a native module that is not there."""

from __future__ import annotations

import io
import logging
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from winsvc import _native, eventlog
from winsvc import log as winsvc_log
from winsvc.eventlog import MAX_UNITS, EventLogHandler, check_source, fit
from winsvc.log import EventForwarder
from winsvc.messages import Category, EventId, Severity, full_id

Report = tuple[str, int, int, int, tuple[str, ...]]


class FakeCore:
    """The event log's functions: keeps what is reported, fails when told."""

    def __init__(self) -> None:
        self.reports: list[Report] = []
        self.opened: list[tuple[str | None, str]] = []
        self.closed = 0
        self.errors: list[int] = []
        self.on_report: Any = None

    def eventlog_open(self, machine: str | None, source: str) -> list[str]:
        self.opened.append((machine, source))
        return [source]

    def eventlog_report(
        self,
        log: list[str],
        kind: int,
        category: int,
        number: int,
        strings: tuple[str, ...],
        data: bytes | None,
    ) -> None:
        assert data is None
        assert log, "it is closed"
        if self.on_report is not None:
            self.on_report()
        if self.errors:
            error = OSError(self.errors[0], "write to the event log (ReportEvent)")
            error.winerror = self.errors.pop(0)  # type: ignore[attr-defined]
            raise error
        self.reports.append((log[0], kind, category, number, strings))

    def eventlog_close(self, log: list[str]) -> None:
        log.clear()
        self.closed += 1


@pytest.fixture
def core(monkeypatch: pytest.MonkeyPatch) -> FakeCore:
    """A binary in place of ``_core``."""
    core = FakeCore()
    monkeypatch.setattr(_native, "require_core", lambda operation: core)
    return core


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """A logger of nobody."""
    logger = logging.Logger("app")
    yield logger
    for handler in logger.handlers:
        handler.close()


# --- levels, ids, categories --------------------------------------------------------


@pytest.mark.parametrize(
    ("level", "kind", "event"),
    [
        (logging.DEBUG, 4, EventId.LOG_INFORMATION),
        (logging.INFO, 4, EventId.LOG_INFORMATION),
        (25, 4, EventId.LOG_INFORMATION),
        (logging.WARNING, 2, EventId.LOG_WARNING),
        (logging.ERROR, 1, EventId.LOG_ERROR),
        (logging.CRITICAL, 1, EventId.LOG_CRITICAL),
    ],
)
def test_level_gives_type_and_id(
    core: FakeCore, logger: logging.Logger, level: int, kind: int, event: EventId
) -> None:
    """G-4, G-5: the two must say the same."""
    logger.addHandler(EventLogHandler("App"))
    logger.log(level, "text %d", 1)
    severity = {4: Severity.INFORMATION, 2: Severity.WARNING, 1: Severity.ERROR}[kind]

    assert core.reports == [("App", kind, 2, full_id(event, severity), ("text 1",))]


def test_record_may_have_an_id_of_its_own(
    core: FakeCore, logger: logging.Logger
) -> None:
    """With the severity of its level: the text is found by all 32 bits."""
    logger.addHandler(EventLogHandler("App", category=Category.SERVICE))
    logger.warning("x", extra={"event_id": 1000})
    logger.error("y", extra={"event_id": 1099})

    assert core.reports == [
        ("App", 2, 1, full_id(1000, Severity.WARNING), ("x",)),
        ("App", 1, 1, full_id(1099, Severity.ERROR), ("y",)),
    ]


@pytest.mark.parametrize("number", [0, 10, 999, 1100, 1 << 31, "1000", None])
def test_id_that_has_no_text_is_not_taken(
    core: FakeCore, logger: logging.Logger, number: object
) -> None:
    """The record is not lost for it, and says what is wrong."""
    logger.addHandler(EventLogHandler("App"))
    logger.warning("x", extra={"event_id": number})
    ((_, _, _, event, (text,)),) = core.reports

    assert event == full_id(EventId.LOG_WARNING, Severity.WARNING)
    assert text == f"x\r\n(event_id {number!r}: from 1000 to 1099 only)"


def test_life_event_has_its_strings_and_the_traceback(
    core: FakeCore, logger: logging.Logger
) -> None:
    """As the host logs them."""
    logger.addHandler(EventLogHandler("App"))
    try:
        raise ValueError("no")
    except ValueError:
        event = ("RUN_FAILED", "Svc", "failed in run", "64003")
        logger.exception("a line", extra={"winsvc_event": event})
    ((_, kind, category, number, strings),) = core.reports

    assert (kind, category) == (1, Category.SERVICE)
    assert number == full_id(EventId.RUN_FAILED, Severity.ERROR)
    assert strings[:3] == event[1:]
    assert strings[3].startswith("Traceback (most recent call last):\r\n")
    assert strings[3].endswith("ValueError: no")


def test_exception_is_in_the_text(core: FakeCore, logger: logging.Logger) -> None:
    """As in any handler; a formatter of the user's counts."""
    handler = EventLogHandler("App")
    handler.setFormatter(logging.Formatter("<%(levelname)s> %(message)s"))
    logger.addHandler(handler)
    try:
        raise ValueError("no")
    except ValueError:
        logger.exception("it failed")
    ((_, _, _, _, (text,)),) = core.reports

    assert text.startswith("<ERROR> it failed\r\nTraceback")
    assert text.endswith("ValueError: no")


# --- strings ------------------------------------------------------------------------


def units(strings: tuple[str, ...]) -> int:
    """Return how long the strings are together, with their ends."""
    return sum(len(text.encode("utf-16-le")) // 2 + 1 for text in strings)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("100% sure", "100% sure"),
        ("%1", "% 1"),
        ("%%1 %%%2", "%% 1 %%% 2"),
        ("fe80::1%12", "fe80::1% 12"),
        ("a%20b%", "a% 20b%"),
        ("%{S-1-5-18}", "% {S-1-5-18}"),
        ("%n %s %%", "%n %s %%"),
        ("a\0b\x1bc", "a\ufffdb\ufffdc"),
        ("\ud800 \udfff \U0001f40d", "\ufffd \ufffd \U0001f40d"),
        ("\ufffe\uffff", "\ufffd\ufffd"),
        ("a\nb\r\nc\r", "a\r\nb\r\nc\r"),
        ("", ""),
        ("tab\täöü", "tab\täöü"),
    ],
)
def test_text_becomes_what_an_event_can_hold(text: str, expected: str) -> None:
    """G-5: no inserts in inserts; no NUL, nothing that XML lacks."""
    assert fit([text]) == (expected,)


@pytest.mark.parametrize("text", ["x", "\U0001f40d", "x\U0001f40d", "%1", "\n"])
@pytest.mark.parametrize("size", [32_000, 31_999, 50_001, 200_000])
def test_long_text_is_cut_in_its_middle(text: str, size: int) -> None:
    """31839 UTF-16 units with its end, no pair of surrogates cut through (G-5)."""
    whole = fit(["begin" + text * size + "end"])
    (string,) = whole
    string.encode("utf-16-le")  # raises for half of a pair

    assert MAX_UNITS - 10 < units(whole) <= MAX_UNITS
    assert string.startswith("begin")
    assert string.endswith("end")
    assert "characters left out" in string


def test_text_that_just_fits_is_not_cut() -> None:
    """And one unit more is."""
    assert fit(["x" * (MAX_UNITS - 1)]) == ("x" * (MAX_UNITS - 1),)
    assert fit(["x" * MAX_UNITS]) != ("x" * MAX_UNITS,)


def test_strings_of_an_event_share_the_room() -> None:
    """The last one is the long one."""
    strings = fit(["n" * 5000, "short", "t" * 100_000])

    assert units(strings) <= MAX_UNITS
    assert strings[1] == "short"
    assert units(strings[:1]) == 1001
    assert "left out" in strings[0]
    assert "left out" in strings[2]


def test_what_is_left_out_is_counted() -> None:
    """The numbers add up."""
    (string,) = fit(["x" * 100_000])
    before, note, after = string.partition("[…")
    number, _, rest = after.partition(" characters left out …]")

    assert note
    assert before.count("x") + rest.count("x") + int(number) == 100_000


@pytest.mark.parametrize("source", ["", "a\\b", "a\0b", "x" * 256, "\ud800"])
def test_name_that_no_source_can_have_is_refused(source: str) -> None:
    """G-1."""
    with pytest.raises(ValueError, match="no event source"):
        EventLogHandler(source)
    assert check_source("My Service é") == "My Service é"


# --- failures -----------------------------------------------------------------------


def test_source_is_opened_when_first_needed(
    core: FakeCore, logger: logging.Logger
) -> None:
    """And again after close()."""
    handler = EventLogHandler("App", machine="other")
    logger.addHandler(handler)
    assert core.opened == []
    logger.info("1")
    logger.info("2")
    assert core.opened == [("other", "App")]
    handler.close()
    handler.close()
    logger.info("3")

    assert core.opened == [("other", "App")] * 2
    assert core.closed == 1
    assert len(core.reports) == 3


def test_new_handle_is_tried_once(
    core: FakeCore, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """The event log's service may have been started anew (1722)."""
    logger.addHandler(EventLogHandler("App"))
    core.errors = [1722]
    logger.info("text")

    assert [report[-1] for report in core.reports] == [("text",)]
    assert len(core.opened) == 2
    assert core.closed == 1
    assert capsys.readouterr().err == ""


def test_failure_is_told_once_until_it_works(
    core: FakeCore, logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """One clear line, and each record; nothing is raised."""
    logger.addHandler(EventLogHandler("App"))
    core.errors = [5] * 6
    for number in range(5):
        logger.warning("text %d", number)
    lines = capsys.readouterr().err.splitlines()

    assert len(lines) == 4
    assert "gets nothing of App" in lines[0]
    assert "ERROR_ACCESS_DENIED" in lines[0]
    assert lines[0].endswith("its records go here")
    assert [line.rpartition("] ")[2] for line in lines[1:]] == [
        *("text 0", "text 1", "text 2")
    ]
    assert all(" WARNING app [" in line for line in lines[1:])
    assert [report[-1] for report in core.reports] == [("text 3",), ("text 4",)]
    core.errors = [1502] * 2
    logger.warning("again")
    assert "1502" in capsys.readouterr().err


def test_no_complaint_where_nobody_hears_it(
    core: FakeCore, logger: logging.Logger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A service's process may have no stderr (A-14)."""
    monkeypatch.setattr(sys, "stderr", None)
    logger.addHandler(EventLogHandler("App"))
    core.errors = [5, 5]
    logger.warning("text")

    assert core.reports == []


def test_complaint_does_not_come_round_again(
    core: FakeCore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """sys.stderr of a service is a logger, whose records may come here as well."""
    logger = logging.getLogger("winsvc.stderr")
    handler = EventLogHandler("App")
    logger.addHandler(handler)
    monkeypatch.setattr(sys, "stderr", winsvc_log.LogWriter(logger.name, 40))
    core.errors = [5] * 100
    try:
        logger.warning("text")
    finally:
        logger.removeHandler(handler)

    # Two tries of the text, none of the complaint.
    assert len(core.errors) == 98


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A system without an event log."""
    monkeypatch.setattr("os.name", "posix")


@pytest.mark.usefixtures("nowhere")
def test_without_an_event_log_records_go_to_stderr(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """A program that has the handler runs anywhere, and loses nothing."""
    logger.addHandler(EventLogHandler("App", level=logging.WARNING))
    logger.warning("text %d", 1)
    logger.info("too low")
    try:
        raise KeyError("gone")
    except KeyError:
        logger.exception("text %d", 2)
    complaint, first, second, *traceback = capsys.readouterr().err.splitlines()

    assert "NoSCM" in complaint
    assert first.endswith("] text 1")
    assert second.endswith("] text 2")
    assert traceback[-1] == "KeyError: 'gone'"


@pytest.mark.usefixtures("nowhere")
def test_without_an_event_log_records_go_to_a_file(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Or wherever another handler writes, which is not ours to close."""
    path = tmp_path / "fallback.log"
    logger.addHandler(EventLogHandler("App", fallback=path))
    kept = logging.StreamHandler(io.StringIO())
    other = EventLogHandler("Other", fallback=kept)
    logger.addHandler(other)
    assert not path.exists()
    logger.info("ärger 1")
    logger.info("text 2")
    err = capsys.readouterr().err
    for handler in logger.handlers:
        handler.close()

    lines = path.read_text(encoding="utf-8").splitlines()
    assert [line.rpartition("] ")[2] for line in lines] == ["ärger 1", "text 2"]
    assert kept.stream.getvalue() == "ärger 1\ntext 2\n"
    assert f"its records go to {path}\n" in err
    assert "text 2" not in err


@pytest.mark.usefixtures("nowhere")
def test_fallback_that_fails_too_raises_nothing(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """A file that cannot be opened, or a handler of the caller's: stderr tells."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            raise LookupError("broken fallback")

    file = tmp_path / "no such folder" / "x.log"
    for fallback, error in ((file, "FileNotFoundError"), (Broken(), "LookupError")):
        handler = EventLogHandler("App", fallback=fallback)
        logger.addHandler(handler)
        logger.info("text %d", 1)
        logger.removeHandler(handler)
        err = capsys.readouterr().err

        assert error in err
        assert "text %d" in err


@pytest.mark.usefixtures("nowhere")
def test_fallback_has_a_level_of_its_own(logger: logging.Logger) -> None:
    """As any handler has: what is below does not go there, nor count as written."""
    kept = logging.StreamHandler(io.StringIO())
    kept.setLevel(logging.ERROR)
    everything = logging.StreamHandler(io.StringIO())
    logger.addHandler(EventLogHandler("App", fallback=kept))
    logger.addHandler(EventLogHandler("App", fallback=everything))
    logger.info("low")
    logger.error("high")

    assert kept.stream.getvalue() == "high\n"
    assert everything.stream.getvalue() == "low\n"


@pytest.mark.usefixtures("nowhere")
def test_record_that_two_handlers_see_falls_back_once(
    logger: logging.Logger, capsys: pytest.CaptureFixture[str]
) -> None:
    """As it is written once to a source."""
    logger.addHandler(EventLogHandler("App"))
    logger.addHandler(EventLogHandler("App"))
    logger.info("text")

    assert capsys.readouterr().err.count("] text") == 1


def test_service_with_a_log_file_needs_no_fallback(
    core: FakeCore, forwarder: EventForwarder, capsys: pytest.CaptureFixture[str]
) -> None:
    """Its file has the record: what it writes to stderr would be there twice."""
    forwarder.add("Svc")
    core.errors = [5, 5]
    logging.getLogger("winsvc.Svc").warning("text")
    err = capsys.readouterr().err

    assert "gets nothing of Svc" in err
    assert "text" not in err


def test_any_thread_may_write(core: FakeCore, logger: logging.Logger) -> None:
    """The source is opened once."""
    logger.addHandler(EventLogHandler("App"))
    threads = [
        threading.Thread(target=lambda: [logger.info("x") for _ in range(50)])
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(core.reports) == 400
    assert len(core.opened) == 1


def test_record_is_written_once_to_a_source(
    core: FakeCore, logger: logging.Logger
) -> None:
    """The host's handler and one of the user's at the root see the same record."""
    for source in ("App", "App", "Other"):
        logger.addHandler(EventLogHandler(source))
    logger.info("text")

    assert [report[0] for report in core.reports] == ["App", "Other"]


# --- what a hosted service sends there ----------------------------------------------


@pytest.fixture
def forwarder(
    monkeypatch: pytest.MonkeyPatch, core: FakeCore
) -> Iterator[EventForwarder]:
    """At the ``winsvc`` logger; "Svc" and "Two" are registered, "No" is not."""
    sources = {"Svc", "Two"}
    looked_up: list[str] = []

    def is_event_source(source: str) -> bool:
        looked_up.append(source)
        return source in sources

    monkeypatch.setattr(winsvc_log, "is_event_source", is_event_source)
    forwarder = EventForwarder()
    forwarder.looked_up = looked_up  # type: ignore[attr-defined]
    logger = logging.getLogger("winsvc")
    level = logger.level
    logger.setLevel(logging.DEBUG)
    logger.addHandler(forwarder)
    yield forwarder
    logger.removeHandler(forwarder)
    logger.setLevel(level)


def test_warnings_and_life_go_there(core: FakeCore, forwarder: EventForwarder) -> None:
    """Not what is below, and not the lines of print and stderr."""
    forwarder.add("Svc")
    log = logging.getLogger("winsvc.Svc")
    log.info("no")
    logging.getLogger(winsvc_log.STDERR).error("no")
    logging.getLogger(winsvc_log.STDOUT).warning("no")
    log.warning("yes 1")
    log.info("yes 2", extra={"event_id": 1001})
    event = ("STARTED", "Svc", "not known")
    logging.getLogger("winsvc.host").info("yes 3", extra={"winsvc_event": event})
    logging.getLogger("winsvc.host").info("no", extra={"winsvc_event": ()})

    assert [report[-1] for report in core.reports] == [
        ("yes 1",),
        ("yes 2",),
        ("Svc", "not known"),
    ]


def test_source_is_looked_up_once_and_only_when_needed(
    core: FakeCore, forwarder: EventForwarder
) -> None:
    """RUNNING does not wait for the registry."""
    forwarder.add("No")
    logging.getLogger("winsvc.No").info("nothing")
    looked_up = forwarder.looked_up  # type: ignore[attr-defined]
    assert looked_up == []
    for _ in range(3):
        logging.getLogger("winsvc.No").error("text")

    assert looked_up == ["No"]
    assert core.opened == []


def test_services_of_a_process_write_as_themselves(
    core: FakeCore, forwarder: EventForwarder
) -> None:
    """Their loggers, and the events of their lives; the rest is the first one's."""
    for name in ("Svc", "Two", "No", "Svc"):
        forwarder.add(name)
    for logger in ("winsvc.Svc", "winsvc.Two", "winsvc.No", "winsvc.host", "winsvc"):
        logging.getLogger(logger).warning("%s", logger)
    for name in ("Two", "No"):
        event = ("STOPPED", name, "itself", "0")
        logging.getLogger("winsvc.host").info("", extra={"winsvc_event": event})

    assert [(report[0], report[-1][0]) for report in core.reports] == [
        ("Svc", "winsvc.Svc"),
        ("Two", "winsvc.Two"),
        ("Svc", "winsvc.host"),
        ("Svc", "winsvc"),
        ("Two", "Two"),
    ]


def test_broken_forwarder_raises_nothing(
    core: FakeCore,
    forwarder: EventForwarder,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """As logging's own handlers."""
    monkeypatch.setitem(sys.modules, "winsvc.eventlog", None)
    forwarder.add("Svc")
    logging.getLogger("winsvc.Svc").error("text")

    assert "ModuleNotFoundError" in capsys.readouterr().err


def test_reading_needs_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Said when asked, not while iterating."""
    monkeypatch.setattr("os.name", "posix")
    with pytest.raises(OSError, match="no SCM"):
        eventlog.read("Svc")

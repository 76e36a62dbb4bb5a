"""The event log on a real Windows API: Windows's, or Wine's (H-38)."""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterator
from ctypes import wintypes
from pathlib import Path
from typing import Any

import pytest
from lab import Installed, Lab, eventually, on_wine

from winsvc import _native, eventlog
from winsvc.errors import ServiceError
from winsvc.log import EVENT_SOURCES, is_event_source
from winsvc.messages import Severity, all_texts, full_id, text_of
from winsvc.states import State

if sys.platform == "win32":
    import winreg

HERE = Path(__file__).resolve().parent
LOAD_LIBRARY_AS_DATAFILE = 0x2
FORMAT_MESSAGE_FROM_HMODULE = 0x800
FORMAT_MESSAGE_ARGUMENT_ARRAY = 0x2000
ERROR_INVALID_HANDLE = 6
ERROR_CALL_NOT_IMPLEMENTED = 120
# 16-bit kinds (G-5)
ERROR_TYPE = 1

reads_nothing = pytest.mark.skipif(
    on_wine(), reason="H-38: nothing can be read back on Wine"
)


@pytest.fixture
def source() -> Iterator[str]:
    """A source that is registered, as install does it (G-1, G-2)."""
    name = f"winsvc test events {threading.get_native_id()}"
    register(name)
    yield name
    winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, rf"{EVENT_SOURCES}\{name}")


def register(name: str) -> None:
    """Write the source's key."""
    with winreg.CreateKey(winreg.HKEY_LOCAL_MACHINE, rf"{EVENT_SOURCES}\{name}") as key:
        file = eventlog.message_file()
        winreg.SetValueEx(key, "EventMessageFile", 0, winreg.REG_EXPAND_SZ, file)
        winreg.SetValueEx(key, "TypesSupported", 0, winreg.REG_DWORD, 7)


class MessageFile:
    """The binary, loaded as Event Viewer does it: as data."""

    def __init__(self) -> None:
        self._kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)
        self._kernel32.LoadLibraryExW.restype = wintypes.HMODULE
        self._kernel32.FormatMessageW.argtypes = [
            wintypes.DWORD,
            wintypes.HMODULE,
            wintypes.DWORD,
            wintypes.DWORD,
            wintypes.LPWSTR,
            wintypes.DWORD,
            ctypes.c_void_p,
        ]
        self._module = self._kernel32.LoadLibraryExW(
            eventlog.message_file(), None, LOAD_LIBRARY_AS_DATAFILE
        )
        assert self._module, ctypes.get_last_error()

    def format(self, number: int, strings: tuple[str, ...], language: int = 0) -> str:
        """Return a message with its strings."""
        buffer = ctypes.create_unicode_buffer(1000)
        inserts = (wintypes.LPCWSTR * len(strings))(*strings)
        size = self._kernel32.FormatMessageW(
            FORMAT_MESSAGE_FROM_HMODULE | FORMAT_MESSAGE_ARGUMENT_ARRAY,
            self._module,
            number,
            language,
            buffer,
            len(buffer),
            inserts,
        )
        assert size, (hex(number), ctypes.get_last_error())
        return buffer.value

    def close(self) -> None:
        """Let go of the file."""
        self._kernel32.FreeLibrary.argtypes = [wintypes.HMODULE]
        self._kernel32.FreeLibrary(self._module)


@pytest.fixture
def message_file() -> Iterator[MessageFile]:
    """The message file of our events."""
    file = MessageFile()
    yield file
    file.close()


def test_every_id_has_its_text(message_file: MessageFile) -> None:
    """The whole 32 bits are looked up (G-4); our own formatting says the same."""
    strings = ("one", "two", "three", "four")
    for number in all_texts():
        found = message_file.format(number, strings)
        expected = text_of(number, strings)

        assert expected is not None
        assert found == expected.replace("\n", "\r\n") + "\r\n", hex(number)


def test_language_of_the_user_does_not_matter(message_file: MessageFile) -> None:
    """Who asks in English gets it too."""
    number = full_id(1000, Severity.WARNING)

    assert message_file.format(number, ("text",), 0x409) == "text\r\n"


def test_events_are_written(source: str, caplog: pytest.LogCaptureFixture) -> None:
    """Every level, from several threads, whatever is in them; nobody complains."""
    handler = eventlog.EventLogHandler(source)
    logger = logging.Logger("events")
    logger.addHandler(handler)
    texts = ["plain", "100 %1 %%2 %{x}", "a\0b\ud800", "x" * 100_000, "\U0001f40d" * 99]

    def write() -> None:
        for text in texts:
            for level in (10, 20, 30, 40, 50):
                logger.log(level, "%s", text)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    failing = handler._is_failing
    handler.close()
    logger.info("after it was closed, it is opened again")
    again = handler._log
    handler.close()

    assert not failing
    assert again is not None
    assert handler._log is None


def test_closed_log_answers_6() -> None:
    """As any handle; closing again does nothing, and so does losing it."""
    core = _native.require_core("test")
    log = core.eventlog_open(None, "winsvc test")
    core.eventlog_report(log, ERROR_TYPE, 0, 1, ("text",), b"data")
    core.eventlog_close(log)
    core.eventlog_close(log)
    with pytest.raises(OSError, match="ReportEvent") as caught:
        core.eventlog_report(log, ERROR_TYPE, 0, 1, (), None)
    assert caught.value.winerror == ERROR_INVALID_HANDLE
    del log
    core.eventlog_open(None, "winsvc test")
    gc.collect()


@pytest.mark.parametrize(
    "strings", [("x",) * 257, ("a\0b",), (1,)], ids=["many", "NUL", "no text"]
)
def test_what_no_event_can_have_is_refused(strings: tuple[str, ...]) -> None:
    """Before the event log is asked."""
    core = _native.require_core("test")
    log = core.eventlog_open(None, "winsvc test")

    with pytest.raises((ValueError, TypeError)):
        core.eventlog_report(log, ERROR_TYPE, 0, 1, strings, None)


def test_reading_where_it_cannot_be_read() -> None:
    """H-38: a plain error, not a crash; Windows reads."""
    events = eventlog.read("winsvc no such source", newest=1, include_scm=True)
    if not on_wine():
        assert [event for event in events if event.channel == "Application"] == []
        return
    with pytest.raises(ServiceError) as caught:
        next(events)
    assert caught.value.winerror == ERROR_CALL_NOT_IMPLEMENTED


@pytest.mark.skipif(not on_wine(), reason="H-38: Windows would ask the network")
def test_reading_elsewhere_where_it_cannot_be_read() -> None:
    """The session to another computer is the first that cannot be had."""
    with pytest.raises(ServiceError) as caught:
        next(eventlog.read("source", machine="nowhere"))
    assert caught.value.winerror == ERROR_CALL_NOT_IMPLEMENTED


@pytest.mark.skipif(not on_wine(), reason="H-38: Windows reads its own event log")
def test_reading_of_made_up_events(tool: Callable[..., Any]) -> None:
    """The C code on functions of our own: answers, errors, buffers, memory."""
    program = os.path.join(os.environ["WINSVC_TEST_BIN"], "eventquery.exe")
    done = tool(program)

    assert (done.stdout.strip(), done.returncode) == ("ok", 0)


@reads_nothing
def test_what_is_written_can_be_read(source: str) -> None:
    """Type, id, strings and message."""
    handler = eventlog.EventLogHandler(source)
    logger = logging.Logger("events")
    logger.addHandler(handler)
    logger.warning("first %s", "%1")
    logger.error("second", extra={"event_id": 1001})
    handler.close()
    eventually(lambda: len(list(eventlog.read(source))) == 2, "both are there")
    first, second = eventlog.read(source)

    assert (first.event_id, first.level, first.message) == (2, 3, "first % 1")
    assert (second.event_id, second.level, second.strings) == (1001, 2, ("second",))
    assert list(eventlog.read(source, newest=1)) == [second]


@reads_nothing
def test_unknown_log_is_an_error() -> None:
    """15007, ERROR_EVT_CHANNEL_NOT_FOUND; 15001, ERROR_EVT_INVALID_QUERY."""
    core = _native.require_core("test")
    for channel, xpath, code in (
        ("winsvc no such log", "*", 15007),
        ("Application", "*[", 15001),
    ):
        with pytest.raises(OSError, match="EvtQuery") as caught:
            core.eventlog_query(None, channel, xpath, False, 1)
        assert caught.value.winerror == code


def test_registered_source_is_found(source: str) -> None:
    """The key alone counts."""
    assert is_event_source(source)
    assert not is_event_source(source + " not")


# --- a hosted service ---------------------------------------------------------------


@pytest.fixture
def told(lab: Lab) -> Iterator[Lab]:
    """A lab whose services have event sources, of which nothing is left."""
    names: list[str] = []
    unique = lab.unique

    def registered(stem: str) -> str:
        names.append(unique(stem))
        register(names[-1])
        return names[-1]

    lab.unique = registered  # type: ignore[method-assign]
    yield lab
    for name in names:
        winreg.DeleteKey(winreg.HKEY_LOCAL_MACHINE, rf"{EVENT_SOURCES}\{name}")


def reported(service: Installed) -> list[str]:
    """Return the events that the service's process has handed to ReportEvent."""
    lines = service.log.splitlines()
    return [line.partition(" REPORTED ")[2] for line in lines if " REPORTED " in line]


def hosted(lab: Lab, cls: str, log_name: str, *, file: Path | None = None) -> Installed:
    """Install a service whose process says what it hands to ReportEvent."""
    log_file = lab.folder / log_name
    host = HERE / "event_log_host.py"
    target = f"{file or host}:{cls}"
    command = (sys.executable, "-P", str(host), str(log_file), target)
    service = lab.install(cls, command=command)
    service._log_file = log_file
    return service


def test_life_of_a_service_is_in_the_event_log(told: Lab) -> None:
    """Start, warnings, a thread's failure, stop; neither INFO nor print."""
    service = hosted(told, "Talker", "talker.log")
    service.start()
    eventually(lambda: len(reported(service)) == 4, "it has said what it has to")
    service.stop()
    # STOPPED waits 2 s for it, no longer.
    eventually(lambda: len(reported(service)) > 4, "its end")

    # D.6: Wine does not tell.
    reason = "not known" if on_wine() else "DEMAND"
    failure = "ValueError: in a thread|Traceback (most recent call last):"
    assert reported(service) == [
        f"4 1 {full_id(10, Severity.INFORMATION):#x} {service.name}|{reason}",
        f"2 2 {full_id(2, Severity.WARNING):#x} a warning",
        f"4 2 {full_id(1007, Severity.INFORMATION):#x} its own",
        f"1 1 {full_id(26, Severity.ERROR):#x} {service.name}|{failure}",
        f"4 1 {full_id(11, Severity.INFORMATION):#x} {service.name}|the control STOP|0",
    ]
    assert "WARNING winsvc." in service.log


def test_failed_import_is_in_the_event_log(told: Lab) -> None:
    """Before RUNNING, with its traceback."""
    service = hosted(told, "Nothing", "broken.log", file=HERE / "broken.py")
    service.handle.start()
    status = service.reach(State.STOPPED)

    eventually(
        lambda: len(reported(service)) > 1, "its end, for which STOPPED waits 2 s"
    )
    number = full_id(20, Severity.ERROR)
    first, last = reported(service)
    assert status.service_exit_code == 64001
    assert first.startswith(f"1 1 {number:#x} {service.name}|could not be loaded|64001")
    assert last.endswith("|a failure|64001")


def test_service_without_a_source_writes_no_events(lab: Lab) -> None:
    """And does not import what would write them."""
    service = hosted(lab, "Talker", "silent.log")
    service.start()
    eventually(lambda: "a warning" in service.log, "it has said what it has to")
    service.stop()

    assert reported(service) == []
    assert "imported winsvc.eventlog: False" in service.log

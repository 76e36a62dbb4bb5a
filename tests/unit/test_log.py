"""The log file of a hosted service."""

from __future__ import annotations

import faulthandler
import io
import logging
import os
import re
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from winsvc import log
from winsvc.log_life import end_lines, writers


@pytest.fixture
def logger() -> Iterator[logging.Logger]:
    """The winsvc logger; its handlers, sys's streams and faulthandler come back."""
    logger = logging.getLogger("winsvc")
    streams = sys.stdin, sys.stdout, sys.stderr
    was_enabled = faulthandler.is_enabled()
    yield logger
    if sys.stdin is not streams[0]:
        sys.stdin.close()
    sys.stdin, sys.stdout, sys.stderr = streams
    writers.clear()
    for handler in list(logger.handlers):
        logger.removeHandler(handler)
        handler.close()
    logger.setLevel(logging.NOTSET)
    if was_enabled and sys.__stderr__ is not None:
        faulthandler.enable(sys.__stderr__)


def test_prints_and_records_go_to_the_file(
    logger: logging.Logger, tmp_path: Path
) -> None:
    """The folder is made; print, stderr and loggers are there; a crash will be."""
    file = tmp_path / "new" / "ö.log"
    log.start_logging(str(file))
    print("printed ä")
    print("error", file=sys.stderr)
    logger.info("logged")
    text = file.read_text(encoding="utf-8")

    assert "winsvc.stdout" in text
    assert "printed ä" in text
    assert "ERROR winsvc.stderr" in text
    assert "logged" in text
    assert faulthandler.is_enabled()
    assert sys.stdin.read() == ""


def test_unfinished_lines_are_logged_when_there_is_no_more(
    logger: logging.Logger, tmp_path: Path
) -> None:
    """Once, whole, and each thread's for itself; flush ends no line."""
    file = tmp_path / "x.log"
    log.start_logging(str(file))

    def lines() -> list[str]:
        text = file.read_text(encoding="utf-8")
        return [line.partition("] ")[2] for line in text.splitlines()]

    def in_thread(text: str) -> None:
        thread = threading.Thread(target=print, args=(text,), kwargs={"end": ""})
        thread.start()
        thread.join()

    print("one, ", end="", flush=True)
    in_thread("of a thread")
    assert lines() == []
    in_thread("of another")  # the first has ended: nothing more comes of it
    assert lines() == ["of a thread"]
    print("two", end="")
    print("error", end="", file=sys.stderr)
    end_lines()
    end_lines()
    print("three")

    assert lines() == ["of a thread", "of another", "one, two", "error", "three"]


def test_line_is_begun_while_others_are_looked_at(
    logger: logging.Logger, tmp_path: Path
) -> None:
    """Threads begin theirs at any time: print never fails for that, none is lost."""
    file = tmp_path / "x.log"
    log.start_logging(str(file))

    def in_thread(kind: type[threading.Thread], text: str) -> None:
        thread = kind(target=print, args=(text,), kwargs={"end": ""})
        thread.start()
        thread.join()

    class Meddling(threading.Thread):
        is_next = False

        def is_alive(self) -> bool:
            if self.is_next:
                Meddling.is_next = False
                in_thread(threading.Thread, "begun meanwhile")
            return super().is_alive()

    in_thread(Meddling, "begun before")
    Meddling.is_next = True
    print("main's", end="")
    end_lines()
    lines = file.read_text(encoding="utf-8").splitlines()

    assert not Meddling.is_next
    assert sorted(line.partition("] ")[2] for line in lines) == [
        "begun before",
        "begun meanwhile",
        "main's",
    ]


def test_file_that_cannot_be_opened_leaves_stderr(
    logger: logging.Logger, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The service runs all the same, and what is wrong is said."""
    (tmp_path / "file").write_text("")
    log.start_logging(str(tmp_path / "file" / "x.log"))
    logger.info("logged")

    told = capsys.readouterr().err
    assert "cannot write the log file" in told
    assert "logged" in told


@pytest.mark.parametrize("fails", [False, True], ids=["free", "open elsewhere"])
def test_full_file_is_rotated_or_goes_on(
    logger: logging.Logger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    fails: bool,
) -> None:
    """No line is lost, and faulthandler writes to the file that is open."""
    monkeypatch.setattr(log, "MAX_BYTES", 2000)
    file = tmp_path / "x.log"
    log.start_logging(str(file))
    if fails:

        def refuse(*args: object) -> None:
            raise PermissionError(13, "another process has it open")

        monkeypatch.setattr(os, "replace", refuse)
    for number in range(60):
        logger.info("line %d.", number)
    files = sorted(tmp_path.glob("x.log*"))
    text = "".join(each.read_text(encoding="utf-8") for each in files)

    assert all(f"line {number}." in text for number in range(60))
    assert (len(files) == 1) is fails
    assert faulthandler.is_enabled()


def test_three_old_files_are_kept(
    logger: logging.Logger, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The oldest lines are in the last; an older file is gone."""
    monkeypatch.setattr(log, "MAX_BYTES", 300)
    log.start_logging(str(tmp_path / "x.log"))
    for number in range(100, 140):
        logger.info("line %d.", number)
    names = ["x.log.3", "x.log.2", "x.log.1", "x.log"]
    kept = [(tmp_path / name).read_text(encoding="utf-8") for name in names]
    lines = re.findall(r"line (\d+)\.", "".join(kept))

    assert sorted(file.name for file in tmp_path.iterdir()) == sorted(names)
    assert lines == [str(number) for number in range(140 - len(lines), 140)]
    assert all(200 < len(text) < 500 for text in kept[:-1])


def test_log_goes_on_when_a_new_file_cannot_be_opened(
    logger: logging.Logger,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Records are lost only as long as that lasts."""
    monkeypatch.setattr(log, "MAX_BYTES", 300)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    file = tmp_path / "x.log"
    log.start_logging(str(file))
    (handler,) = logger.handlers

    def refuse() -> None:
        raise PermissionError(13, "not now")

    logger.info("x" * 300)
    with monkeypatch.context() as patch:
        patch.setattr(handler, "_open", refuse)
        logger.info("lost")
    logger.info("found")

    assert "found" in file.read_text(encoding="utf-8")
    assert faulthandler.is_enabled()


def test_log_that_is_no_file_gets_its_lines(
    logger: logging.Logger, tmp_path: Path
) -> None:
    """A pipe has no size."""

    class Pipe(io.StringIO):
        def seekable(self) -> bool:
            return False

        def seek(self, *args: object) -> int:
            raise OSError(29, "Illegal seek")

    log.start_logging(str(tmp_path / "x.log"))
    (handler,) = logger.handlers
    assert isinstance(handler, log.ServiceLogHandler)
    pipe = Pipe()
    file = handler.setStream(pipe)
    assert file is not None
    file.close()
    logger.info("a line")

    assert "a line" in pipe.getvalue()


def test_default_file_is_beside_the_code() -> None:
    """A name that is no file name is made one."""
    path = log.default_log_file('a<b>:"c', "folder")

    assert Path(path) == Path("folder") / "logs" / "a_b___c.log"

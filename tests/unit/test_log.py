"""The log file of a hosted service."""

from __future__ import annotations

import faulthandler
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from winsvc import log


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

        monkeypatch.setattr(os, "rename", refuse)
    for number in range(60):
        logger.info("line %d.", number)
    files = sorted(tmp_path.glob("x.log*"))
    text = "".join(each.read_text(encoding="utf-8") for each in files)

    assert all(f"line {number}." in text for number in range(60))
    assert (len(files) == 1) is fails
    assert faulthandler.is_enabled()


def test_default_file_is_beside_the_code() -> None:
    """A name that is no file name is made one."""
    path = log.default_log_file('a<b>:"c', "folder")

    assert Path(path) == Path("folder") / "logs" / "a_b___c.log"

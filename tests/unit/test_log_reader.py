"""Reading and following the log file of a service."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from winsvc import log_reader
from winsvc.log_reader import read_log_file


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A log file that is not there yet."""
    return tmp_path / "x.log"


@pytest.fixture
def naps(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], Any]]:
    """What happens while a follower sleeps, one a sleep."""
    naps: list[Callable[[], Any]] = []

    def sleep(seconds: float) -> None:
        assert seconds == log_reader.POLL
        naps.pop(0)()

    monkeypatch.setattr("winsvc.log_reader.time.sleep", sleep)
    return naps


def append(file: Path, text: str) -> None:
    """Write as the service does."""
    with file.open("a", encoding="utf-8", newline="") as stream:
        stream.write(text)


def rotate(file: Path) -> None:
    """As ServiceLogHandler does it."""
    for number in (3, 2, 1):
        former = file.with_name(f"{file.name}.{number - 1}") if number > 1 else file
        if former.exists():
            os.replace(former, file.with_name(f"{file.name}.{number}"))


def test_lines_of_all_files_are_read(file: Path) -> None:
    """Oldest first; ends of lines do not matter, what is no UTF-8 is replaced."""
    for name, text in (
        (".3", b"1\n2\r\n"),
        (".2", b""),
        (".1", b"3\xff\n"),
        ("", b"4\x0bx\n5"),
    ):
        file.with_name(file.name + name).write_bytes(text)

    assert list(read_log_file(file)) == ["1", "2", "", "3\ufffd", "4\ufffdx", "5"]


def test_line_does_nothing_to_a_terminal(file: Path, naps: list[Any]) -> None:
    """The service's account writes it, an administrator looks at it."""
    append(file, "\ta\x1b]0;title\x07\r\nb\x9b2J\n")
    naps.append(lambda: append(file, "c\rd\n"))
    lines = read_log_file(file, follow=True)

    assert list(itertools.islice(lines, 3)) == [
        "\ta\ufffd]0;title\ufffd",
        "b\ufffd2J",
        "c\ufffdd",
    ]


@pytest.mark.parametrize(
    ("newest", "lines"),
    [(0, []), (1, ["4"]), (2, ["3", "4"]), (3, ["2", "3", "4"]), (9, list("1234"))],
)
def test_newest_reach_into_older_files(
    file: Path, newest: int, lines: list[str]
) -> None:
    """As far as need be."""
    append(file, "1\n2\n")
    rotate(file)
    append(file, "3\n4\n")

    assert list(read_log_file(str(file), newest=newest)) == lines


def test_bad_questions_are_refused(file: Path) -> None:
    """At once."""
    with pytest.raises(FileNotFoundError):
        read_log_file(file)
    file.touch()
    with pytest.raises(ValueError, match="newest"):
        read_log_file(file, newest=-1)


def test_follower_waits_for_whole_lines(file: Path, naps: list[Any]) -> None:
    """A line that is being written comes when it is."""
    append(file, "old\nhal")
    naps += [
        lambda: None,
        lambda: append(file, "f\nnew"),
        lambda: append(file, "er\n\n"),
    ]
    lines = read_log_file(file, newest=0, follow=True)

    assert list(itertools.islice(lines, 3)) == ["half", "newer", ""]


def test_follower_goes_on_in_the_new_file(file: Path, naps: list[Any]) -> None:
    """What came into the old one meanwhile is not lost, nor a whole file between."""
    append(file, "1\n")

    def rotate_once() -> None:
        append(file, "2\n")
        rotate(file)
        append(file, "3\n")

    def rotate_twice() -> None:
        append(file, "4\n")
        rotate(file)
        append(file, "5\n")
        rotate(file)
        append(file, "6\n")

    naps += [rotate_once, rotate_twice, lambda: append(file, "7\n")]
    lines = read_log_file(file, follow=True)

    assert list(itertools.islice(lines, 7)) == list("1234567")


def test_follower_waits_where_there_is_no_file(file: Path, naps: list[Any]) -> None:
    """Between the renaming and the new file."""
    append(file, "1\n")
    naps += [lambda: rotate(file), lambda: append(file, "2\n")]
    lines = read_log_file(file, follow=True)

    assert list(itertools.islice(lines, 2)) == ["1", "2"]


def test_follower_sees_an_emptied_file(file: Path, naps: list[Any]) -> None:
    """It begins again."""
    append(file, "a long line\n")
    naps.append(lambda: file.write_text("new\n"))
    lines = read_log_file(file, follow=True)

    assert list(itertools.islice(lines, 2)) == ["a long line", "new"]


def test_file_is_not_kept_open(file: Path) -> None:
    """On Windows the service could not rotate it."""
    append(file, "1\n")
    lines = read_log_file(file, follow=True)
    assert next(lines) == "1"

    opened = [entry.path for entry in psutil.Process().open_files()]
    assert str(file) not in opened
    rotate(file)  # fails there if it is

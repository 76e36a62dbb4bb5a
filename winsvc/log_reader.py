"""Reads the log file of a service, rotated files included, and follows it."""

from __future__ import annotations

import os
import re
import time
from collections import deque
from contextlib import suppress
from typing import TYPE_CHECKING

from winsvc.log import BACKUPS
from winsvc.printable import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

_RECORD = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\S* (\w+) ")
_CRASH = re.compile(r"Fatal Python error: |Windows fatal exception: ")  # faulthandler
_LINES = 15
POLL = 0.5  # seconds between two looks of who follows


def read_log_file(
    path: str | os.PathLike[str], *, newest: int | None = None, follow: bool = False
) -> Iterator[str]:
    """Return the lines of a log file and of those it was rotated into, oldest first.

    Args:
        path: As the service was told by ``--log-file``.
        newest: Only so many, the last ones; default: all.
        follow: Go on for ever with those that come, looking twice a second.

    Returns:
        An iterator of lines without their ends, fit to be shown: control characters
        other than tabs, which would command a terminal, are U+FFFD.

    Raises:
        ValueError: ``newest`` is below 0.
        OSError: There is no such file, or it cannot be read.

    The file is open only for the moment of a look: on Windows nobody, the service
    included, could rename it otherwise.
    """
    if newest is not None and newest < 0:
        msg = f"newest is {newest}: 0 or more"
        raise ValueError(msg)
    tail = _Tail(os.fspath(path))
    present = tail.look()
    if not follow and tail.rest:
        present += _decode([tail.rest])
    if newest is None or newest > len(present):
        present = _rotated(os.fspath(path)) + present
    return _lines(tail, deque(present, newest), follow=follow)


def last_error(log: str) -> str:
    """Return the last error of a log with its traceback, shortened; empty if none.

    What faulthandler writes when a process crashes is one too.
    """
    record: list[str] = []
    found: list[str] = []
    for line in log.splitlines():
        match = _RECORD.match(line)
        if match or _CRASH.match(line):
            record = [line]
            if match is None or match[1] in ("ERROR", "CRITICAL"):
                found = record
        elif '"<frozen ' not in line:  # the machinery of imports
            record.append(line)
    if len(found) > _LINES:
        found = [found[0], "...", *found[2 - _LINES :]]
    return "\n".join(found)


def _lines(tail: _Tail, present: deque[str], *, follow: bool) -> Iterator[str]:
    yield from present
    while follow:
        time.sleep(POLL)
        # While it is being rotated there is none.
        with suppress(FileNotFoundError, PermissionError):
            yield from tail.look()


def _rotated(path: str) -> list[str]:
    lines: list[str] = []
    for number in range(BACKUPS, 0, -1):
        with suppress(FileNotFoundError), open(f"{path}.{number}", "rb") as file:
            lines += _decode(file.read().removesuffix(b"\n").split(b"\n"))
    return lines


def _decode(lines: list[bytes]) -> list[str]:
    return [printable(line.decode(errors="replace").rstrip("\r")) for line in lines]


class _Tail:
    """A file, and how far it has been read; ``rest``: the line that is not whole."""

    def __init__(self, path: str) -> None:
        self.rest = b""
        self._path = path
        self._identity: tuple[int, int] | None = None
        self._position = 0

    def look(self) -> list[str]:
        """Return the lines since the last look."""
        with open(self._path, "rb") as file:
            status = os.fstat(file.fileno())
            identity = status.st_dev, status.st_ino
            data = b""
            if self._identity not in (None, identity):
                data = self._end_of_former()
                self._position = 0
            elif status.st_size < self._position:
                self._position = 0  # somebody has emptied it
            file.seek(self._position)
            data += file.read()
            self._position = file.tell()
            self._identity = identity
        *lines, self.rest = (self.rest + data).split(b"\n")
        return _decode(lines)

    def _end_of_former(self) -> bytes:
        """Return what came before the present file and has not been read."""
        data = b""
        is_found = False
        for number in range(BACKUPS, 0, -1):
            with (
                suppress(FileNotFoundError, PermissionError),
                open(f"{self._path}.{number}", "rb") as file,
            ):
                status = os.fstat(file.fileno())
                if (status.st_dev, status.st_ino) == self._identity:
                    is_found = True
                    file.seek(self._position)
                if is_found:
                    data += file.read()
        return data

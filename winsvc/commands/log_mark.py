"""What a service has written to its log since a command began."""

from __future__ import annotations

import os

from winsvc.log_reader import last_error

_MOST = 1024 * 1024


class LogMark:
    """The end of a log file, as it is when this is made.

    Args:
        file: Its path; ``None``: nothing tells.
        is_here: Whether it is on this computer.
    """

    def __init__(self, file: str | None, *, is_here: bool) -> None:
        self._file = file
        self._is_here = is_here
        self._size = self._size_now()

    def told(self) -> str:
        """Return what can be said of why the service failed; empty: no log known."""
        file = self._file
        if file is None:
            return ""
        if not self._is_here:
            return f"its log {file} on that computer may say why"
        try:
            added = self._added()
        except FileNotFoundError:
            return f"there is no log {file}"
        except OSError as error:
            return f"its log {file} tells nothing ({error.strerror})"
        if last_error(added):
            return f"its log {file} says why"
        return f"its log {file} has {'no error' if added else 'nothing'} of it"

    def _added(self) -> str:
        with open(self._file or "", "rb") as log:
            size = os.fstat(log.fileno()).st_size
            begin = self._size if size >= self._size else 0  # it has been rotated
            log.seek(max(begin, size - _MOST))
            return log.read(_MOST).decode("utf-8", "replace")

    def _size_now(self) -> int:
        if self._file is None or not self._is_here:
            return 0
        try:
            return os.stat(self._file).st_size
        except OSError:  # there is none yet
            return 0

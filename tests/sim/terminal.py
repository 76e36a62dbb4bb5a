"""Programs in a terminal, for the tests: what they write, and typing to them."""

from __future__ import annotations

import os
import pty
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

PATIENCE = 30.0


class Program:
    """A Python program with its input and output on a terminal, or on pipes.

    Args:
        *arguments: Python's.
        keys: Give it a terminal.
        folder: Where it runs.
    """

    def __init__(
        self, *arguments: str, keys: bool = False, folder: Path | None = None
    ) -> None:
        self.text = ""
        self._changed = threading.Condition()
        self._ended = False
        environment = {**os.environ, "NO_COLOR": "1"}
        if not keys:  # on a terminal, lines come whole and at once
            environment["PYTHONUNBUFFERED"] = "1"
        if keys:
            self._near, self.far = pty.openpty()
        else:
            self._near, self.far = os.pipe()
        self.process = subprocess.Popen(
            [sys.executable, *arguments],
            stdin=self.far if keys else subprocess.DEVNULL,
            stdout=self.far,
            stderr=self.far,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        if not keys:
            os.close(self.far)
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def __enter__(self) -> Self:
        """Return the program itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End it, if it has not ended."""
        self.process.kill()
        self.process.wait()

    def expect(self, pattern: str) -> None:
        """Wait until it has written something that matches, from the start on."""
        with self._changed:
            found = self._changed.wait_for(
                lambda: re.search(pattern, self.text) or self._ended, PATIENCE
            )
        assert found, f"no {pattern!r} in:\n{self.text}"
        assert re.search(pattern, self.text), f"no {pattern!r} in:\n{self.text}"

    def type(self, keys: str) -> None:
        """Press keys."""
        os.write(self._near, keys.encode())

    def send(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait until it has ended; return its exit code, or minus the signal."""
        code = self.process.wait(PATIENCE)
        if os.isatty(self._near):
            os.close(self.far)
        self._reader.join(PATIENCE)
        return code

    def _read(self) -> None:
        while True:
            try:
                data = os.read(self._near, 65536)
            except OSError:  # a terminal that nobody has open any more
                data = b""
            with self._changed:
                self._ended = not data
                self.text += data.decode()
                self._changed.notify_all()
            if not data:
                return

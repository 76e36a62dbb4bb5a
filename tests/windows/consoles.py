"""Programs in a console of their own, which can be sent what a console makes."""

from __future__ import annotations

import re
import subprocess
import sys
import threading
from types import TracebackType
from typing import Self

from lab import PATIENCE

# A process sends events to its own console's processes only: join theirs.
SENDER = """
import ctypes, os, sys

kernel32 = ctypes.WinDLL("kernel32", use_last_error=True)

@ctypes.WINFUNCTYPE(ctypes.c_int, ctypes.c_ulong)
def survive(event):
    return 1

pid, event = map(int, sys.argv[1:])
kernel32.FreeConsole()
for done in (
    kernel32.AttachConsole(pid),
    kernel32.SetConsoleCtrlHandler(survive, 1),
    kernel32.GenerateConsoleCtrlEvent(event, 0),
):
    if not done:
        raise ctypes.WinError(ctypes.get_last_error())
print("sent", flush=True)
os._exit(0)
"""

if sys.platform == "win32":
    CONSOLE_OF_ITS_OWN = subprocess.CREATE_NO_WINDOW


class Program:
    """A Python program in a console of its own, with pipes; killed when it hangs."""

    def __init__(self, *arguments: str) -> None:
        self.text = ""
        self.process = subprocess.Popen(
            [sys.executable, "-P", "-u", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            creationflags=CONSOLE_OF_ITS_OWN,
        )
        # It may start other programs, and wait for them.
        self._guard = threading.Timer(3 * PATIENCE, self.process.kill)

    def __enter__(self) -> Self:
        self._guard.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._guard.cancel()
        with self.process:
            self.process.kill()

    def expect(self, pattern: str, times: int = 1) -> None:
        """Read until it has written something that matches."""
        assert self.process.stdout
        while len(re.findall(pattern, self.text)) < times:
            line = self.process.stdout.readline()
            assert line, f"no {pattern!r} in:\n{self.text}"
            self._add(line)

    def deliver(self, event: int) -> None:
        """Let it have an event from inside."""
        self._write(b"%d" % event)

    def go(self) -> None:
        """Open its gate."""
        self._write(b"g")

    def send(self, event: int) -> None:
        """Send an event to all in its console."""
        command = [sys.executable, "-P", "-c", SENDER]
        done = subprocess.run(
            [*command, str(self.process.pid), str(event)],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert "sent" in done.stdout, done.stderr

    def wait(self) -> int:
        """Read the rest; return the exit code."""
        assert self.process.stdout
        self._add(self.process.stdout.read())
        return self.process.wait(PATIENCE)

    def _add(self, output: bytes) -> None:
        self.text += output.decode(errors="replace").replace("\r", "")

    def _write(self, text: bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(text)
        self.process.stdin.flush()

"""Keys and signals of a terminal as one queue, while the main thread is busy."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack
from queue import SimpleQueue
from types import TracebackType
from typing import Self

INTERRUPT = "\x03"  # what Ctrl+C types
NOTHING = ""
_INTERRUPTS = {
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGBREAK")
    if hasattr(signal, name)
}


class Inputs:
    """Keys and signals, while its ``with`` block lasts.

    Args:
        on_signal: Called on a thread of its own after every signal.

    Enter and leave it on the main thread; the rest is for any thread.  Python's
    signal handlers would wait for the main thread, which may be in native code:
    so a thread reads the signals from a socket.
    """

    def __init__(self, on_signal: Callable[[], None] = lambda: None) -> None:
        self.has_keys = False
        self._on_signal = on_signal
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._undo = ExitStack()
        self._restore: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        """Take over the signals, and the keys if there are any."""
        near, far = socket.socketpair()
        far.setblocking(False)
        self._undo.callback(far.close)  # ends the thread
        before = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
        self._undo.callback(signal.set_wakeup_fd, before)
        for number in _INTERRUPTS:
            handler = signal.signal(number, lambda *_: None)
            self._undo.callback(signal.signal, number, handler)
        self._start(lambda: self._read_signals(near), "winsvc-signals")
        read_key = self._open_keys()
        if read_key is not None:
            self.has_keys = True
            self._start(lambda: self._read_keys(read_key), "winsvc-keys")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
        /,
    ) -> None:
        """Give them back."""
        self.restore()
        self._undo.close()

    def get(self) -> str:
        """Return the next key, INTERRUPT, or NOTHING after ``wake``; blocks."""
        return self._queue.get()

    def wake(self) -> None:
        """Let ``get`` return."""
        self._queue.put(NOTHING)

    def restore(self) -> None:
        """Give the terminal back; again does nothing."""
        restore, self._restore = self._restore, lambda: None
        restore()

    def _start(self, body: Callable[[], None], name: str) -> None:
        threading.Thread(target=body, name=name, daemon=True).start()

    def _read_signals(self, near: socket.socket) -> None:
        with near:
            while numbers := near.recv(64):
                for number in numbers:
                    if number in _INTERRUPTS:
                        self._queue.put(INTERRUPT)
                    self._on_signal()

    def _read_keys(self, read_key: Callable[[], str]) -> None:
        while key := read_key():
            self._queue.put(key)

    def _open_keys(self) -> Callable[[], str] | None:
        if sys.stdin is None or not sys.stdin.isatty():
            return None
        if sys.platform == "win32":
            return _windows_key
        import termios
        import tty

        terminal = sys.stdin.fileno()
        if _in_background(terminal):
            return None
        modes = termios.tcgetattr(terminal)
        tty.setcbreak(terminal)
        self._restore = lambda: termios.tcsetattr(terminal, termios.TCSADRAIN, modes)
        return lambda: os.read(terminal, 1).decode(errors="replace")


if sys.platform == "win32":
    from msvcrt import getwch

    def _windows_key() -> str:
        """Return the next key; "" if there is no console after all."""
        key = getwch()
        while key in ("\x00", "\xe0"):  # an arrow, say: its code follows
            getwch()
            key = getwch()
        return key.rstrip("\uffff")  # NUL passes for a terminal, and ends at once

else:

    def _in_background(terminal: int) -> bool:
        """Tell whether touching the terminal would stop this process."""
        try:
            return os.tcgetpgrp(terminal) != os.getpgrp()
        except OSError:
            return False  # not the one that controls us

"""Keys and signals of a terminal as one queue, while the main thread is busy."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Self

INTERRUPT = "\x03"  # what Ctrl+C types
NOTHING = ""
_Keys = tuple[Callable[[], str], Callable[[], None]]
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
        keys = _open_keys()
        if keys is not None:
            self.has_keys = True
            read_key, self._restore = keys
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


if sys.platform == "win32":
    from msvcrt import getwch

    def _open_keys() -> _Keys | None:
        """Return how to read a key and how to give the terminal back."""
        if sys.stdin is None or not sys.stdin.isatty():
            return None
        return _read_key, lambda: None

    def _read_key() -> str:
        key = getwch()
        while key in ("\x00", "\xe0"):  # an arrow, say: its code follows
            getwch()
            key = getwch()
        return key.rstrip("\uffff")  # NUL passes for a terminal, and ends at once

else:
    import termios
    import tty

    def _open_keys() -> _Keys | None:
        """Return how to read a key and how to give the terminal back."""
        if sys.stdin is None or not sys.stdin.isatty():
            return None
        terminal = sys.stdin.fileno()
        with suppress(OSError):  # another terminal than the one that controls us
            if os.tcgetpgrp(terminal) != os.getpgrp():
                return None  # in the background: touching it would stop us
        modes = termios.tcgetattr(terminal)
        tty.setcbreak(terminal)
        return (
            lambda: os.read(terminal, 1).decode(errors="replace"),
            lambda: termios.tcsetattr(terminal, termios.TCSADRAIN, modes),
        )

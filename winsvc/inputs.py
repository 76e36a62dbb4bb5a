"""Keys and signals of a terminal as one queue, while the main thread is busy."""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import SimpleQueue
from types import TracebackType
from typing import Self

from winsvc.signals import ENDING, ignore_signals

INTERRUPT = "\x03"  # what Ctrl+C types
CLOSED = "closed"
NOTHING = ""
_Keys = tuple[Callable[[], str], Callable[[], None]]


class Inputs:
    """Keys, and what else a terminal says, while its ``with`` block lasts.

    Args:
        on_signal: Called on a thread of its own after every signal; not on
            Windows, which has none to wait for.

    Enter and leave it on the main thread; the rest is for any thread.  Python's
    signal handlers would wait for the main thread, which may be in native code:
    so a thread waits for what comes in their place.
    """

    def __init__(self, on_signal: Callable[[], None] = lambda: None) -> None:
        self.has_keys = False
        self._on_signal = on_signal
        self._queue: SimpleQueue[str] = SimpleQueue()
        self._undo = ExitStack()
        self._restore: Callable[[], None] = lambda: None

    def __enter__(self) -> Self:
        """Take over the signals, and the keys if there are any."""
        self._undo.enter_context(_signals(self._queue.put, self._on_signal))
        keys = _open_keys()
        if keys is not None:
            self.has_keys = True
            read_key, self._restore = keys
            _start(lambda: self._read_keys(read_key), "winsvc-keys")
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
        """Return the next key, INTERRUPT, CLOSED, or NOTHING after ``wake``.

        INTERRUPT is Ctrl+C and its kin.  CLOSED: the terminal goes away, and
        takes the process with it in a few seconds (Windows only).  Blocks.
        """
        return self._queue.get()

    def wake(self) -> None:
        """Let ``get`` return."""
        self._queue.put(NOTHING)

    def restore(self) -> None:
        """Give the terminal back; again does nothing."""
        restore, self._restore = self._restore, lambda: None
        restore()

    def _read_keys(self, read_key: Callable[[], str]) -> None:
        while key := read_key():
            self._queue.put(key)


def _start(body: Callable[[], None], name: str) -> threading.Thread:
    thread = threading.Thread(target=body, name=name, daemon=True)
    thread.start()
    return thread


if sys.platform == "win32":
    from msvcrt import getwch

    from winsvc._native import require_core

    @contextmanager
    def _signals(
        put: Callable[[str], None], _on_signal: Callable[[], None]
    ) -> Iterator[None]:
        """Take the console's events; no signal ends the service, as under the SCM.

        ``set_wakeup_fd`` is the running Proactor loop's own.
        """
        core = require_core("run in a console")

        def read_events() -> None:
            while (event := core.console_wait()) is not None:
                interrupts = event in (signal.CTRL_C_EVENT, signal.CTRL_BREAK_EVENT)
                put(INTERRUPT if interrupts else CLOSED)

        with ignore_signals():
            core.console_watch()
            reader = _start(read_events, "winsvc-console")
            try:
                yield
            finally:
                core.console_release()
                reader.join()

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
    import socket
    import termios
    import tty

    @contextmanager
    def _signals(
        put: Callable[[str], None], on_signal: Callable[[], None]
    ) -> Iterator[None]:
        """Take the signals that ask for an end, and tell of all."""

        def read_signals() -> None:
            with near:
                while numbers := near.recv(64):
                    for number in numbers:
                        if number in ENDING:
                            put(INTERRUPT)
                        on_signal()

        def hand_on(number: int, _frame: object) -> None:
            # On the main thread: an event loop may have taken the wake-ups over,
            # as asyncio does for its own signal handlers, and given none back.
            taken = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
            if taken != far.fileno():
                far.send(bytes((number,)))
                if taken != -1:
                    signal.set_wakeup_fd(taken, warn_on_full_buffer=False)

        near, far = socket.socketpair()
        far.setblocking(False)
        with ExitStack() as undo:
            undo.callback(far.close)  # ends the thread
            before = signal.set_wakeup_fd(far.fileno(), warn_on_full_buffer=False)
            undo.callback(signal.set_wakeup_fd, before)
            for number in ENDING:
                handler = signal.signal(number, hand_on)
                undo.callback(signal.signal, number, handler)
            _start(read_signals, "winsvc-signals")
            yield

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

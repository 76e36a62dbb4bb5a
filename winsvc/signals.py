"""What would end a process from its console, or by a signal; ignored for services."""

from __future__ import annotations

import signal
from contextlib import ExitStack, suppress

from winsvc import _native

ENDING = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGBREAK")
    if hasattr(signal, name)
)
"""The signals that ask a process to end; SIGBREAK is Ctrl+Break, on Windows."""


def ignore_console() -> ExitStack:
    """Let nothing that a console says end this process (C-40, I-134).

    For services under the SCM, which alone stops them: Ctrl+C, Ctrl+Break, a
    window that is closed, a logoff and a shutdown are ignored in C, the signals
    in Python.  Windows only.

    Returns:
        Its ``with`` block lasts as long as this shall: a process that the SCM
        has not started (1063) goes on with a console that it obeys.

    Call on the main thread, before the user's code is imported.
    """
    core = _native.require_core("ignore the console")
    with ExitStack() as undo:
        with suppress(ValueError):  # not the main thread: Python does not let us
            undo.push(ignore_signals())
        undo.callback(core.console_release)
        core.console_ignore()
        return undo.pop_all()


def ignore_signals() -> ExitStack:
    """Ignore the signals that end a process; the stack's ``close`` undoes it.

    On Windows no other process sends them: they are raised in this one, by a
    library that hands on what it has caught (uvicorn does).  SIGBREAK and SIGTERM
    would end the process unreported.  SIGINT's KeyboardInterrupt could strike the
    main thread anywhere, where STOPPED is reported too.

    Call on the main thread.
    """
    undo = ExitStack()
    for number in ENDING:
        before = signal.signal(number, signal.SIG_IGN)
        undo.callback(signal.signal, number, before or signal.SIG_DFL)
    return undo

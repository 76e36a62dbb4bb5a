"""What becomes of the output where it cannot be what it is on a good terminal."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

READER_GONE = 141
"""What a shell has for a program that its reader's end has ended (SIGPIPE)."""


@contextmanager
def guarded() -> Iterator[None]:
    """Let output that nobody can show, or wants to see, be no error of a command.

    Characters that the code page lacks are escaped.  When the reader of a pipe has
    gone, as ``head`` does, the process ends without a word.

    Raises:
        SystemExit: The reader has gone.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        try:
            yield
        finally:
            if sys.stdout is not None and not sys.stdout.closed:
                sys.stdout.flush()
    except OSError as error:
        if not is_reader_gone(error):
            raise
        _forget_output()
        sys.exit(READER_GONE)


def is_reader_gone(error: OSError) -> bool:
    """Tell whether it is that of writing to a pipe that nobody reads any more."""
    if isinstance(error, BrokenPipeError):
        return True
    # What Windows' C library makes of it; the SCM's errors are of a class of ours.
    return os.name == "nt" and type(error) is OSError and error.errno == errno.EINVAL


def _forget_output() -> None:
    """Let the flush at the end of the process have no pipe to fail at."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, sys.stdout.fileno())
        os.close(nowhere)

"""What becomes of the output where it cannot be what it is on a good terminal."""

from __future__ import annotations

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO, TextIO, cast

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

READER_GONE = 141
"""What a shell has for a program that its reader's end has ended (SIGPIPE)."""

NOT_WRITTEN = 1


class OutputLost(Exception):
    """Standard output takes nothing more.

    No OSError: only what came of writing the output is to be taken for it, and no
    command is to take it for the failure of what it does.

    Args:
        error: What writing it raised.
    """

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error

    @property
    def is_reader_gone(self) -> bool:
        """Whether it was a pipe that nobody reads any more."""
        if isinstance(self.error, BrokenPipeError):
            return True
        # What Windows' C library makes of it.
        return os.name == "nt" and self.error.errno == errno.EINVAL


class _Watched(io.RawIOBase):
    """A stream whose failures are told from all others, once.

    Args:
        raw: Where the bytes go; it is not closed.
        is_output: Whether its loss ends the command; that of standard error does
            not, since there is nowhere left to say it.
    """

    def __init__(self, raw: io.RawIOBase, *, is_output: bool) -> None:
        self._raw = raw
        self._is_output = is_output
        self._is_lost = False

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._raw.isatty()

    def fileno(self) -> int:
        return self._raw.fileno()

    def write(self, data: ReadableBuffer, /) -> int | None:
        if not self._is_lost:
            try:
                return self._raw.write(data)
            except OSError as error:
                # The buffer above tries again when it is closed.
                self._is_lost = True
                if self._is_output:
                    raise OutputLost(error) from error
        return memoryview(data).nbytes


@contextmanager
def guarded() -> Iterator[None]:
    """Let output that nobody can show, or wants to see, be no error of a command.

    Without a console, as with pythonw.exe, output goes nowhere.  Characters that the
    code page lacks are escaped.  When the reader of a pipe has gone, as ``head``
    does, the process ends without a word; when the output cannot be written
    otherwise, with one line on standard error.

    Raises:
        SystemExit: The reader has gone, or the output could not be written.
    """
    before = sys.stdout, sys.stderr
    with ExitStack() as opened:
        try:
            sys.stderr = _watched(opened, before[1], is_output=False)
            sys.stdout = _watched(opened, before[0], is_output=True)
            try:
                yield
            finally:
                if not sys.stdout.closed:
                    sys.stdout.flush()
        except OutputLost as lost:
            _forget(before[0])
            sys.exit(_tell(lost))
        finally:
            sys.stdout, sys.stderr = before


def say(text: str) -> None:
    """Write a line for people to standard error, if there is one.

    ``print(file=None)`` would write to standard output, which is for the answer.
    """
    if sys.stderr is not None:
        print(text, file=sys.stderr, flush=True)


def _tell(lost: OutputLost) -> int:
    """Return the exit code for an output that has been lost."""
    if lost.is_reader_gone:
        return READER_GONE
    say(
        f"winsvc: the output could not be written: {lost.error}; send it to a file or "
        "disk that takes it (what the command has changed stays changed)"
    )
    return NOT_WRITTEN


def _watched(opened: ExitStack, stream: TextIO | None, *, is_output: bool) -> TextIO:
    """Return what is to be written to in place of a stream.

    Args:
        opened: Closes what is opened here.
        stream: ``None``: there is no console, and nothing instead of it.
        is_output: Whether it is standard output.
    """
    if stream is None:
        return opened.enter_context(open(os.devnull, "w", encoding="utf-8"))
    if not isinstance(stream, io.TextIOWrapper):
        return stream
    stream.reconfigure(errors="backslashreplace")
    buffer = stream.buffer
    # With `python -u` there is no buffer between the text and the file.
    raw = getattr(buffer, "raw", buffer)
    if stream.closed or not isinstance(raw, io.RawIOBase):
        return stream
    try:
        stream.flush()
    except OSError as error:
        if is_output:
            raise OutputLost(error) from error
        _forget(stream)
    watched = _Watched(raw, is_output=is_output)
    return io.TextIOWrapper(
        cast("BinaryIO", watched if raw is buffer else io.BufferedWriter(watched)),
        encoding=stream.encoding,
        errors="backslashreplace",
        line_buffering=stream.line_buffering,
        write_through=stream.write_through,
    )


def _forget(stream: TextIO | None) -> None:
    """Let the flush at the end of the process have nothing to fail at."""
    if isinstance(stream, io.TextIOWrapper):
        with suppress(OSError):  # one of a test, which is no file
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, stream.fileno())
            os.close(nowhere)

"""Where the password of a service's account comes from: never a command line.

Every user of a computer can read the command lines of its processes, and shells
keep what was typed.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, BinaryIO

from winsvc.settings.accounts import takes_password

if TYPE_CHECKING:
    import argparse


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add the options; without one of them a terminal is asked."""
    sources = parser.add_mutually_exclusive_group()
    text = "read the account's password, UTF-8, from standard input"
    sources.add_argument("--password-stdin", action="store_true", help=text)
    text = "read it from an open file descriptor"
    sources.add_argument("--password-fd", type=int, metavar="N", help=text)


def is_given(options: argparse.Namespace) -> bool:
    """Tell whether one of the sources is named."""
    return options.password_stdin or options.password_fd is not None


class Passwords:
    """The passwords of accounts, each of them read or asked for once.

    Args:
        options: Those of :func:`add_sources`.
    """

    def __init__(self, options: argparse.Namespace) -> None:
        self._options = options
        self._found: dict[str, str] = {}

    def of(self, account: str | None) -> str | None:
        """Return the password of an account; ``None`` for one that has none.

        Args:
            account: As the SCM takes it; ``None`` for LocalSystem.

        Raises:
            ValueError: There is no password, or no account to have it.
        """
        if is_given(self._options):
            if account is None:
                raise ValueError("a password needs --account: LocalSystem has none")
            key = ""  # the one that is given is for all of them
        elif account is None or not takes_password(account):
            return None
        else:
            key = account.lower()
        if key not in self._found:
            self._found[key] = self._read(account)
        return self._found[key]

    def _read(self, account: str) -> str:
        if self._options.password_stdin:
            file = None if sys.stdin is None else sys.stdin.buffer
            return _read_line(file, "standard input")
        number = self._options.password_fd
        if number is None:
            return _ask(account)
        source = f"file descriptor {number}"
        try:
            with os.fdopen(number, "rb") as file:
                return _read_line(file, source)
        except OSError as error:
            raise ValueError(f"{source} cannot be read: {error.strerror}") from error


def is_terminal() -> bool:
    """Tell whether there is somebody to be asked.

    Windows' getpass reads keys, not standard input: it would wait for ever.  And
    there isatty() is true of NUL, which is a scheduled task's input.
    """
    if sys.stdin is None or not sys.stdin.isatty():
        return False
    if sys.platform == "win32":
        import ctypes
        import msvcrt

        handle = ctypes.c_void_p(msvcrt.get_osfhandle(sys.stdin.fileno()))
        mode = ctypes.byref(ctypes.c_ulong())
        return bool(ctypes.windll.kernel32.GetConsoleMode(handle, mode))
    return True


def _ask(account: str) -> str:
    if not is_terminal():
        msg = "no password: use --password-stdin or --password-fd without a terminal"
        raise ValueError(msg)
    from getpass import getpass

    try:
        return _checked(getpass(f"Password of {account}: "), "the terminal")
    except EOFError:
        raise ValueError("no password was typed") from None


def _read_line(file: BinaryIO | None, source: str) -> str:
    """Return a line of UTF-8, whatever the code page is."""
    line = b"" if file is None else file.readline()
    if not line:
        raise ValueError(f"no password on {source}: write it there as one line")
    try:
        return _checked(line.decode("utf-8-sig").rstrip("\r\n"), source)
    except UnicodeDecodeError:
        # Not with the error itself: it has the password.
        raise ValueError(f"the password on {source} is no UTF-8") from None


def _checked(password: str, source: str) -> str:
    if not password:
        raise ValueError(f"the password on {source} is empty")
    return password

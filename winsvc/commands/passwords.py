"""Where the password of a service's account comes from: never a command line.

Every user of a computer can read the command lines of its processes, and shells
keep what was typed.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from winsvc.settings.accounts import takes_password

if TYPE_CHECKING:
    import argparse


def add_sources(parser: argparse.ArgumentParser) -> None:
    """Add the options; without one of them a terminal is asked."""
    sources = parser.add_mutually_exclusive_group()
    text = "read the account's password from standard input"
    sources.add_argument("--password-stdin", action="store_true", help=text)
    text = "read it from an open file descriptor"
    sources.add_argument("--password-fd", type=int, metavar="N", help=text)


def is_given(options: argparse.Namespace) -> bool:
    """Tell whether one of the sources is named."""
    return options.password_stdin or options.password_fd is not None


def read_password(options: argparse.Namespace, account: str | None) -> str | None:
    """Return the password of an account; ``None`` for one that has none.

    Args:
        options: Those of :func:`add_sources`.
        account: As the SCM takes it; ``None`` for LocalSystem.

    Raises:
        ValueError: There is no password, or no account to have it.
    """
    if account is None:
        if is_given(options):
            raise ValueError("a password needs --account: LocalSystem has none")
        return None
    if options.password_stdin:
        return _first_line(sys.stdin.readline(), "standard input")
    if options.password_fd is not None:
        source = f"file descriptor {options.password_fd}"
        try:
            with os.fdopen(options.password_fd, encoding="utf-8") as file:
                return _first_line(file.readline(), source)
        except OSError as error:
            raise ValueError(f"{source} cannot be read: {error.strerror}") from error
    if not takes_password(account):
        return None
    from getpass import getpass

    try:
        return getpass(f"Password of {account}: ")
    except EOFError:
        msg = "no password: use --password-stdin or --password-fd without a terminal"
        raise ValueError(msg) from None


def _first_line(line: str, source: str) -> str:
    if not line:
        raise ValueError(f"no password on {source}: write it there as one line")
    return line.rstrip("\r\n")

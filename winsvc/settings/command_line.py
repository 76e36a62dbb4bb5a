"""Command lines as Windows keeps them: one text, split by each program itself."""

from __future__ import annotations

import subprocess

_BLANKS = " \t"


def quote_command(command: tuple[str, ...]) -> str:
    """Return the command line that a Windows program splits into ``command``.

    The program is always quoted, since the SCM would try an unquoted path at
    each blank (E-16); inside its quotes nothing is escaped.
    """
    program, *arguments = command
    line = f'"{program}"'
    return f"{line} {subprocess.list2cmdline(arguments)}" if arguments else line


def split_command(line: str) -> tuple[str, ...]:
    r"""Split a command line by the documented rules of Microsoft's C library.

    Args:
        line: A service's ImagePath, say.  ``%VARIABLE%`` is left as it is.

    Returns:
        The program and its arguments; nothing of an empty line.  An unquoted
        program ends at the first blank, as it does in a program's own
        ``argv[0]``: what the SCM starts then, it has to guess (E-16).

    Blanks outside quotes separate.  In the program's name a backslash is a
    backslash; elsewhere 2n of them before a quote are n, 2n+1 are n and a literal
    quote.  Inside quotes two quotes are a literal one ("Parsing C command-line
    arguments", Microsoft's C reference).
    """
    line = line.lstrip(_BLANKS)
    if not line:
        return ()
    program, at = _split_program(line)
    words = [program]
    while True:
        while line[at : at + 1] in (" ", "\t"):
            at += 1
        if at == len(line):
            return tuple(words)
        word, at = _split_word(line, at)
        words.append(word)


def _split_program(line: str) -> tuple[str, int]:
    """Return the program, and where what follows begins."""
    quoted = False
    word: list[str] = []
    for at, char in enumerate(line):
        if char == '"':
            quoted = not quoted
        elif char in _BLANKS and not quoted:
            return "".join(word), at
        else:
            word.append(char)
    return "".join(word), len(line)


def _split_word(line: str, at: int) -> tuple[str, int]:
    """Return the argument that begins at ``at``, and where it ends."""
    quoted = False
    word: list[str] = []
    while at < len(line) and (quoted or line[at] not in _BLANKS):
        start = at
        while line[at : at + 1] == "\\":
            at += 1
        slashes = at - start
        if line[at : at + 1] != '"':
            word.append("\\" * slashes)
            if not slashes:
                word.append(line[at])
                at += 1
            continue
        word.append("\\" * (slashes // 2))
        at += 1
        if slashes % 2:
            word.append('"')
        elif quoted and line[at : at + 1] == '"':
            word.append('"')
            at += 1
        else:
            quoted = not quoted
    return "".join(word), at

"""Command lines as Windows keeps them: one text, split by each program itself."""

from __future__ import annotations

import re
import subprocess

_BLANKS = " \t"
# Up to the first .exe that a path with blanks can end with: behind its drive it has
# no character that no path has, and nothing that looks like an option.
_UNQUOTED = re.compile(
    r"(?:[a-z]:)?(?:(?![ \t]-[^ \t])[^\"/:*?<>|])*?\.exe(?=[ \t]|$)", re.IGNORECASE
)
# Within one part of a path, and with no blank at its ends: two % of a text that are
# each for themselves name no variable.
VARIABLE = re.compile(r'%(?![ \t])([^%=\\/:"<>|*?]+)(?<![ \t])%')
"""What the SCM puts a system variable's value in place of, if there is one (E-16)."""
# They never have blanks in them, other variables may.
_SHORT_VARIABLE = re.compile("%(?:SystemRoot|windir|SystemDrive)%", re.IGNORECASE)


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


def unquoted_program(line: str) -> str:
    r"""Return the program that an unquoted command line means, blanks included.

    ``C:\Program Files\Acme\svc.exe -a`` means the .exe, though Windows tries
    ``C:\Program.exe`` before it (E-16).  Empty: that cannot be told from the text.
    """
    match = _UNQUOTED.match(line)
    return match[0] if match else ""


def split_image_path(line: str) -> tuple[str, ...]:
    """Split a service's ImagePath into what its author meant.

    As :func:`split_command`, but for an unquoted program with blanks.
    """
    line = line.strip(_BLANKS)
    program = unquoted_program(line)
    if not program:
        return split_command(line)
    return (program, *split_command(f'"" {line[len(program) :]}')[1:])


def is_safe_line(line: str) -> bool:
    """Tell whether a command line can mean one program alone (E-16).

    It is in quotes, or has neither blanks nor variables that may have some.
    """
    line = line.strip(_BLANKS)
    if line.startswith('"'):
        _, _, rest = line[1:].partition('"')
        return not rest or rest[0] in _BLANKS
    words = split_image_path(line)
    program = _SHORT_VARIABLE.sub("", words[0]) if words else ""
    return not set(program) & {*_BLANKS, "%", '"'}


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

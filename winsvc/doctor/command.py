r"""Read a service's command line: which program, which Python, which targets.

Pure; paths are Windows's on every system.
"""

from __future__ import annotations

import ntpath
import re
from dataclasses import dataclass
from typing import Literal, TypeAlias

from winsvc.__main__ import parse_host, parse_shared_host
from winsvc.settings.command_line import split_command, unquoted_program

Kind: TypeAlias = Literal["host", "script", "module", "pywin32", "program"]
"""winsvc's own host, ``python file.py``, ``python -m other``, pythonservice.exe, or
any other program."""

_PYTHON = re.compile(r"python(w|\d[\d.]*|_d|t)*\.exe", re.IGNORECASE)
_HOST = re.compile(r"[\\/]winsvc[\\/]__main__\.py$", re.IGNORECASE)
_WITH_VALUE = ("-X", "-W", "--check-hash-based-pycs")


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """What a command line says.

    Attributes:
        line: As the SCM keeps it.
        program: Path of the program.
        words: Its arguments.
        is_quoted: Whether the program is in quotes, or needs none.
        tries: The programs that Windows tries before, since it is not (E-16).
        kind: What it hosts services with.
        flags: Python's own options, those before ``-m`` or the script.
        targets: ``module:Class`` or files that it hosts.
        path: The folders of ``--path``.
        log_file: That of ``--log-file``.
    """

    line: str
    program: str
    words: tuple[str, ...] = ()
    is_quoted: bool = True
    tries: tuple[str, ...] = ()
    kind: Kind = "program"
    flags: tuple[str, ...] = ()
    targets: tuple[str, ...] = ()
    path: tuple[str, ...] = ()
    log_file: str | None = None

    @property
    def is_python(self) -> bool:
        """True for what winsvc's own Python code can be in."""
        return self.kind in ("host", "script", "module")

    def has_option(self, letters: str) -> bool:
        """Tell whether one of these options of Python's is set: ``-E``, ``-sE``."""
        given = "".join(
            re.split("[XW]", flag[1:])[0]
            for before, flag in zip(("", *self.flags), self.flags, strict=False)
            if before not in _WITH_VALUE and not flag.startswith("--")
        )
        return not set(letters).isdisjoint(given)


def read_command(line: str, expanded: str, exists: tuple[str, ...] = ()) -> Command:
    """Read a command line.

    Args:
        line: As the SCM keeps it.
        expanded: The same, its ``%VARIABLE%`` replaced.
        exists: Which of :func:`tries_of` are there, in their order: Windows starts
            the first.
    """
    expanded = expanded.strip()
    if expanded.startswith('"'):
        program, _, rest = expanded[1:].partition('"')
        tries: tuple[str, ...] = ()
        is_quoted = True
    else:
        program, rest, tries = _unquoted(expanded, exists)
        is_quoted = " " not in program
    words = list(split_command(f'"" {rest}'))[1:]
    fields = _fields(program, words)
    return Command(
        line=line,
        program=program,
        words=tuple(words),
        is_quoted=is_quoted,
        tries=tries,
        **fields,  # type: ignore[arg-type]
    )


def tries_of(line: str) -> list[str]:
    r"""Return the programs that Windows tries for an unquoted command line, in order.

    ``C:\Program Files\Python\python.exe -m x`` is ``C:\Program.exe`` first (E-16).
    """
    cuts = [match.start() for match in re.finditer(r"[ \t]+", line)] + [len(line)]
    names = [line[:cut] for cut in cuts]
    return [
        name if ntpath.splitext(name)[1] else f"{name}.exe"
        for name in dict.fromkeys(names)
        if name
    ]


def _unquoted(line: str, exists: tuple[str, ...]) -> tuple[str, str, tuple[str, ...]]:
    tries = tries_of(line)
    meant = unquoted_program(line)
    if not meant:
        meant = exists[0] if exists else tries[0] if tries else ""
    length = len(meant) if line.lower().startswith(meant.lower()) else len(meant) - 4
    before = tries[: tries.index(meant)] if meant in tries else []
    return meant, line[length:], tuple(before)


def _fields(program: str, words: list[str]) -> dict[str, object]:
    base = ntpath.basename(program)
    if base.lower() in ("pythonservice.exe", "pythonservice_d.exe"):
        return {"kind": "pywin32"}
    if not _PYTHON.fullmatch(base):
        return {"kind": "program"}
    flags: list[str] = []
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0][:2] not in ("-m", "-c"):
        taken = 2 if rest[0] in _WITH_VALUE else 1
        flags += rest[:taken]
        rest = rest[taken:]
    common: dict[str, object] = {"flags": tuple(flags)}
    if rest[:3] == ["-m", "winsvc", "host"]:
        return common | {"kind": "host"} | _hosted(rest[3:])
    if _HOST.search(rest[0] if rest else "") and rest[1:2] == ["host"]:
        return common | {"kind": "host"} | _hosted(rest[2:])
    if rest and not rest[0].startswith("-"):
        return common | {"kind": "script", "targets": (rest[0],)}
    return common | {"kind": "module"}


def _hosted(words: list[str]) -> dict[str, object]:
    if (one := parse_host(words)) is not None:
        target, log_file, path = one
        return {"targets": (target,), "log_file": log_file, "path": path}
    if (several := parse_shared_host(words)) is not None:
        (targets, _), log_file, path = several
        return {"targets": targets, "log_file": log_file, "path": path}
    return {}

"""Run a program under callgrind, and read what it has counted."""

from __future__ import annotations

import subprocess
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

OPTIONS = (
    "--tool=callgrind",
    # The plain form of its file: every name in full, every number absolute.
    "--compress-strings=no",
    "--compress-pos=no",
    "--dump-line=no",
)


class CountError(Exception):
    """Nothing could be counted; the message says why."""


@dataclass(frozen=True, slots=True)
class Profile:
    """What one run has executed.

    Attributes:
        functions: By (source file, name): the instructions of the function itself.
        calls: By (file, name, file of the callee, its name): how many.
    """

    functions: Counter[tuple[str, str]]
    calls: Counter[tuple[str, str, str, str]]


def parse(lines: Iterable[str]) -> Profile:
    """Read callgrind's file.

    Raises:
        CountError: It is not one, or its sum is another than that of its parts.
    """
    functions: Counter[tuple[str, str]] = Counter()
    calls: Counter[tuple[str, str, str, str]] = Counter()
    file = called_file = name = called_name = ""
    in_file = ""  # where the function is; `file` may be that of inlined lines
    total = None
    is_inclusive = False
    for line in lines:
        key, equals, value = line.strip().partition("=")
        match key:
            case "fl" | "fi" | "fe" if equals:
                file = value
            case "fn" if equals:
                in_file, name = file, value
            case "cfi" | "cfl" if equals:
                called_file = value
            case "cfn" if equals:
                called_name = value
            case "calls" if equals:
                count = int(value.split()[0])
                calls[in_file, name, called_file or file, called_name] += count
                called_file = ""
                is_inclusive = True
            case _ if key[:1].isdigit():
                # After a call: what is below it, which is counted there.
                if not is_inclusive:
                    functions[in_file, name] += int(key.split()[1])
                is_inclusive = False
            case _ if key.startswith("summary:"):
                total = int(key.split()[1])
    if total is None or total != functions.total():
        msg = f"callgrind says {total} instructions, {functions.total()} were read"
        raise CountError(msg)
    return Profile(functions, calls)


def run(program: Path, *arguments: str, output: Path) -> Profile:
    """Run a program under callgrind, whose file is ``output``.

    Raises:
        CountError: The program, or valgrind itself, failed.
    """
    command = (*OPTIONS, f"--callgrind-out-file={output}", str(program), *arguments)
    done = subprocess.run(
        ("valgrind", *command), capture_output=True, text=True, check=False
    )
    if done.returncode:
        msg = f"valgrind {' '.join(command)}: {done.returncode}\n{done.stderr}"
        raise CountError(msg)
    with output.open(encoding="utf-8") as lines:
        return parse(lines)

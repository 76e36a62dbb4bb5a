"""Make the screens of docs/command-line.md: what real commands write to a terminal.

    pip install pyte rich argcomplete
    python docs/screens/make.py              status, list, start, watch, apply
    python docs/screens/make.py --wine       doctor, on Wine's SCM

The first run on a simulated SCM in a terminal of 100 columns, whose screen is taken
when a line is on it.  The doctor's is what was written, in lines of 100 columns.
Linux.
"""

from __future__ import annotations

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

HERE = Path(__file__).resolve().parent
PROJECT = HERE.parents[1]
COLUMNS, PATIENCE = 100, 30.0

# Name of the screen -> the scene's part, and what is on the screen when it is taken.
SCENES = {
    "status": ("status Clock Importer", "accepts  STOP, SHUTDOWN"),
    "list": ("list", "Reports"),
    "start": ("start Importer", "checkpoint 2"),
    "watch": ("watch", "Importer   RUNNING"),
    "apply": ("apply service.toml", "counted anew after 3600"),
}


def take(command: str, awaited: str) -> str:
    """Run a scene in a terminal; return the SVG of its screen."""
    import pyte
    from rich.text import Text

    screen = pyte.Screen(COLUMNS, 40)
    stream = pyte.ByteStream(screen)
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ |= {"TERM": "xterm-256color", "COLUMNS": str(COLUMNS)}
        os.environ |= {"LINES": "40", "PYTHONPATH": str(PROJECT)}
        scene = str(HERE / "scene.py")
        os.execv(sys.executable, [sys.executable, scene, command])
    until = time.monotonic() + PATIENCE
    while not any(awaited in line for line in screen.display):
        if time.monotonic() > until:
            shown = "\n".join(screen.display)
            raise SystemExit(f"{command}: {awaited!r} was never shown\n{shown}")
        if select.select([terminal], [], [], 1.0)[0]:
            stream.feed(os.read(terminal, 1 << 16))
    while select.select([terminal], [], [], 0.05)[0]:  # the rest of that screen
        stream.feed(os.read(terminal, 1 << 16))
    os.kill(pid, signal.SIGINT)
    os.waitpid(pid, 0)
    lines = []
    last = max(i for i, line in enumerate(screen.display) if line.strip())
    for row in range(last + 1):
        text = Text()
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            style = "" if cell.fg == "default" else _style(cell.fg)
            text.append(cell.data, f"bold {style}" if cell.bold else style)
        text.rstrip()
        lines.append(text)
    return draw(lines, command.split()[0])


def draw(lines: list[Text], name: str) -> str:
    """Return the SVG of a screen with these lines."""
    from rich.console import Console

    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    for line in lines:
        console.print(line, no_wrap=True)
    return console.export_svg(title="winsvc", unique_id=f"winsvc-{name}")


def _style(colour: str) -> str:
    return {"brown": "yellow"}.get(colour, colour if colour.isalpha() else f"#{colour}")


def draw_doctor(text: str) -> str:
    """Return the SVG of what the doctor wrote, broken where a terminal breaks it."""
    from rich.text import Text

    pieces = [
        line[begin : begin + COLUMNS]
        for line in text.splitlines()
        for begin in range(0, max(len(line), 1), COLUMNS)
    ]
    return draw([Text(piece) for piece in pieces], "doctor")


def main() -> None:
    """Make them all."""
    if "--wine" in sys.argv[1:]:
        rig = [sys.executable, "tests/wine/rig.py", "--exec", "docs/screens/on_wine.py"]
        done = subprocess.run(
            rig, cwd=PROJECT, check=True, stdout=subprocess.PIPE, text=True
        )
        head, _, text = done.stdout.partition("-----\n")
        python = head.partition("Python: ")[2].strip()
        # Where the rig keeps its Python says nothing to a reader.
        text = text.replace(python, "C:\\Python").strip()
        (HERE / "doctor.svg").write_text(draw_doctor(text))
        return
    for name, (command, awaited) in SCENES.items():
        (HERE / f"{name}.svg").write_text(take(command, awaited))
        print(name)


if __name__ == "__main__":
    main()

"""Make the screens of docs/command-line.md: what real commands write to a terminal.

    pip install pyte rich argcomplete
    python docs/screens/make.py              status, list, start, watch: as SVG
    python docs/screens/make.py --wine       doctor, on Wine's SCM: as text

The first run on a simulated SCM in a terminal of 100 columns, whose screen is taken
when a line is on it.  Linux.
"""

import io
import os
import pty
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

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
    from rich.console import Console
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
    console = Console(record=True, width=COLUMNS, file=io.StringIO())
    last = max(i for i, line in enumerate(screen.display) if line.strip())
    for row in range(last + 1):
        text = Text()
        for column in range(COLUMNS):
            cell = screen.buffer[row][column]
            style = "" if cell.fg == "default" else _style(cell.fg)
            text.append(cell.data, f"bold {style}" if cell.bold else style)
        text.rstrip()
        console.print(text, no_wrap=True)
    return console.export_svg(title="winsvc", unique_id=f"winsvc-{command.split()[0]}")


def _style(colour: str) -> str:
    return {"brown": "yellow"}.get(colour, colour if colour.isalpha() else f"#{colour}")


def write_doctor(text: str) -> None:
    """Put the text where docs/command-line.md shows it."""
    page = HERE.parent / "command-line.md"
    before, mark, after = page.read_text().partition("a real SCM (Wine's):\n\n```\n")
    _, end, rest = after.partition("\n```\n")
    page.write_text(before + mark + text + end + rest)


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
        write_doctor(text.replace(python, "C:\\Python").strip())
        return
    for name, (command, awaited) in SCENES.items():
        (HERE / f"{name}.svg").write_text(take(command, awaited))
        print(name)


if __name__ == "__main__":
    main()

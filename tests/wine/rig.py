"""Run the tests of tests/windows under Wine, with a Windows CPython.

    python tests/wine/rig.py [options] [pytest arguments]
    python tests/wine/rig.py [options] --exec script.py [arguments]
    python tests/wine/rig.py [options] --run -- python.exe -m winsvc [arguments]

The Windows Python has the version of the Python that runs the rig, which needs
pip and setuptools.  The exit code is that of the program; 2 means that the rig
could not set up, and 124 that the run took too long.
"""

import argparse
import fcntl
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import NoReturn

from environment import Environment
from prefix import Prefix, windows_path
from session import run_windows
from tools import PROJECT, RigError, ensure_tools, say
from windows_python import VERSION, cached_python

SETUP_FAILED = 2
TAKES_REST = {"--exec", "--run"}
# -P: the wheel is under test, not the source tree; -u: see lines as they come.
PYTEST = ["-P", "-u", "-m", "pytest", "-p", "no:cacheprovider"]


def parse_arguments(argv: list[str]) -> tuple[argparse.Namespace, list[str]]:
    """Return the rig's options and what it hands on."""
    # What follows these two is not ours, whatever it looks like.
    cut = 1 + next((i for i, word in enumerate(argv) if word in TAKES_REST), len(argv))
    command = argv[cut:]
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--setup-only", action="store_true", help="do not run anything")
    what.add_argument("--exec", action="store_true", help="run a Python script")
    what.add_argument("--run", action="store_true", help="run a Windows program")
    parser.add_argument(
        "--rig-timeout",
        type=float,
        default=1800,
        metavar="SECONDS",
        help="kill everything after this time (default: %(default)g)",
    )
    options, rest = parser.parse_known_args(argv[:cut])
    if options.exec or options.run:
        if rest:
            parser.error(f"not an option of the rig: {' '.join(rest)}")
        rest = command[command[:1] == ["--"] :]
        if not rest:
            parser.error("nothing to run")
    return options, rest


def command_line(
    options: argparse.Namespace, rest: list[str], python: str
) -> list[str]:
    """Return the Windows command that the options ask for."""
    if options.exec:
        return [python, "-u", *rest]
    if options.run:
        program, *arguments = rest
        known = {"python", "python.exe"}
        return [python if program in known else program, *arguments]
    named = any((PROJECT / word.partition("::")[0]).exists() for word in rest)
    return [python, *PYTEST, *([] if named else ["tests/windows"]), *rest]


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Keep other rigs out of the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say(f"another rig uses {folder}; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    """Turn SIGTERM into the exception that Ctrl+C raises."""
    raise KeyboardInterrupt


def main() -> int:
    """Set up, run, and return the exit code."""
    options, rest = parse_arguments(sys.argv[1:])
    signal.signal(signal.SIGTERM, terminate)
    folder = PROJECT / "build" / "wine" / VERSION
    with only_one(folder):
        tools = ensure_tools()
        environment = Environment(tools, cached_python(tools), folder)
        environment.prepare()
        prefix = Prefix(tools, folder / "prefix")
        prefix.prepare()
        if options.setup_only:
            say(f"ready: {environment.python}")
            return 0
        command = command_line(options, rest, windows_path(environment.python))
        return run_windows(
            tools,
            prefix,
            command,
            variables={"WINSVC_TEST_BIN": windows_path(environment.programs)},
            timeout=options.rig_timeout,
        )


if __name__ == "__main__":
    try:
        sys.exit(main())
    except RigError as error:
        say(f"CANNOT RUN: {error}")
        sys.exit(SETUP_FAILED)
    except KeyboardInterrupt:
        say("interrupted")
        sys.exit(130)

"""The command line: of ``python -m winsvc``, and of a service's own script."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any, NoReturn

from winsvc.base import class_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence
    from typing import TypeAlias

    from winsvc.base import HasService, ServiceBase
    from winsvc.manager import ServiceManager

    Classes: TypeAlias = Sequence[type[ServiceBase]]

USAGE = 2
START_TYPES = ("auto", "manual", "disabled")
PATIENCE = 150.0

_EPILOG = """\
exit codes: 0 done, 1 refused or not in time, 2 wrong usage

TARGET is module:Class, or the path of a .py file and :Class; the class may be
left out where there is only one.  Several TARGETs are installed as services of
one process; its host command has NAME=TARGET for each.  NAME is a service's key
name.
"""


def main(
    *services: type[ServiceBase] | HasService,
    argv: Sequence[str] | None = None,
    manager_factory: Callable[[], ServiceManager] | None = None,
) -> NoReturn:
    """Run the command line, then exit.

    Args:
        services: The script's own service, which all commands are about; several
            for one shared process, of which commands name one; none: they name a
            target or a service.
        argv: The arguments; default: those of the process.
        manager_factory: Opens the SCM; default: this computer's.

    Raises:
        SystemExit: Always: 0 done, 1 the SCM refused or the time was up, 2 wrong
            usage; ``host``: the service's exit code.

    A script that the SCM has started, so without arguments, is hosted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    classes = tuple(map(class_of, services))
    if classes and not words and os.name == "nt":
        _host_if_started(classes)
    # After that: the SCM waits for nothing but what has to be imported.
    parser = make_parser(classes)
    if not words:
        parser.print_help(sys.stderr)
        sys.exit(USAGE)
    from winsvc.commands import Commands

    cut = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:cut])
    parameters = words[cut + 1 :]
    if parameters and not hasattr(options, "args"):
        parser.error(f"{options.command} takes no parameters")
    if hasattr(options, "args"):
        options.args += parameters
    sys.exit(Commands(parser, classes, manager_factory).run(options))


def _host_if_started(services: Classes) -> None:
    from winsvc.errors import NotStartedBySCM
    from winsvc.process import run

    try:
        sys.exit(run(*services))
    except NotStartedBySCM:
        return


def make_parser(services: Classes) -> argparse.ArgumentParser:
    """Return the parser, of a script if there are services."""
    import argparse

    parser = argparse.ArgumentParser(
        prog=None if services else "python -m winsvc",
        description=_describe(services),
        epilog=None if services else _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def add(name: str, text: str, **more: Any) -> argparse.ArgumentParser:
        return commands.add_parser(
            name, help=text, description=text, allow_abbrev=False, **more
        )

    _add_install(add("install", "create the service"), services)
    for name, text in (
        ("start", "start it and wait until it runs"),
        ("stop", "stop it and wait until it has stopped"),
        ("restart", "stop it, wait, and start it again"),
        ("pause", "pause it and wait until it has paused"),
        ("continue", "let it go on after a pause"),
    ):
        waiting = add(name, text)
        _add_waiting(waiting, services, or_all=name in ("start", "stop"))
        if name in ("start", "restart"):
            _add_args(waiting)
    status = add("status", "tell its state, and how it ended")
    if len(services) > 1:
        status.add_argument("name", nargs="?", **_one_of(services))
        status.set_defaults(all=True)
    else:
        _add_name(status, services)
    listing = add("list", "list the services of this computer")
    listing.add_argument("filter", nargs="?", metavar="PATTERN", help="such as *sql*")
    listing.add_argument("--state", metavar="STATE", help="such as running")
    control = add("control", "send it a control code")
    _add_name(control, services)
    control.add_argument("code", type=_control, metavar="CODE", help="128 to 255, …")
    _add_name(add("remove", "delete the service"), services, or_all=True)
    debug = add("debug", "run it in this terminal, on any system")
    _add_targets(debug, services, nargs=1)
    if len(services) > 1:
        _add_name(debug, services)
    _add_args(debug)
    host = add("host", "be the service's process: for the SCM")
    host.add_argument("--log-file", metavar="FILE", help="where to log")
    if not services:
        host.add_argument("--path", action="append", default=[], metavar="DIR")
        add("demo", "see a service's life in ten seconds, on any system")
        _add_bench(add("bench", "measure how fast the SCM is answered"))
    _add_targets(host, services, nargs="+")
    return parser


def _describe(services: Classes) -> str:
    if not services:
        return "Run Python programs as Windows services."
    if len(services) == 1:
        return f"{services[0].name}: a Windows service."
    return f"{_names(services)}: Windows services in one process."


def _names(services: Classes) -> str:
    return ", ".join(service.name for service in services)


def _add_targets(
    parser: argparse.ArgumentParser, services: Classes, nargs: int | str
) -> None:
    if not services:
        parser.add_argument(
            "targets", nargs=nargs, metavar="TARGET", help="module:Class or file.py"
        )


def _add_name(
    parser: argparse.ArgumentParser, services: Classes, *, or_all: bool = False
) -> None:
    if not services:
        parser.add_argument("name", metavar="NAME", help="the service's key name")
    elif len(services) == 1:
        text = "if installed under another name"
        parser.add_argument("--name", default=services[0].name, help=text)
    elif or_all:
        group = parser.add_mutually_exclusive_group(required=True)
        group.add_argument("name", nargs="?", **_one_of(services))
        group.add_argument("--all", action="store_true", help="each of them")
    else:
        parser.add_argument("name", **_one_of(services))


def _one_of(services: Classes) -> dict[str, Any]:
    """Return what an argument that names one of the script's services needs."""

    def key_name(text: str) -> str:
        for service in services:
            if service.name.lower() == text.lower():
                return service.name
        raise _usage(f"{text!r} is none of {_names(services)}")

    text = _names(services).replace("%", "%%")
    return {"type": key_name, "metavar": "NAME", "help": text}


def _add_args(parser: argparse.ArgumentParser) -> None:
    text = "start parameters; after -- if they look like options"
    parser.add_argument("args", nargs="*", metavar="PARAMETER", help=text)


def _add_install(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_targets(parser, services, nargs="+")
    if len(services) > 1:
        parser.set_defaults(name=None, display_name=None, description=None)
    else:
        parser.add_argument("--name", help="key name; default: the class's")
        text = "the name people see"
        parser.add_argument("--display-name", metavar="TEXT", help=text)
        parser.add_argument("--description", metavar="TEXT")
    parser.add_argument("--start-type", choices=START_TYPES)
    parser.add_argument("--account", help=r"such as .\user; default: LocalSystem")
    text = "read the account's password from standard input"
    parser.add_argument("--password-stdin", action="store_true", help=text)
    parser.add_argument("--log-file", metavar="FILE", help="default: logs/NAME.log")


def _add_bench(parser: argparse.ArgumentParser) -> None:
    from pathlib import Path

    text = "such as control; default: all that can be measured here"
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=text)
    parser.add_argument("--list", action="store_true", help="tell the groups")
    text = "how often each group measures; default: as it needs"
    parser.add_argument("--rounds", type=_rounds, metavar="N", help=text)
    text = "default: bench-results, in a checkout build/bench"
    parser.add_argument("--output", type=Path, metavar="DIR", help=text)
    text = "tell what has changed since that result"
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help=text)
    text = "measure nothing: only show this result"
    parser.add_argument("--report", type=Path, metavar="FILE.json", help=text)
    text = "tables in Markdown"
    parser.add_argument("--markdown", action="store_true", help=text)


def _rounds(text: str) -> int:
    if not (text.isdecimal() and int(text)):
        raise _usage(f"{text!r} is no number of rounds")
    return int(text)


def _add_waiting(
    parser: argparse.ArgumentParser, services: Classes, *, or_all: bool
) -> None:
    _add_name(parser, services, or_all=or_all)
    text = "how long to wait (default: %(default)g)"
    parser.add_argument(
        "--timeout", type=_seconds, default=PATIENCE, metavar="SECONDS", help=text
    )
    text = "return at once"
    parser.add_argument("--no-wait", dest="wait", action="store_false", help=text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        raise _usage(f"{text!r} is no number of seconds")
    return seconds


def _control(text: str) -> int:
    from winsvc.states import Control

    if text.upper() in Control.__members__:
        return Control[text.upper()]
    try:
        return int(text, 0)
    except ValueError:
        raise _usage(f"{text!r} is no control code: write 128 to 255") from None


def _usage(text: str) -> Exception:
    import argparse

    return argparse.ArgumentTypeError(text)

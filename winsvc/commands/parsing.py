"""The parser of the command line: the commands and their arguments."""

from __future__ import annotations

import argparse
import os
import platform
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

from winsvc import __version__
from winsvc.base import ServiceBase
from winsvc.commands import words

Classes: TypeAlias = Sequence[type[ServiceBase]]
Fill: TypeAlias = Callable[[argparse.ArgumentParser, Classes], None]

PATIENCE = 150.0

_EPILOG = """\
exit codes: 0 done, 1 refused or not in time, 2 wrong usage, 3 there are
differences (plan --check), 130 interrupted

TARGET is module:Class, or the path of a .py file and :Class; the class may be
left out where there is only one.  Several TARGETs are installed as services of
one process; its host command has NAME=TARGET for each.  NAME is a service's key
name.
"""


def make_parser(
    services: Classes, command: str | None = None
) -> argparse.ArgumentParser:
    """Return the parser.

    Args:
        services: The script's; none for ``python -m winsvc``.
        command: The only one whose arguments are needed; default: all.
    """
    parser = argparse.ArgumentParser(
        prog=None if services else _program(),
        description=_describe(services),
        epilog=None if services else _EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    version = f"winsvc {__version__}, Python {platform.python_version()}"
    parser.add_argument("--version", action="version", version=version)
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, (text, fill) in _COMMANDS.items():
        if services and name in _WITHOUT_SCRIPT:
            continue
        each = commands.add_parser(
            name, help=text, description=text, allow_abbrev=False
        )
        if command in (None, name):
            fill(each, services)
    return parser


def parser_of(parser: argparse.ArgumentParser, command: str) -> argparse.ArgumentParser:
    """Return the parser of a command's own arguments."""
    for action in parser._actions:  # noqa: SLF001 - argparse does not tell them
        if action.dest == "command" and isinstance(action.choices, dict):
            found: argparse.ArgumentParser = action.choices[command]
            return found
    return parser


def _program() -> str:
    name = os.path.basename(sys.argv[0]).lower().removesuffix(".exe")
    return "winsvc" if name == "winsvc" else "python -m winsvc"


def _describe(services: Classes) -> str:
    if not services:
        return "Run Python programs as Windows services."
    if len(services) == 1:
        return f"{services[0].name}: a Windows service."
    return f"{_names(services)}: Windows services in one process."


def _names(services: Classes) -> str:
    return ", ".join(service.name for service in services)


# --- arguments that several commands have --------------------------------------------


def _add_client(parser: argparse.ArgumentParser) -> None:
    """Add what all commands have that ask or tell the SCM something."""
    text = "the SCM of another computer"
    parser.add_argument("--machine", type=words.filled, metavar="COMPUTER", help=text)
    text = "one line of JSON in place of text"
    parser.add_argument("--json", action="store_true", help=text)


def _add_targets(
    parser: argparse.ArgumentParser, services: Classes, nargs: int | str
) -> None:
    if not services:
        parser.add_argument(
            "targets",
            nargs=nargs,
            type=words.filled,
            metavar="TARGET",
            help="module:Class or file.py",
        )


def _add_name(
    parser: argparse.ArgumentParser, services: Classes, *, or_all: bool = False
) -> None:
    if not services:
        parser.add_argument("name", metavar="NAME", help="the service's key name")
    elif len(services) == 1:
        text = "if installed under another name"
        parser.add_argument(
            "--name", type=words.filled, default=services[0].name, help=text
        )
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
        raise argparse.ArgumentTypeError(f"{text!r} is none of {_names(services)}")

    text = _names(services).replace("%", "%%")
    return {"type": key_name, "metavar": "NAME", "help": text}


def _add_args(parser: argparse.ArgumentParser) -> None:
    text = "start parameters; after -- if they look like options"
    parser.add_argument("args", nargs="*", metavar="PARAMETER", help=text)


# --- the commands --------------------------------------------------------------------


def _fill_install(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_targets(parser, services, nargs="*")
    text = "create nothing: only show what would be"
    parser.add_argument("--dry-run", action="store_true", help=text)
    _add_wanted(parser, services)


def _fill_change(
    command: str, parser: argparse.ArgumentParser, services: Classes
) -> None:
    if not services:
        parser.set_defaults(targets=None)
        text = "a .toml file, and a service in it (default: each); or the key name "
        text += "of one to change"
        parser.add_argument(
            "words", nargs="*", type=words.filled, metavar="FILE|NAME", help=text
        )
        text = "module:Class or file.py: what it runs, as `install` has it"
        parser.add_argument(
            "--target", dest="targets", action="append", metavar="TARGET", help=text
        )
    if command == "plan":
        text = "exit with 3 if there is something to change"
        parser.add_argument("--check", action="store_true", help=text)
    _add_wanted(parser, services)


def _add_wanted(parser: argparse.ArgumentParser, services: Classes) -> None:
    if services:
        parser.set_defaults(targets=[], words=[])
    if len(services) > 1:
        parser.set_defaults(name=None)
    else:
        text = "key name; default: the class's"
        parser.add_argument("--name", type=words.filled, help=text)
    text = "take the settings from a TOML file, options before them"
    parser.add_argument(
        "--from", dest="source", type=words.filled, metavar="FILE", help=text
    )
    text = "default: where it logs now; of a new one logs/NAME.log"
    parser.add_argument("--log-file", type=words.filled, metavar="FILE", help=text)
    _add_client(parser)
    _add_settings(parser)


def _add_settings(parser: argparse.ArgumentParser) -> None:
    from winsvc.commands.options import add_settings
    from winsvc.commands.passwords import add_sources

    add_sources(parser)
    add_settings(parser)


def _fill_config(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_name(parser, services)
    _add_client(parser)
    text = "in the form that `apply` takes"
    parser.add_argument("--toml", action="store_true", help=text)
    text = "write that form into a file, as UTF-8"
    parser.add_argument("--output", type=Path, metavar="FILE", help=text)
    _add_settings(parser)


def _fill_waiting(
    command: str, parser: argparse.ArgumentParser, services: Classes
) -> None:
    _add_name(parser, services, or_all=command in ("start", "stop"))
    _add_timeout(parser)
    if command in ("start", "stop"):
        state = "running" if command == "start" else "stopped"
        text = f"if it is {state} already, that is done"
        parser.add_argument("--if-needed", action="store_true", help=text)
    text = "return at once"
    parser.add_argument("--no-wait", dest="wait", action="store_false", help=text)
    if command in ("stop", "restart"):
        text = "stop what depends on it too, and first"
        text += "; start it again at the end" if command == "restart" else ""
        parser.add_argument("--dependents", action="store_true", help=text)
    if command in ("stop", "restart"):
        text = "why, for the event log, such as planned:software:upgrade"
        parser.add_argument("--reason", type=words.reason, metavar="REASON", help=text)
        parser.add_argument("--comment", metavar="TEXT", help="more about why")
    _add_client(parser)
    if command in ("start", "restart"):
        _add_args(parser)


def _add_timeout(parser: argparse.ArgumentParser) -> None:
    text = "how long to wait (default: %(default)g)"
    parser.add_argument(
        "--timeout", type=words.seconds, default=PATIENCE, metavar="SECONDS", help=text
    )


def _fill_control(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_name(parser, services)
    parser.add_argument(
        "code", type=words.control, metavar="CODE", help="128 to 255, …"
    )
    _add_client(parser)


def _fill_status(parser: argparse.ArgumentParser, services: Classes) -> None:
    if not services:
        text = "key names"
        parser.add_argument("names", nargs="+", metavar="NAME", help=text)
    elif len(services) == 1:
        text = "if installed under another name"
        parser.add_argument(
            "--name",
            dest="names",
            nargs=1,
            type=words.filled,
            default=[services[0].name],
            help=text,
        )
    else:
        every = [service.name for service in services]
        parser.add_argument("names", nargs="*", default=every, **_one_of(services))
    _add_client(parser)


def _fill_list(parser: argparse.ArgumentParser, _services: Classes) -> None:
    parser.add_argument("filter", nargs="?", metavar="PATTERN", help="such as *sql*")
    parser.add_argument("--state", metavar="STATE", help="such as running")
    text = "those of a load-order group"
    parser.add_argument("--group", metavar="GROUP", help=text)
    _add_client(parser)


def _fill_dependents(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_name(parser, services)
    text = "leave out those that are stopped"
    parser.add_argument("--active", action="store_true", help=text)
    _add_client(parser)


def _fill_watch(parser: argparse.ArgumentParser, services: Classes) -> None:
    if len(services) == 1:
        _add_name(parser, services)
    else:
        named = _one_of(services) if services else {"metavar": "NAME"}
        parser.add_argument("name", nargs="?", **named | {"help": "default: every one"})
    _add_client(parser)


def _fill_logs(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_name(parser, services)
    text = "the event log's entries in place of its log file's lines"
    parser.add_argument("--events", action="store_true", help=text)
    text = "only the last ones (default: %(default)d)"
    parser.add_argument("--lines", type=words.count, default=20, metavar="N", help=text)
    text = "only newer ones: 10m, 2h, 1d, or 2030-01-31T12:00; not limited to --lines"
    parser.add_argument("--since", type=words.since, metavar="WHEN", help=text)
    text = "go on with those that come, until Ctrl+C"
    parser.add_argument("--follow", action="store_true", help=text)
    _add_client(parser)


def _fill_doctor(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_name(parser, services)
    text = "whether to import its code; default: if only administrators can change it"
    parser.add_argument(
        "--import",
        dest="import_target",
        action=argparse.BooleanOptionalAction,
        help=text,
    )
    text = "show the checks too that found nothing"
    parser.add_argument("--verbose", action="store_true", help=text)
    _add_client(parser)


def _fill_remove(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_name(parser, services, or_all=True)
    text = "stop it first, and wait until it has stopped"
    parser.add_argument("--stop", action="store_true", help=text)
    text = "with --stop, stop what depends on it too, and first"
    parser.add_argument("--dependents", action="store_true", help=text)
    _add_timeout(parser)
    _add_client(parser)


def _fill_access(
    command: str, parser: argparse.ArgumentParser, services: Classes
) -> None:
    _add_name(parser, services)
    text = r"such as DOMAIN\user, a group, or a SID"
    parser.add_argument("account", metavar="ACCOUNT", help=text)
    if command != "revoke":
        text = f"{command} stopping the service too"
        parser.add_argument("--stop", action="store_true", help=text)
    _add_client(parser)


def _fill_debug(parser: argparse.ArgumentParser, services: Classes) -> None:
    _add_targets(parser, services, nargs=1)
    if len(services) > 1:
        _add_name(parser, services)
    _add_args(parser)


def _fill_host(parser: argparse.ArgumentParser, services: Classes) -> None:
    text = "where to log"
    parser.add_argument("--log-file", type=words.filled, metavar="FILE", help=text)
    if not services:
        parser.add_argument("--path", action="append", default=[], metavar="DIR")
    _add_targets(parser, services, nargs="+")


def _fill_demo(_parser: argparse.ArgumentParser, _services: Classes) -> None:
    """Add nothing."""


def _fill_bench(parser: argparse.ArgumentParser, _services: Classes) -> None:
    text = "such as control; default: all that can be measured here"
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=text)
    parser.add_argument("--list", action="store_true", help="tell the groups")
    text = "how often each group measures; default: as it needs"
    parser.add_argument("--rounds", type=words.rounds, metavar="N", help=text)
    text = "default: bench-results, in a checkout build/bench"
    parser.add_argument("--output", type=Path, metavar="DIR", help=text)
    text = "tell what has changed since that result"
    parser.add_argument("--compare", type=Path, metavar="OLD.json", help=text)
    text = "measure nothing: only show this result"
    parser.add_argument("--report", type=Path, metavar="FILE.json", help=text)
    text = "tables in Markdown"
    parser.add_argument("--markdown", action="store_true", help=text)


def _waiting(command: str) -> Fill:
    return partial(_fill_waiting, command)


_COMMANDS: dict[str, tuple[str, Fill]] = {
    "install": ("create the service", _fill_install),
    "config": ("show its settings", _fill_config),
    "plan": ("show what `apply` would change", partial(_fill_change, "plan")),
    "apply": (
        "create it, or change only what differs",
        partial(_fill_change, "apply"),
    ),
    "grant": ("allow an account to start it", partial(_fill_access, "grant")),
    "deny": ("forbid an account to start it", partial(_fill_access, "deny")),
    "revoke": (
        "undo what was granted or denied to an account",
        partial(_fill_access, "revoke"),
    ),
    "remove": ("delete the service", _fill_remove),
    "start": ("start it and wait until it runs", _waiting("start")),
    "stop": ("stop it and wait until it has stopped", _waiting("stop")),
    "restart": ("stop it, wait, and start it again", _waiting("restart")),
    "pause": ("pause it and wait until it has paused", _waiting("pause")),
    "continue": ("let it go on after a pause", _waiting("continue")),
    "control": ("send it a control code", _fill_control),
    "status": ("tell its state, and how it ended", _fill_status),
    "list": ("list the services of a computer", _fill_list),
    "dependents": ("list what depends on it", _fill_dependents),
    "watch": ("tell each change as it comes, until Ctrl+C", _fill_watch),
    "logs": ("show its log, or its entries in the event log", _fill_logs),
    "doctor": ("look for what keeps it from working", _fill_doctor),
    "debug": ("run it in this terminal, on any system", _fill_debug),
    "host": ("be the service's process: for the SCM", _fill_host),
    "demo": ("see a service's life in ten seconds, on any system", _fill_demo),
    "bench": ("measure how fast the SCM is answered", _fill_bench),
}
_WITHOUT_SCRIPT = ("demo", "bench")

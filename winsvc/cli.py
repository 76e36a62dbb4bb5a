"""The command line: of ``python -m winsvc``, and of a service's own script."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, NoReturn

from winsvc.base import class_of

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable, Sequence

    from winsvc.base import HasService, ServiceBase
    from winsvc.manage.manager import ServiceManager

USAGE = 2


def main(
    *services: type[ServiceBase] | HasService,
    argv: Sequence[str] | None = None,
    manager_factory: Callable[..., ServiceManager] | None = None,
    log_file: str | None = None,
) -> NoReturn:
    """Run the command line, then exit.

    Args:
        services: The script's own service, which all commands are about; several
            for one shared process, of which commands name one; none: they name a
            target or a service.
        argv: The arguments; default: those of the process.
        manager_factory: Opens the SCM; it is given the name of ``--machine``, or
            nothing.  Default: :class:`winsvc.ServiceManager`.
        log_file: Where the script's services log, as for :func:`winsvc.run`, unless
            ``--log-file``, or a file of settings, says otherwise.

    Raises:
        SystemExit: Always: 0 done, 1 the SCM refused or the time was up, 2 wrong
            usage, 130 interrupted; ``host``: the service's exit code.

    A script that the SCM has started, so without arguments, is hosted.
    """
    words = list(sys.argv[1:] if argv is None else argv)
    classes = tuple(map(class_of, services))
    if classes and not words and os.name == "nt":
        _host_if_started(classes, log_file)
    try:
        _run_command(words, classes, manager_factory, log_file)
    except KeyboardInterrupt as error:  # while all that is needed is imported
        interrupted(words, error)


def interrupted(words: Sequence[str], error: KeyboardInterrupt) -> NoReturn:
    """Say that a command was interrupted before it had begun, and exit."""
    import argparse

    from winsvc.commands.answers import INTERRUPTED, refuse

    options = argparse.Namespace(json="--json" in words)
    sys.exit(refuse(options, "interrupted", error, code=INTERRUPTED))


def _run_command(
    words: Sequence[str],
    classes: Sequence[type[ServiceBase]],
    manager_factory: Callable[..., ServiceManager] | None,
    log_file: str | None,
) -> NoReturn:
    # Not before: the SCM waits for nothing but what has to be imported.
    from winsvc.commands.output import guarded
    from winsvc.commands.parsing import make_parser

    if "_ARGCOMPLETE" in os.environ:
        from winsvc.commands.completion import complete

        complete(make_parser(classes), manager_factory)
    with guarded():
        parser = make_parser(classes, words[0] if words else "")
        if not words:
            parser.print_help(sys.stderr)
            sys.exit(USAGE)
        options = _parse(parser, list(words))
        options.default_log_file = log_file
        from winsvc.commands import Commands

        sys.exit(Commands(parser, classes, manager_factory).run(options))


def _host_if_started(
    services: Sequence[type[ServiceBase]], log_file: str | None
) -> None:
    from winsvc.errors import NotStartedBySCM
    from winsvc.process import run

    try:
        sys.exit(run(*services, log_file=log_file))
    except NotStartedBySCM:
        return


def _parse(parser: argparse.ArgumentParser, words: list[str]) -> argparse.Namespace:
    """Return the options; start parameters, after ``--``, are left as they are."""
    cut = words.index("--") if "--" in words else len(words)
    options = parser.parse_args(words[:cut])
    parameters = words[cut + 1 :]
    if parameters and not hasattr(options, "args"):
        parser.error(f"{options.command} takes no parameters")
    if hasattr(options, "args"):
        options.args += parameters
    return options

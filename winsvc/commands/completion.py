"""Completion in shells, where argcomplete is installed (docs/command-line.md)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from winsvc.manage.manager import ServiceManager

_STATES = ("running", "stopped", "paused")


def complete(
    parser: argparse.ArgumentParser, factory: Callable[..., ServiceManager] | None
) -> None:
    """Tell a shell what could come next, then exit; without argcomplete do nothing.

    Args:
        parser: With the arguments of all commands.
        factory: Opens the SCM, whose services are the names.
    """
    try:
        from argcomplete import autocomplete
    except ModuleNotFoundError:
        return

    def names(**_more: object) -> list[str]:
        return service_names(factory)

    for action in _actions(parser):
        if action.metavar in ("NAME", "FILE|NAME") and not action.option_strings:
            action.completer = names  # type: ignore[attr-defined]
        elif action.dest == "state":
            action.completer = lambda **_more: _STATES  # type: ignore[attr-defined]
    autocomplete(parser, always_complete_options=False, exit_method=sys.exit)


def service_names(factory: Callable[..., ServiceManager] | None) -> list[str]:
    """Return the services there are; none if the SCM does not tell."""
    if factory is None:
        from winsvc.manage.manager import ServiceManager

        factory = ServiceManager
    try:
        with factory() as manager:
            return [info.name for info in manager.list()]
    except OSError:  # nothing can be said in the middle of a command line
        return []


def _actions(parser: argparse.ArgumentParser) -> list[argparse.Action]:
    """Return the arguments of all commands."""
    found = list(parser._actions)  # noqa: SLF001 - argparse does not tell them
    for action in parser._actions:  # noqa: SLF001
        if isinstance(action.choices, dict):  # the commands
            for each in action.choices.values():
                found += _actions(each)
    return found

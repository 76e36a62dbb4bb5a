"""The commands about who may use a service, and for how long there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winsvc.commands.answers import DONE, Refused, tell
from winsvc.commands.controlling import stop_first
from winsvc.manage.security import TO_START, ServiceRight
from winsvc.states import State

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from winsvc.commands import Commands
    from winsvc.manage.manager import ServiceHandle


def grant(commands: Commands, options: argparse.Namespace) -> int:
    """Allow an account to start it, and to stop it if that is wanted."""
    allowed = TO_START | ServiceRight.STOP if options.stop else TO_START
    what = "start and stop" if options.stop else "start"
    text = f"{options.account} may {what} {options.name}"
    return _change(commands, options, text, lambda h: h.grant(options.account, allowed))


def deny(commands: Commands, options: argparse.Namespace) -> int:
    """Forbid an account to start it, and to stop it if that is wanted."""
    denied = ServiceRight.START
    if options.stop:
        denied |= ServiceRight.STOP
    what = "neither start nor stop" if options.stop else "not start"
    text = f"{options.account} may {what} {options.name}"
    return _change(commands, options, text, lambda h: h.deny(options.account, denied))


def revoke(commands: Commands, options: argparse.Namespace) -> int:
    """Undo what was granted or denied to an account."""
    text = f"{options.name} has no entry of {options.account}"
    return _change(commands, options, text, lambda h: h.revoke(options.account))


def _change(
    commands: Commands,
    options: argparse.Namespace,
    text: str,
    change: Callable[[ServiceHandle], bool],
) -> int:
    with commands.open(options) as manager, manager.open(options.name) as handle:
        try:
            is_new = change(handle)
        except ValueError as error:
            raise Refused(f"service {options.name!r}: {error}") from error
    fields = {"name": options.name, "account": options.account, "changed": is_new}
    tell(options, fields, text if is_new else f"{text} already: nothing to change")
    return DONE


def remove(commands: Commands, options: argparse.Namespace) -> int:
    """Delete a service, and its event source; stop it first if that is wanted."""
    if options.dependents and not options.stop:
        commands.wrong_usage("--dependents says more about --stop: write that too")
    with commands.open(options) as manager:
        with manager.open(options.name) as handle:
            if options.stop:
                stop_first(commands, options, manager, handle)
            state = handle.status().state
        manager.remove(options.name)
    if state is State.STOPPED:
        text = f"{options.name} is removed"
    else:
        text = f"{options.name} is {state.name}; once stopped it is removed"
    fields = {"name": options.name, "removed": state is State.STOPPED}
    tell(options, fields | {"state": state.name}, text)
    return DONE

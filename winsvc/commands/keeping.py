"""The commands about who may use a service, and for how long there is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from winsvc.commands.answers import DONE, REFUSED, Refused, tell
from winsvc.commands.controlling import stop_first
from winsvc.errors import ServiceNotFound
from winsvc.manage.security import TO_START, ServiceRight
from winsvc.states import State

if TYPE_CHECKING:
    import argparse
    from collections.abc import Callable

    from winsvc.commands import Commands
    from winsvc.manage.manager import ServiceHandle, ServiceManager

_GOING_SECONDS = 5.0  # E-34
_HELD = (
    "is marked for deletion: it goes when the last handle to it is closed "
    "(services.msc, a monitor, `watch`)"
)
_RUNNING = "once stopped it is removed, its event source by another `remove`"


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
        if options.stop:
            _stop(commands, options, manager)
        is_gone = manager.remove(options.name, timeout=_GOING_SECONDS)
        state = State.STOPPED if is_gone else _state_of(manager, options.name)
    if is_gone:
        reason, text = None, f"{options.name} is removed"
    elif state is State.STOPPED:
        reason, text = "open", f"{options.name} {_HELD}"
    else:
        reason, text = "running", f"{options.name} is {state.name}; {_RUNNING}"
    fields = {"name": options.name, "removed": is_gone}
    tell(options, fields | {"state": state.name, "reason": reason}, text)
    return REFUSED if reason == "open" else DONE


def _stop(
    commands: Commands, options: argparse.Namespace, manager: ServiceManager
) -> None:
    try:
        handle = manager.open(options.name)
    except ServiceNotFound:
        return  # there may be its event source yet
    with handle:
        stop_first(commands, options, manager, handle)


def _state_of(manager: ServiceManager, name: str) -> State:
    try:
        with manager.open(name) as handle:
            return handle.status().state
    except ServiceNotFound:  # it has gone since
        return State.STOPPED

"""What a service depends on, as the SCM has it."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from winsvc.doctor.facts import Dependency
from winsvc.errors import ServiceError, ServiceNotFound
from winsvc.manage.manager import ServiceManager
from winsvc.states import State
from winsvc.winerror import ERROR_SERVICE_DOES_NOT_EXIST


def look_up(manager: ServiceManager, name: str) -> Dependency:
    """Return how a service, or a group with "+" in front, is.

    Raises:
        ServiceError: It may not be read.
    """
    if name.startswith("+"):
        try:
            members = manager.list(group=name[1:])
        except ServiceNotFound:  # F-16: no service is in that group
            members = ()
        is_up = any(info.status.state is not State.STOPPED for info in members)
        state = State.RUNNING if is_up else State.STOPPED if members else None
        return Dependency(name=name, state=state)
    try:
        with manager.open(name) as handle:
            status, config = handle.status(), handle.config()
    except ServiceError as error:
        if error.winerror != ERROR_SERVICE_DOES_NOT_EXIST:
            raise
        return Dependency(name=name, state=None)
    return Dependency(
        name=name,
        state=status.state,
        start_type=config.start_type,
        exit_code=status.exit_code,
    )


def needs_of(manager: ServiceManager, name: str) -> tuple[str, ...]:
    """Return the services that a service depends on directly, groups left out.

    Raises:
        ServiceError: It may not be read.
    """
    try:
        with manager.open(name) as handle:
            needs = handle.config().dependencies or ()
    except ServiceError as error:
        if error.winerror != ERROR_SERVICE_DOES_NOT_EXIST:
            raise
        return ()
    return tuple(each for each in needs if not each.startswith("+"))


def distinct(names: Iterable[str]) -> tuple[str, ...]:
    """Return names as they come, each once; their case does not count (E-1)."""
    found: dict[str, str] = {}
    for name in names:
        found.setdefault(name.upper(), name)
    return tuple(found.values())


def find_circle(name: str, needs: Callable[[str], Iterable[str]]) -> tuple[str, ...]:
    """Return services of which each needs the next, and the last the first.

    Args:
        name: Where to begin; it need not be one of them.
        needs: Returns what a service needs.  Each is asked for once.

    Returns:
        The first such circle; empty: there is none.
    """
    path: dict[str, str] = {}
    finished: set[str] = set()

    def visit(each: str) -> tuple[str, ...]:
        key = each.upper()
        if key in path:
            return tuple(path.values())[list(path).index(key) :]
        if key in finished:
            return ()
        path[key] = each
        for other in needs(each):
            if found := visit(other):
                return found
        del path[key]
        finished.add(key)
        return ()

    return visit(name)

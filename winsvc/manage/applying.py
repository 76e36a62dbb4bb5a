"""From a plan to the steps that carry it out.

Their order is the one that the SCM's rules allow: what conflicts with a new group
or type goes before them, what needs them comes after (E-43, E-49d).  What cannot
be taken back, a password and launch protection, comes late.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from itertools import starmap
from typing import Any

from winsvc._interfaces import Capsule
from winsvc.errors import ServiceError
from winsvc.manage import rights
from winsvc.manage.backend import Backend, Handles, change_security
from winsvc.manage.logon_right import right_step
from winsvc.manage.planning import Plan
from winsvc.manage.reading import BASIC, LEVELS
from winsvc.manage.status import ServiceInfo
from winsvc.manage.transaction import Step
from winsvc.settings.accounts import takes_password
from winsvc.settings.levels import pack
from winsvc.settings.values import NO_NODE, ActionKind, ErrorControl
from winsvc.states import ServiceType, StartType
from winsvc.winerror import ERROR_DUPLICATE_SERVICE_NAME

_LAST_LEVELS = ("delayed", "preferred_node", "launch_protection")


def steps_of(plan: Plan, backend: Backend, handles: Handles) -> Iterator[Step]:
    """Yield the steps of a plan, in their order; behind those of the creation.

    Args:
        plan: The plan.
        backend: The SCM.
        handles: The service's.
    """
    name, is_new = plan.changes.service, plan.changes.is_new
    if plan.grantee is not None and not is_new:
        yield right_step(plan.grantee, backend)
    levels = [setting for setting in LEVELS if setting in plan.new]
    late = [setting for setting in _LAST_LEVELS if setting in levels]
    early = [setting for setting in levels if setting not in late]
    if not is_new:
        for setting in ("delayed", "preferred_node"):
            if setting in late and plan.new[setting] in (False, NO_NODE):
                late.remove(setting)
                early.insert(0, setting)
    for setting in early:
        yield _level_step(setting, plan, backend, handles)
    if "environment" in plan.new:
        yield _environment_step(name, plan, backend)
    if "event_source" in plan.new:
        yield _source_step(name, plan, backend)
    if "security" in plan.new:
        yield _security_step(plan, backend, handles)
    basic = any(setting in plan.new for setting in BASIC)
    if not is_new and (basic or plan.password is not None):
        yield _basic_step(plan, backend, handles)
    for setting in late:
        yield _level_step(setting, plan, backend, handles)


def rights_for(plan: Plan) -> Iterator[int]:
    """Yield the rights to an existing service that a plan's steps need."""
    if "security" in plan.new:
        yield rights.READ_CONTROL | rights.WRITE_DAC
    if "failure_actions" in plan.new:
        yield _right_for("failure_actions", plan)
    if plan.password is not None or any(
        setting in plan.new for setting in (*BASIC, *LEVELS)
    ):
        yield rights.CHANGE_CONFIG


def steps_of_creation(
    plan: Plan, backend: Backend, manager: Capsule, handles: Handles
) -> Iterator[Step]:
    """Yield the steps up to that which creates a plan's service.

    Args:
        plan: The plan.
        backend: The SCM.
        manager: A handle with the right to create services.
        handles: The service's, which get one with every right.
    """
    name, new = plan.changes.service, plan.new

    def do() -> None:
        arguments = (
            manager,
            name,
            int(new.get("service_type", ServiceType.OWN_PROCESS)),
            int(new.get("start_type", StartType.AUTO)),
            int(new.get("error_control", ErrorControl.NORMAL)),
            new["command"],
            new.get("group") or None,
            new.get("dependencies") or None,
            new.get("account"),
            plan.password,
            new.get("display_name", name),
            rights.OF_CREATOR,
        )
        created = starmap(backend.service_create, (arguments,))
        handles.add_all(zip((rights.OF_CREATOR,), created, strict=False))

    def undo() -> None:
        # Never by name: that may be a service which was there before.
        created = handles.held(rights.OF_CREATOR)
        try:
            if created is not None:
                backend.service_delete(created)
        finally:
            handles.close()

    if plan.grantee is not None:
        yield right_step(plan.grantee, backend)
    sets = [setting for setting in BASIC if setting in new]
    yield Step("create", do, undo, sets=tuple(sets))


@contextmanager
def telling_whose_name(
    plan: Plan, services: Callable[[], Iterable[ServiceInfo]]
) -> Iterator[None]:
    """Say of a display name that is refused which it is, and whose (E-12).

    Args:
        plan: What is carried out.
        services: Lists those that can be seen.
    """
    try:
        yield
    except ServiceError as error:
        if error.winerror == ERROR_DUPLICATE_SERVICE_NAME:
            name = plan.new.get("display_name", plan.changes.service)
            owner = _owner_of(name, plan.changes.service, services)
            whose = f" is that of service {owner!r}" if owner else ""
            error.detail = f"the display name {name!r}{whose}"
        raise


def _owner_of(
    display_name: str, other: str, services: Callable[[], Iterable[ServiceInfo]]
) -> str | None:
    """Return which service but one has a name; ``None`` if none can be seen."""
    with suppress(ServiceError):
        for each in services():
            names = each.name.upper(), each.display_name.upper()
            if display_name.upper() in names and each.name.upper() != other.upper():
                return each.name
    return None


def _basic_step(plan: Plan, backend: Backend, handles: Handles) -> Step:
    def change(settings: dict[str, Any], password: str | None) -> None:
        numbers = [
            None if settings.get(each) is None else int(settings[each])
            for each in ("service_type", "start_type", "error_control")
        ]
        backend.service_change(
            handles.get(rights.CHANGE_CONFIG),
            numbers[0],
            numbers[1],
            numbers[2],
            settings.get("command"),
            settings.get("group"),
            settings.get("dependencies", plan.old["dependencies"]),
            settings.get("account"),
            password,
            settings.get("display_name"),
        )

    new = {each: plan.new[each] for each in BASIC if each in plan.new}
    old = {each: plan.old[each] for each in new}
    if plan.password is not None:  # it is that of the account given with it
        new.setdefault("account", plan.old["account"])
    lost = "account" in new and takes_password(plan.old["account"])
    return Step(
        "change the settings of",
        lambda: change(new, plan.password),
        lambda: change(old, None) if old else None,
        remains=f"set the password of {plan.old['account']!r} again: nobody else "
        "knows the one before"
        if lost
        else None,
        sets=(*new, "password") if plan.password is not None else tuple(new),
    )


def _level_step(setting: str, plan: Plan, backend: Backend, handles: Handles) -> Step:
    level = LEVELS[setting]
    right = _right_for(setting, plan)

    def change(value: Any) -> None:
        image = pack(level, value)
        handle = handles.get(right)
        backend.service_change2(handle, level, image.data, image.pointers)

    return Step(
        f"set {setting.replace('_', ' ')} of",
        lambda: change(plan.new[setting]),
        None if plan.changes.is_new else lambda: change(plan.old[setting]),
    )


def _environment_step(name: str, plan: Plan, backend: Backend) -> Step:
    return Step(
        "set the environment of",
        lambda: backend.set_environment(name, plan.new["environment"]),
        None
        if plan.changes.is_new
        else lambda: backend.set_environment(name, plan.old["environment"]),
    )


def _source_step(name: str, plan: Plan, backend: Backend) -> Step:
    return Step(
        "register the event source of",
        lambda: backend.set_event_source(name, plan.new["event_source"]),
        lambda: backend.set_event_source(name, plan.old["event_source"]),
    )


def _security_step(plan: Plan, backend: Backend, handles: Handles) -> Step:
    right = rights.READ_CONTROL | rights.WRITE_DAC

    def change(dacl: str) -> None:
        change_security(backend, handles.get(right), dacl)

    return Step(
        "set security of",
        lambda: change(plan.new["security"]),
        None if plan.changes.is_new else lambda: change(plan.old["security"]),
    )


def _right_for(setting: str, plan: Plan) -> int:
    """Return the right to set a level; restarts need another one (E-59)."""
    right = rights.CHANGE_CONFIG
    if setting == "failure_actions":
        for values in (plan.old, plan.new):
            actions = values["failure_actions"].actions
            if any(action.kind == ActionKind.RESTART for action in actions):
                right |= rights.START
    return right

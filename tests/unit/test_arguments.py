"""Wrong arguments of the client's public methods (winsvc/manage/arguments.py)."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from inspect import Parameter
from math import inf, nan
from typing import Any

import pytest

from winsvc.manage.backend import Handles
from winsvc.manage.handle import ServiceHandle
from winsvc.manage.manager import ServiceManager
from winsvc.settings.config import ServiceConfig
from winsvc.settings.levels import Level
from winsvc.settings.values import SidType
from winsvc.testing import SimulatedScm
from winsvc.testing.records import refusal

CONFIG = ServiceConfig(name="Foo", command=(r"C:\foo.exe",))

# By a parameter's annotation: a value that will do, and some that will not.
VALUES: dict[str, tuple[object, tuple[object, ...]]] = {
    "str": ("WD", (5, None, b"Foo")),
    "str | None": (None, (5, b"Foo")),
    "bool": (False, (None, 1, "no")),
    "int": (1, (None, True, 1.0, "x", -1, 1 << 32)),
    "float": (0.0, (None, True, "5", -1, nan, -inf, 10**400)),
    "float | None": (None, (True, "5", nan, 10**400)),
    "Control | int": (1, (None, True, "STOP", -1, 1 << 32)),
    "State | int": (4, (None, True, "RUNNING", 0, 9)),
    "State | int | None": (None, (True, "RUNNING", 0, 9)),
    "StopReason | None": (None, (1, "x")),
    "Callable[[ServiceStatus], None] | None": (None, (5, "print")),
    "Iterable[str]": ((), (None, 5, "delayed", (5,), ("delayed", None), ("colour",))),
    "ServiceConfig": (CONFIG, (None, 5, "x", {"password": "hunter2"}, ServiceConfig)),
    "Backend | ServiceManager | None": (None, (0, 5, "x")),
}


class Untouched:
    """An SCM that can be opened, and must not be asked for anything."""

    def manager_open(self, *_: object) -> object:
        return object()

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"the SCM was asked: {name}")


def opened(cls: type) -> object:
    """Return a manager, or a handle to a service."""
    backend: Any = Untouched()
    manager = ServiceManager(backend=backend)
    if cls is ServiceManager:
        return manager

    def opener(_right: int) -> Any:
        pytest.fail("the service was opened")

    return ServiceHandle("Foo", backend, Handles(backend, opener), manager.open)


def calls() -> Iterator[tuple[type, str, Parameter, object]]:
    """Yield each public method with each of its parameters, and a wrong value."""
    for cls in (ServiceManager, ServiceHandle):
        for method in dir(cls):
            made = method == "__init__" and cls is ServiceManager
            if made or not method.startswith("_"):
                for parameter in parameters(cls, method):
                    for wrong in VALUES[parameter.annotation][1]:
                        yield cls, method, parameter, wrong


def parameters(cls: type, method: str) -> list[Parameter]:
    """Return what is to be given to a method."""
    return list(inspect.signature(getattr(cls, method)).parameters.values())[1:]


@pytest.mark.parametrize(
    ("cls", "method", "parameter", "wrong"),
    [
        pytest.param(*each, id=f"{each[0].__name__}.{each[1]}-{each[2].name}-{each[3]}")
        for each in calls()
    ],
)
def test_wrong_argument_is_named_before_anything_is_asked(
    cls: type, method: str, parameter: Parameter, wrong: object
) -> None:
    """Which, of which call, what it is and what is expected; others are right."""
    instance = opened(cls)
    positional, named = [], {}
    for each in parameters(cls, method):
        value = wrong if each == parameter else VALUES[each.annotation][0]
        if each.kind is Parameter.VAR_POSITIONAL:
            positional += ["an argument", value] if each == parameter else []
        elif each.kind is Parameter.KEYWORD_ONLY:
            named[each.name] = value
        else:
            positional.append(value)
    with pytest.raises((TypeError, ValueError)) as caught:
        getattr(instance, method)(*positional, **named)

    is_list = parameter.kind is Parameter.VAR_POSITIONAL
    operation = cls.__name__ if method == "__init__" else method
    argument = "an argument" if is_list else parameter.name
    got = f"(is|has) (of type )?{_shown(wrong)}"
    said = f"{operation}: {argument} {got}(, which is no setting)?: expected is .+"
    assert re.fullmatch(said, str(caught.value))
    assert "hunter2" not in str(caught.value)


def _shown(value: object) -> str:
    """Return the pattern of a value in a message: a list may tell the odd one."""
    parts = value if isinstance(value, tuple) else ()
    shown = (repr(value), type(value).__name__, *map(repr, parts))
    return f"({'|'.join(map(re.escape, shown))})"


def test_every_public_method_with_arguments_is_among_these() -> None:
    """The list above is made from the classes: that it is not made empty."""
    found = {(cls.__name__, method) for cls, method, *_ in calls()}

    assert {("ServiceManager", "apply"), ("ServiceManager", "__init__")} <= found
    assert {("ServiceHandle", "restart"), ("ServiceHandle", "grant_start")} <= found


def test_names_of_settings_may_come_from_an_iterator() -> None:
    """They are taken once, though a service that is going away is tried again."""
    with SimulatedScm() as scm:
        scm.create(CONFIG).close()
        backend: Any = scm.manager()._backend
        change, tries = backend.service_change, []

        def busy(*given: object) -> None:
            tries.append(given)
            if len(tries) == 1:
                raise refusal(1072, "change")
            change(*given)

        def lacking(handle: object, level: int) -> object:
            if level == Level.SERVICE_SID:
                raise refusal(124, "query")
            return query(handle, level)

        query = backend.service_config2
        backend.service_change, backend.service_config2 = busy, lacking
        config = ServiceConfig(name="Foo", group="g", sid_type=SidType.NONE)
        changes = scm.apply(config, if_supported=iter(("sid_type",)))

    assert changes.left_out == ("sid_type",)
    assert len(tries) == 2

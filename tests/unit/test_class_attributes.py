"""Attributes of a class that count for nothing, or cannot (attributes.py, base.py)."""

from __future__ import annotations

import re
from pathlib import Path
from types import FunctionType
from typing import Any, ClassVar

import pytest

import winsvc
from winsvc.attributes import _OF_HOSTING, check_attributes
from winsvc.base import ServiceBase, check_class
from winsvc.settings.config import ServiceConfig
from winsvc.target import load_target, parse_target

EXAMPLES = Path(__file__).parents[2] / "examples"


def made(base: type[ServiceBase], **attributes: Any) -> type[ServiceBase]:
    """Return a class of the user's."""
    return type("Own", (base,), {"name": "Own", "__module__": __name__, **attributes})


@pytest.mark.parametrize(
    ("name", "value", "near"),
    [
        ("stop_timout", 5, "stop_timeout"),
        ("stop_tiemout", None, "stop_timeout"),
        ("stoptimeout", 5.0, "stop_timeout"),
        ("stop_time_out", 5.0, "stop_timeout"),
        ("sotp_timeout", 5.0, "stop_timeout"),
        ("start_timout", 0.5, "start_timeout"),
        ("strat_timeout", 0.5, "start_timeout"),
        ("pasue_timeout", 5, "pause_timeout"),
        ("continue_timeot", 5, "continue_timeout"),
        ("waithint", 2.0, "wait_hint"),
        ("acepts", winsvc.Accept.PARAMCHANGE, "accepts"),
        ("display_nmae", "x", "display_name"),
    ],
)
@pytest.mark.parametrize("base", [winsvc.Service, winsvc.AsyncService])
def test_slip_is_refused_with_what_is_meant(
    base: type[ServiceBase], name: str, value: object, near: str
) -> None:
    """Else it would count for nothing, and nobody would know."""
    said = rf"^Own\.{name} is no setting; did you mean {near}\? .*another name$"
    with pytest.raises(ValueError, match=said):
        check_attributes(made(base, **{name: value}))


def test_slip_of_an_inherited_class_is_refused() -> None:
    """A base of the user's own says settings too."""
    with pytest.raises(ValueError, match=r"did you mean stop_timeout\?"):
        check_attributes(made(made(winsvc.Service, stop_timout=5)))


def test_grace_is_that_of_coroutines_alone() -> None:
    """A plain service has none, and may call something nearly so."""
    assert check_attributes(made(winsvc.Service, stop_grce=5.0)) == ()
    assert check_attributes(made(winsvc.Service, stop_grace=5.0)) == ()
    with pytest.raises(ValueError, match=r"did you mean stop_grace\?"):
        check_attributes(made(winsvc.AsyncService, stop_grce=5.0))


class Free(winsvc.AsyncService):
    """Has attributes of its own, of which none is a slip."""

    name = "Free"
    start_timeout = 5.0
    stop_grace = 1.0
    accepts = winsvc.Accept.PARAMCHANGE

    # Other words, though near.
    startup_timeout = 5.0
    starter_timeout = 5.0
    stat_timeout = 5.0
    tar_timeout = None
    top_timeout = 5.0
    use_timeout = None
    paused_timeout = 5.0
    continued_timeout = 5.0
    shutdown_timeout = 5.0
    accounts = "x"
    groups = "x"
    relayed = True
    parse_timeout = 5.0
    phase_timeout = 5.0
    step_timeout = 5.0
    stats_timeout = 5.0
    state_timeout = 5.0
    restart_timeout = 5.0
    stop_timeouts = 3
    start_timeout_s = 5.0
    connect_timeout = 5.0
    idle_timeout = 5.0
    timeout = 5.0
    start_time = 0.0
    stop_time = None
    continue_time = 0.0
    wait_hints = 1
    # Slips, but of no value that a setting has.
    stop_timout = "soon"
    start_timout = True
    acepts = 5
    wait_hnt = None
    pause_timout: float
    _stop_timeot = 5.0
    __continue_timeot: ClassVar[float] = 5.0

    def start_timeut(self) -> float:
        """Return something."""
        return self.__continue_timeot

    @property
    def stop_timeut(self) -> float:
        """Something."""
        return self._stop_timeot


def test_names_of_the_services_own_are_left_alone() -> None:
    """Only what can be nothing else is refused."""
    assert check_attributes(Free) == ()


@pytest.mark.parametrize(
    ("target", "warned"),
    [
        ("clock.py", ()),
        ("periodic.py", ()),
        ("poe_component.py:PyPoeStates", ()),
        ("shared.py:Collector", ()),
        ("shared.py:Reporter", ()),
        ("slow_start.py", ()),
        ("supervisor.py", ("command",)),
        ("web_server.py", ()),
        ("worker.py", ()),
    ],
)
def test_examples_have_no_slip(target: str, warned: tuple[str, ...]) -> None:
    """Theirs are names that people take."""
    service = load_target(parse_target(str(EXAMPLES / target)))

    assert check_attributes(service) == warned


def test_each_attribute_of_hosting_is_known() -> None:
    """One that is added to the classes, and not there, could be misspelt unseen."""
    found = {
        name
        for base in (ServiceBase, winsvc.Service, winsvc.AsyncService)
        for name, value in vars(base).items()
        if not name.startswith("_")
        and not isinstance(value, FunctionType | property)
        and name not in ServiceConfig.__dataclass_fields__
    }

    assert found - {"loop_factory"} == set(_OF_HOSTING)


@pytest.mark.parametrize("name", ["", " ", "\t\n", 5, None])
def test_class_without_a_name_that_can_be_seen_is_refused(name: object) -> None:
    """Whoever hosts it or installs it; with what it has in place of one."""
    said = f"^Own has no name: .*, which is {re.escape(repr(name))}, to a text"
    with pytest.raises(TypeError, match=said):
        check_class(made(winsvc.Service, name=name))

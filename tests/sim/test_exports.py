"""What a service is exported as changes nothing when it is applied to that service."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from configurations import configs, some, words
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from winsvc.manage.manager import ServiceManager
from winsvc.settings.config import ServiceConfig
from winsvc.settings.levels import Level
from winsvc.settings.toml_writer import to_toml
from winsvc.states import StartType
from winsvc.testing.database import SimulatedBackend

STARTS = (StartType.AUTO, StartType.MANUAL, StartType.DISABLED)
PROGRAM = (r"C:\a b\x.exe", "-a", "b c")


@pytest.fixture
def scm() -> SimulatedBackend:
    """A simulated SCM without services."""
    return SimulatedBackend(virtual=True)


def exported(manager: ServiceManager, name: str, file: Path) -> ServiceConfig:
    """Return a service's settings by way of its export."""
    with manager.open(name) as handle:
        text = to_toml(handle.config())
    file.write_text(text, encoding="utf-8", newline="")
    return ServiceConfig.from_toml(file)


@given(
    configs,
    st.sampled_from(STARTS),
    st.booleans(),
    st.sampled_from(("", "Base")),
    st.none() | st.lists(words.filter(bool) | some.map("{0}=x".format), max_size=4),
    st.sampled_from((None, r"C:\other\messages.dll")),
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_exported_service_needs_no_change(
    tmp_path: Path,
    config: ServiceConfig,
    start: StartType,
    delayed: bool,
    group: str,
    lines: list[str] | None,
    source: str | None,
) -> None:
    """Whatever others have made of it: any mark, any variables, any event source."""
    backend = SimulatedBackend(virtual=True)
    if source is not None:
        backend.event_sources[config.name.upper()] = source
        config = replace(config, event_source=False)
    with ServiceManager(backend=backend) as manager:
        command = config.command or PROGRAM
        manager.create(replace(config, command=command, group=group)).close()
        record = backend.records[config.name.upper()]
        record.start_type = start
        record.levels[Level.DELAYED_AUTO_START] = delayed and not group  # E-49d
        record.environment = None if lines is None else tuple(lines)
        changes = manager.plan(exported(manager, config.name, tmp_path / "x.toml"))

    assert str(changes) == ""
    assert not changes


@pytest.mark.parametrize("start", [StartType.MANUAL, StartType.DISABLED])
def test_mark_of_a_delayed_start_stays_where_it_has_no_effect(
    scm: SimulatedBackend, start: StartType
) -> None:
    """Until the service starts by itself, or is to join a group (E-49d)."""
    with ServiceManager(backend=scm) as manager:
        manager.create(ServiceConfig(name="A", command=PROGRAM, delayed=True)).close()

        def changes(**more: Any) -> list[str]:
            wanted = ServiceConfig(name="A", delayed=False, **more)
            return [each.setting for each in manager.plan(wanted).changes]

        of_auto = changes(start_type=start)
        scm.records["A"].start_type = start
        of_the_same = changes(start_type=start)
        of_a_member = changes(start_type=start, group="Base")
        of_auto_again = changes(start_type=StartType.AUTO)
        of_itself = changes()

    assert of_auto == ["start_type", "delayed"]
    assert of_the_same == []
    assert of_a_member == ["delayed", "group"]
    assert of_auto_again == ["start_type", "delayed"]
    assert of_itself == ["delayed"]


def test_variables_that_differ_in_case_are_one(
    scm: SimulatedBackend, tmp_path: Path
) -> None:
    """The last one counts, as in what is compared (I-110)."""
    with ServiceManager(backend=scm) as manager:
        manager.create(ServiceConfig(name="A", command=PROGRAM)).close()
        scm.records["A"].environment = ("a=1", "b=2", "A=3", "=c", "d")
        found = exported(manager, "A", tmp_path / "x.toml")

    assert found.environment == {"A": "3", "b": "2"}

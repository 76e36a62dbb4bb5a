"""Code that installs services, tested on a simulated SCM as users test it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from simrig import Rig

import winsvc
from winsvc.errors import ServiceError
from winsvc.states import State
from winsvc.testing import SimulatedScm

DOCS = Path(__file__).parents[2] / "docs"


def documented() -> str:
    """Return the example of docs/services.md."""
    text = (DOCS / "services.md").read_text(encoding="utf-8")
    mark = re.escape("<!-- tested: tests/sim/test_deployment.py -->")
    found = re.search(mark + r"\n```python\n(.*?)```", text, re.DOTALL)
    assert found is not None
    return found[1]


SHOP = """
import winsvc

class Shop(winsvc.Service):
    name = "PyShop"
"""


def test_documented_example_passes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The example is itself a test."""
    (tmp_path / "shop.py").write_text(SHOP)
    monkeypatch.syspath_prepend(tmp_path)
    names: dict[str, Any] = {}
    exec(compile(documented(), "services.md", "exec"), names)
    names["test_deploy"]()


def test_manager_of_a_simulated_scm_is_another_client(rig: Rig) -> None:
    """Closing it closes nothing else; both see the same services."""
    config = winsvc.ServiceConfig(name="Foo", command=("C:/foo.exe",))
    with winsvc.ServiceManager(backend=rig.scm) as manager:
        manager.apply(config)
    with rig.scm.manager() as manager:
        assert [info.name for info in manager.list()] == ["Foo"]
        assert not manager.plan(config)
    with rig.scm.open("Foo") as handle:
        assert handle.status().state is State.STOPPED


def test_simulated_scm_has_no_other_computers() -> None:
    """As one that cannot be reached (E-20)."""
    with pytest.raises(ServiceError) as caught:
        SimulatedScm().manager("other")

    assert caught.value.winerror == 1722


def test_command_line_runs_on_a_simulated_scm(
    rig: Rig, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the factory that ``main`` takes."""
    rig.scm.manager().create(
        winsvc.ServiceConfig(name="Foo", command=("C:/foo.exe",))
    ).close()
    with pytest.raises(SystemExit) as ended:
        winsvc.main(argv=["list"], manager_factory=rig.scm.manager)

    assert ended.value.code == 0
    assert "Foo" in capsys.readouterr().out

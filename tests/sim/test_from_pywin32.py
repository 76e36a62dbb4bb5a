"""Every "after" of docs/from-pywin32.md runs, and does what its "before" did."""

from __future__ import annotations

import importlib
import re
import sys
import threading
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest
from simrig import Rig

import winsvc
from winsvc.base import description_of
from winsvc.events import SessionReason
from winsvc.states import Accept, Control, State
from winsvc.testing import SimulatedScm

PAGE = Path(__file__).parents[2] / "docs" / "from-pywin32.md"
if not PAGE.exists():
    pytest.skip("the pages are not among these test sources", allow_module_level=True)

CODES = re.findall(
    r"^```python\n# after\n(.*?)^```", PAGE.read_text("utf-8"), re.M | re.S
)
Load = Callable[..., ModuleType]


def code_of(what: str) -> str:
    """Return the one code that has something in it."""
    (code,) = [code for code in CODES if what in code]
    return code


@pytest.fixture
def load(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Load:
    """Import a class's code, and give it the functions that it calls."""
    monkeypatch.syspath_prepend(tmp_path)

    def load_code(cls: str, **functions: Callable[..., object]) -> ModuleType:
        stem = f"after_{cls.lower()}"
        (tmp_path / f"{stem}.py").write_text(code_of(f"class {cls}("), "utf-8")
        module = importlib.import_module(stem)
        monkeypatch.delitem(sys.modules, stem)
        vars(module).update(functions)
        return module

    return load_code


def test_page_has_an_after_for_each_before() -> None:
    """Five pairs, and each of them below."""
    assert len(CODES) == PAGE.read_text("utf-8").count("# before\n") == 5


def test_checker_checks_once_a_minute(
    rig: Rig, load: Load, caplog: pytest.LogCaptureFixture
) -> None:
    """It logs, works at the time-out, and stops at once."""
    caplog.set_level("INFO", "winsvc")
    checks: list[float] = []
    module = load("Checker", check_mail=lambda: checks.append(rig.scm.now))
    handle = rig.scm.add(module.Checker)
    handle.start()
    rig.reach("MailChecker", State.RUNNING)
    rig.eventually(lambda: "looking for mail" in caplog.messages, "its log")

    rig.pass_time(20.0, lambda: len(checks) >= 3, "three checks")
    handle.stop()

    assert rig.scm.wait_gone("MailChecker") == 0
    assert all(later - first >= 60 for first, later in pairwise(checks))
    assert description_of(module.Checker) == "Checks mail."
    assert module.Checker.display_name == "Mail Checker"


def test_loader_tells_its_wait_hints(rig: Rig, load: Load) -> None:
    """20 s for each part of the start, 60 s for the stop."""
    done: list[object] = []
    module = load("Loader", load=done.append, save=lambda: done.append("saved"))
    handle = rig.scm.add(module.Loader)
    handle.start()
    rig.reach("Loader", State.RUNNING)
    handle.stop()
    rig.scm.wait_gone("Loader")

    hints = {
        state: [r.wait_hint for r in rig.scm.reports("Loader") if r.state is state]
        for state in (State.START_PENDING, State.STOP_PENDING)
    }
    assert done == [*range(10), "saved"]
    assert hints[State.START_PENDING].count(20.0) == 10
    assert hints[State.STOP_PENDING] == [3.0, 60.0]


def test_watcher_gets_its_controls(rig: Rig, load: Load) -> None:
    """A logon, a code of its own, a pause, the coming shutdown."""
    done: list[object] = []
    module = load(
        "Watcher",
        greet=done.append,
        report=lambda: done.append("reported"),
        pause=lambda: done.append("paused"),
        save=lambda: done.append("saved"),
    )
    handle = rig.scm.add(module.Watcher)
    handle.start()
    rig.reach("Watcher", State.RUNNING)
    accepts = handle.status().accepts
    session = b"\x08\0\0\0\x07\0\0\0"
    for reason in (SessionReason.LOGON, SessionReason.LOGOFF):
        rig.scm.send("Watcher", Control.SESSIONCHANGE, reason, session)
    for code in (199, 200):
        handle.control(code)
    handle.pause()
    rig.reach("Watcher", State.PAUSED)
    rig.scm.send("Watcher", Control.PRESHUTDOWN)

    assert rig.scm.wait_gone("Watcher") == 0
    assert done == [7, "reported", "paused", "saved"]
    assert accepts == (
        Accept.STOP | Accept.PAUSE_CONTINUE | Accept.SESSIONCHANGE | Accept.PRESHUTDOWN
    )


class FakeEvents(SimpleNamespace):
    """As much of win32event as the page uses."""

    INFINITE = -1
    WAIT_OBJECT_0 = 0

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.made: dict[str | None, SimpleNamespace] = {}

    def CreateEvent(
        self, security: None, manual: bool, initial: bool, name: str | None
    ) -> SimpleNamespace:
        """Make one."""
        del security
        self.made[name] = SimpleNamespace(manual=manual, is_set=initial)
        return self.made[name]

    def SetEvent(self, event: SimpleNamespace) -> None:
        """Set it."""
        with self.changed:
            event.is_set = True
            self.changed.notify_all()

    def WaitForMultipleObjects(
        self, events: list[SimpleNamespace], all_of_them: bool, timeout: int
    ) -> int:
        """Wait for the first that is set."""
        assert not all_of_them
        assert timeout == self.INFINITE
        with self.changed:
            self.changed.wait_for(lambda: any(event.is_set for event in events))
            index = [event.is_set for event in events].index(True)
            events[index].is_set = events[index].manual
        return index


def test_worker_waits_for_its_own_events(
    rig: Rig, load: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The stop is one of the handles that it waits for."""
    fake = FakeEvents()
    monkeypatch.setitem(sys.modules, "win32event", fake)
    done: list[str] = []
    module = load("Worker", work=lambda: done.append("work"))
    handle = rig.scm.add(module.Worker)
    handle.start()
    rig.reach("Worker", State.RUNNING)
    for count in (1, 2):
        fake.SetEvent(fake.made["Global\\HasWork"])
        rig.eventually(lambda count=count: len(done) == count, "it works")
    handle.stop()

    assert rig.scm.wait_gone("Worker") == 0


def test_client_starts_and_stops(
    load: Load, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """On a simulated SCM in place of the computer's."""
    scm = SimulatedScm("real")
    module = load("Checker", check_mail=lambda: None)
    scm.add(module.Checker)
    monkeypatch.setattr(winsvc, "ServiceManager", lambda: scm)
    exec(code_of("wait_state"), {})

    assert capsys.readouterr().out == "RUNNING\n"
    assert scm.instance("MailChecker").args == ("verbose",)
    assert scm.wait_gone("MailChecker") == 0

"""Targets on the command line, and the command line that `install` makes."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType

import pytest

from winsvc.__main__ import parse_host
from winsvc.install import HOST, find_service, host_command, log_file_of, target_of
from winsvc.service import Service
from winsvc.target import Target, load_target, parse_target

CODE = """
import winsvc

class First(winsvc.Service):
    name = "First"

class Nameless(winsvc.Service):
    pass
"""


class Mine(Service):
    """A service of this module's own."""

    name = "Mine"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The current folder, with a module and a package; imports are undone."""
    (tmp_path / "targeted.py").write_text(CODE)
    (tmp_path / "targets").mkdir()
    (tmp_path / "targets" / "__init__.py").touch()
    (tmp_path / "targets" / "inner.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    before = set(sys.modules)
    yield tmp_path
    for name in set(sys.modules) - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("text", "module", "cls"),
    [
        ("clock:Clock", "clock", "Clock"),
        ("package.clock:Clock", "package.clock", "Clock"),
        ("clock", "clock", ""),
        ("clock.py", "clock.py", ""),
        ("clock.py:Clock", "clock.py", "Clock"),
        (r"C:\my services\clock.py", r"C:\my services\clock.py", ""),
        (r"C:\clock.py:Clock", r"C:\clock.py", "Clock"),
        ("/srv/clock.py:Clock", "/srv/clock.py", "Clock"),
    ],
)
def test_target_is_parsed_and_written_back(text: str, module: str, cls: str) -> None:
    """A target is a module or file, and a class."""
    target = parse_target(text)

    assert target == Target(module, cls)
    assert str(target) == text


@pytest.mark.parametrize(
    "text", ["", ":Clock", "a-b:Clock", "clock:not a class", "a..b"]
)
def test_nonsense_target_is_refused(text: str) -> None:
    """What cannot name a service says how to write one."""
    with pytest.raises(ValueError, match="module:Class"):
        parse_target(text)


@pytest.mark.parametrize("text", ["targeted", "targeted:First", "targets.inner"])
def test_only_service_is_found(folder: Path, text: str) -> None:
    """The class may be left out; a class without a name does not count."""
    service, target = find_service(text)

    assert service.name == "First"
    assert target == Target(text.partition(":")[0], "First")


def test_file_target_becomes_absolute(folder: Path) -> None:
    """A file is remembered with its full path, and imported under its stem."""
    service, target = find_service("targeted.py")

    assert service.__module__ == "targeted"
    assert target == Target(str(folder / "targeted.py"), "First")


@pytest.mark.parametrize(
    ("text", "error", "said"),
    [
        ("targeted:Absent", TypeError, "it has First"),
        ("targets", TypeError, "it defines no service"),
        ("targeted:Nameless", TypeError, "has no name"),
        ("absent.py", ImportError, "there is no file"),
        ("absent_module", ImportError, "absent_module"),
    ],
)
def test_missing_service_is_named(
    folder: Path, text: str, error: type[Exception], said: str
) -> None:
    """The error says what there is instead."""
    with pytest.raises(error, match=said):
        load_target(parse_target(text))


def test_module_of_current_folder_gets_its_path(folder: Path) -> None:
    """A service has no current folder: the command line names it."""
    service, target = find_service("targets.inner:First")
    command = host_command(service, target, "first.log")

    assert command == (
        sys.executable,
        *("-P", HOST, "host"),
        *("--log-file", str(folder / "first.log")),
        *("--path", str(folder)),
        "targets.inner:First",
    )


def test_installed_module_needs_no_path() -> None:
    """What Python finds by itself is not named."""
    module = sys.modules[pytest.__name__]
    stand_in = type("StandIn", (Service,), {"name": "S", "__module__": module.__name__})
    command = host_command(stand_in, Target("pytest", "StandIn"), "s.log")

    assert "--path" not in command
    assert command[-1] == "pytest:StandIn"


def test_file_needs_no_path(folder: Path) -> None:
    """A file's folder is searched anyway."""
    service, target = find_service("targeted.py")
    command = host_command(service, target, "first.log")

    assert "--path" not in command
    assert command[-1] == f"{folder / 'targeted.py'}:First"


def test_class_of_imported_module_is_its_own_target() -> None:
    """A script may pass on a class that it imported."""
    assert target_of(Mine) == Target(__name__, "Mine")


def test_class_inside_function_is_refused() -> None:
    """A class that no import can find cannot be installed."""

    class Hidden(Service):
        name = "Hidden"

    with pytest.raises(ValueError, match="move it"):
        target_of(Hidden)


def test_default_log_is_beside_script_or_python() -> None:
    """Who may write there can change the service's code anyway."""
    script = os.path.abspath("clock.py")

    assert log_file_of("A b", Target(script)) == os.path.join(
        os.path.dirname(script), "logs", "A b.log"
    )
    assert log_file_of("x/y", Target("clock")) == os.path.join(
        sys.prefix, "logs", "x_y.log"
    )


@pytest.mark.parametrize(
    ("words", "parsed"),
    [
        (["a:B"], ("a:B", None, ())),
        (["--log-file", "f", "a:B"], ("a:B", "f", ())),
        (
            ["--path", "p", "--log-file", "f", "--path", "q", "a:B"],
            ("a:B", "f", ("p", "q")),
        ),
        ([], None),
        (["--help"], None),
        (["--log-file", "f"], None),
        (["a:B", "c"], None),
        (["--nonsense", "x", "a:B"], None),
    ],
)
def test_host_arguments_are_parsed_without_argparse(
    words: list[str], parsed: object
) -> None:
    """What install writes is understood; anything else is left to argparse."""
    assert parse_host(words) == parsed


SERVICE = "import winsvc\nclass S(winsvc.Service):\n    name = 'S'\n"


def test_two_files_of_one_stem_are_refused(tmp_path: Path) -> None:
    """The second would replace the first for whoever imports it by name."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "same_stem.py").write_text(SERVICE)
    load_target(Target(str(tmp_path / "a" / "same_stem.py"), "S"))
    with pytest.raises(ImportError, match="rename it"):
        load_target(Target(str(tmp_path / "b" / "same_stem.py"), "S"))


def test_file_that_hides_a_module_in_use_is_refused(tmp_path: Path) -> None:
    """A script threading.py would be everybody's threading."""
    (tmp_path / "threading.py").write_text(SERVICE)
    with pytest.raises(ImportError, match="rename it"):
        load_target(Target(str(tmp_path / "threading.py"), "S"))


@pytest.mark.parametrize("stem", ["with-dash", "with blank", "with.dot"])
def test_any_file_name_can_be_loaded(tmp_path: Path, stem: str) -> None:
    """A script's name need be no identifier."""
    (tmp_path / f"{stem}.py").write_text(SERVICE)

    assert load_target(Target(str(tmp_path / f"{stem}.py"), "S")).name == "S"


def test_file_imported_by_another_is_not_loaded_twice(tmp_path: Path) -> None:
    """Services of one process see each other's modules."""
    (tmp_path / "the_one.py").write_text(SERVICE)
    (tmp_path / "its_user.py").write_text(
        f"from the_one import S as T\n{SERVICE.replace('S(', 'U(')}"
    )
    user = load_target(Target(str(tmp_path / "its_user.py"), "U"))
    one = load_target(Target(str(tmp_path / "the_one.py"), "S"))

    assert vars(sys.modules[user.__module__])["T"] is one


def test_file_being_loaded_can_be_imported(tmp_path: Path) -> None:
    """Whoever imports it meanwhile waits until it is there."""
    inside, go = threading.Event(), threading.Event()
    sys.modules["the_gate"] = gate = ModuleType("the_gate")
    vars(gate).update(inside=inside, go=go)
    (tmp_path / "slow_one.py").write_text(
        f"import the_gate\nthe_gate.inside.set()\nthe_gate.go.wait(20)\n{SERVICE}"
    )
    (tmp_path / "quick_user.py").write_text(
        "import the_gate\nthe_gate.go.set()\n"
        f"from slow_one import S as T\n{SERVICE.replace('S(', 'U(')}"
    )
    with ThreadPoolExecutor(2) as pool:
        slow = pool.submit(load_target, Target(str(tmp_path / "slow_one.py"), "S"))
        assert inside.wait(20)
        user = pool.submit(load_target, Target(str(tmp_path / "quick_user.py"), "U"))

    assert vars(sys.modules[user.result().__module__])["T"] is slow.result()


def test_daemon_named_as_its_callback_is_found(tmp_path: Path) -> None:
    """The alias is what is installed, and a function is no service."""
    (tmp_path / "backup_it.py").write_text(
        "import winsvc\n"
        "def backup(daemon, state, message): daemon.next_state()\n"
        "made = winsvc.daemon.spawn(backup, alias='backup')\n"
    )
    service, target = find_service(str(tmp_path / "backup_it.py"))

    assert load_target(target) is service

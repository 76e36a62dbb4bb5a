"""What goes wrong around a command: output, input, code, and halves of the work."""

from __future__ import annotations

import dataclasses
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

import winsvc
from winsvc import commands
from winsvc.commands.options import settings_in, with_failures
from winsvc.commands.output import READER_GONE
from winsvc.commands.parsing import make_parser
from winsvc.errors import ServiceError
from winsvc.install import create_all, log_file_in
from winsvc.manage.changes import Changes
from winsvc.manage.manager import ServiceManager
from winsvc.settings.config import ServiceConfig
from winsvc.settings.table import SETTINGS
from winsvc.states import ServiceType, StartType
from winsvc.testing.database import SimulatedBackend

from .conftest import Run, typed

# Option -> a value of it, and where that is in a ServiceConfig.
VALUES: dict[str, tuple[str, Callable[[ServiceConfig], object], object]] = {
    "--display-name": ("n", lambda c: c.display_name, "n"),
    "--description": ("d", lambda c: c.description, "d"),
    "--start-type": ("delayed", lambda c: (c.start_type, c.delayed), (2, True)),
    "--type": ("shared", lambda c: c.service_type, 0x20),
    "--error-control": ("severe", lambda c: c.error_control, 2),
    "--group": ("g", lambda c: c.group, "g"),
    "--depends": ("Tcpip", lambda c: c.dependencies, ("Tcpip",)),
    "--account": (r".\u", lambda c: c.account, r".\u"),
    "--on-failure": ("reboot:1", lambda c: _failures(c).actions[0].delay, 1.0),
    "--reset-after": ("7", lambda c: _failures(c).reset_period, 7.0),
    "--failure-command": ("x.exe", lambda c: _failures(c).command, "x.exe"),
    "--reboot-message": ("soon", lambda c: _failures(c).reboot_message, "soon"),
    "--fail-on-error": ("", lambda c: c.failure_actions_on_error, True),
    "--no-fail-on-error": ("", lambda c: c.failure_actions_on_error, False),
    "--sid-type": ("unrestricted", lambda c: c.sid_type, 1),
    "--privilege": (
        "SeDebugPrivilege",
        lambda c: c.required_privileges,
        ("SeDebugPrivilege",),
    ),
    "--preshutdown-timeout": ("9", lambda c: c.preshutdown_timeout, 9.0),
    "--trigger": ("network-available", lambda c: len(c.triggers or ()), 1),
    "--preferred-node": ("3", lambda c: c.preferred_node, 3),
    "--launch-protection": ("windows", lambda c: c.launch_protection, 1),
    "--env": ("A=1", lambda c: dict(c.environment or {}), {"A": "1"}),
    "--security": (
        "D:(A;;GA;;;BA)",
        lambda c: c.security,
        "D:(A;;GA;;;BA)",
    ),
    "--event-source": ("", lambda c: c.event_source, True),
    "--no-event-source": ("", lambda c: c.event_source, False),
}
ELSEWHERE = {"--name", "TARGET", "--password-stdin", "--password-fd"}


def _failures(config: ServiceConfig) -> winsvc.FailureActions:
    assert config.failure_actions is not None
    return config.failure_actions


def config_of(backend: SimulatedBackend, name: str) -> ServiceConfig:
    """Return a service's settings."""
    with ServiceManager(backend=backend) as manager, manager.open(name) as handle:
        return handle.config()


# --- options -------------------------------------------------------------------------


@pytest.mark.parametrize("option", VALUES)
def test_each_option_sets_its_setting(option: str) -> None:
    """And nothing but that, beside what it has to be said with."""
    value, look, expected = VALUES[option]
    words = [option, value] if value else [option]
    options = make_parser((), "install").parse_args(["install", *words])
    present = winsvc.FailureActions.restart(1.0, reset_period=2.0)
    given = settings_in(options)
    config = with_failures(options, ServiceConfig(name="X", **given), present)

    assert look(config) == expected
    names = [field.name for field in dataclasses.fields(config)]
    said = [name for name in names if getattr(config, name) is not None]
    assert len(said) - 1 == (2 if option == "--start-type" else 1)


def test_every_option_of_a_setting_is_tried() -> None:
    """A new one too."""
    every = {option for setting in SETTINGS for option in setting.options}

    assert every - ELSEWHERE == set(VALUES)


class Late(winsvc.Service):
    """Starts late."""

    name = "Late"
    delayed = True
    service_type = ServiceType.OWN_PROCESS | ServiceType.INTERACTIVE


@pytest.mark.parametrize("word", ["manual", "disabled", "auto"])
def test_start_of_a_class_is_replaced_as_a_whole(
    run: Run, backend: SimulatedBackend, word: str
) -> None:
    """What does not start by itself cannot start late."""
    code, _, err = run("install", "--start-type", word, services=[Late])
    config = config_of(backend, "Late")

    assert code == 0, err
    assert config.start_type is StartType[word.upper()]
    assert not config.delayed


def test_start_of_a_file_is_replaced_as_a_whole(
    run: Run, backend: SimulatedBackend, tmp_path: Path
) -> None:
    """By an option, likewise."""
    file = tmp_path / "x.toml"
    file.write_text(
        '[service]\nname = "X"\ncommand = ["C:/x.exe"]\nstart = "delayed"\n'
    )
    code, _, err = run("install", "--from", str(file), "--start-type", "manual")

    assert code == 0, err
    assert config_of(backend, "X").start_type is StartType.MANUAL


def test_class_says_the_type_of_its_process(
    run: Run, backend: SimulatedBackend
) -> None:
    """Every setting is an attribute."""
    run("install", services=[Late])

    assert config_of(backend, "Late").service_type == Late.service_type


def test_services_of_one_process_are_shared(run: Run) -> None:
    """The SCM would start a process for each (A-8)."""
    code, _, err = run("install", "--type", "own", *["winsvc.demo:Demo"] * 2)

    assert code == 2
    assert "shared" in err


def test_trigger_start_of_a_service_needs_its_triggers(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """They may be there already; else it would silently be a manual start."""
    run("install", target)
    none = run("config", "Sample", "--start-type", "trigger")
    kept = config_of(backend, "Sample").start_type
    run("config", "Sample", "--trigger", "network-available")
    there = run("config", "Sample", "--start-type", "trigger")
    cleared = run("config", "Sample", "--start-type", "trigger", "--trigger", "")

    assert (none[0], there[0], cleared[0]) == (2, 0, 2)
    assert "add --trigger" in none[2]
    assert kept is StartType.AUTO
    assert config_of(backend, "Sample").start_type is StartType.MANUAL


@pytest.mark.parametrize(
    ("security", "warned"),
    [
        ("D:(A;;GA;;;SY)", True),
        ("D:(A;;GA;;;SY)(A;;GR;;;BA)", True),
        ("D:(A;;GA;;;BA)", False),
        ("D:(A;;GA;;;WD)", False),
        ("D:(D;;GA;;;IU)(A;;GA;;;BA)(A;;GA;;;SY)", True),
        ("D:(D;;RP;;;WD)(A;;GA;;;BA)", False),
    ],
)
def test_locking_administrators_out_is_warned_of(
    run: Run, target: str, security: str, warned: bool
) -> None:
    """It is done all the same: who wants that, may."""
    run("install", target)
    for command in ("plan", "apply"):
        code, _, err = run(command, "Sample", "--security", security)

        assert code == 0
        assert ("administrators" in err) == warned


# --- output --------------------------------------------------------------------------

NAMES = "Python \u4e2d\u6587"


def python(script: str, **more: Any) -> subprocess.Popen[bytes]:
    """Run a script against a simulated SCM with a name that few code pages have."""
    start = (
        "import winsvc, sys\n"
        "from winsvc.manage.manager import ServiceManager\n"
        "from winsvc.testing.database import SimulatedBackend\n"
        "backend = SimulatedBackend(virtual=False)\n"
        "open_ = lambda: ServiceManager(backend=backend)\n"
        "def run(*words): winsvc.main(argv=words, manager_factory=open_)\n"
        "def create(name):\n"
        "    config = winsvc.ServiceConfig(name=name, command=('C:/x.exe',))\n"
        "    with open_() as manager: manager.create(config).close()\n"
    )
    return subprocess.Popen(
        [sys.executable, "-c", start + script],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        **more,
    )


@pytest.mark.parametrize("words", ["'list'", f"'config', {NAMES!a}"])
def test_what_the_code_page_lacks_is_escaped(words: str) -> None:
    """A pipe is no console: nothing can be shown there but the code page's."""
    with python(f"create({NAMES!a}); run({words})") as process:
        out, err = process.communicate(timeout=60)

    assert (process.returncode, err) == (0, b"")
    assert rb"Python \u4e2d\u6587" in out


def test_reader_that_has_gone_ends_the_command_quietly() -> None:
    """As ``list | head`` does: more than the pipe and the buffer can hold."""
    many = "for i in range(3000): create(f'service-with-a-long-name-{i}')\n"
    with python(many + "sys.stdin.readline(); run('list')", stdin=-1) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdin is not None
        process.stdout.close()
        process.stdin.write(b"\n")
        process.stdin.close()
        err = process.stderr.read()

    assert (process.returncode, err) == (READER_GONE, b"")


def test_toml_is_utf_8_whatever_the_code_page_is(run: Run, tmp_path: Path) -> None:
    """It can be read back; into a file too."""
    with python(f"create({NAMES!a}); run('config', {NAMES!a}, '--toml')") as process:
        out, err = process.communicate(timeout=60)
    file = tmp_path / "copy.toml"
    file.write_bytes(out)
    code, told, _ = run("apply", str(file))
    written = tmp_path / "again.toml"
    into = json.loads(run("config", NAMES, "--output", str(written), "--json")[1])

    assert err == b""
    assert (code, told.splitlines()[0]) == (0, f"{NAMES} is created:")
    assert into == {"name": NAMES, "output": str(written)}
    assert NAMES in written.read_text(encoding="utf-8")
    assert "nothing to change" in run("apply", str(written))[1]


# --- code ----------------------------------------------------------------------------


def test_code_that_exits_when_imported_is_said(run: Run, tmp_path: Path) -> None:
    """Nothing has been installed, and 0 would say that it has."""
    file = tmp_path / "leaves_at_once.py"
    file.write_text("import sys\nsys.exit(0)\n")
    code, out, err = run("install", str(file))

    assert (code, out) == (2, "")
    assert f"cannot be loaded: SystemExit: 0 ({file}:2)" in err


@pytest.mark.parametrize("folder", ["ours", "lib", "lib/site-packages/x"])
def test_place_of_code_beside_ours_and_pythons_own_is_told(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    """`winsvc_app` beside `winsvc`, what pip has installed: neither is ours."""
    monkeypatch.setattr(commands, "_OURS", str(tmp_path / "our"))
    monkeypatch.setattr(commands, "_STDLIB", str(tmp_path / "lib"))
    file = tmp_path / folder / "broken.py"
    file.parent.mkdir(parents=True)
    file.write_text("raise RuntimeError('no luck')\n")
    code, _, err = run("install", f"{file}:Broken")

    assert code == 2
    assert (f"RuntimeError: no luck ({file}:1)" in err) == (folder != "lib")
    assert "no luck" in err


def test_file_that_says_not_what_runs(run: Run, tmp_path: Path) -> None:
    """To create a service with: each command names what is missing."""
    file = tmp_path / "n.toml"
    file.write_text('[service]\nname = "N"\n')
    install = run("install", "--from", str(file))
    apply = run("apply", str(file))

    assert install[0] == 2
    assert "command is missing" in install[2]
    assert apply[0] == 1
    assert "1060" in apply[2]
    assert "say what it runs" in apply[2]


@pytest.mark.parametrize("words", [["install"], ["apply", "--target"], ["plan"]])
def test_code_of_this_computer_is_not_installed_on_another(
    run: Run, target: str, words: Sequence[str]
) -> None:
    """Its paths are this computer's; a script's own class has the same."""
    services = [Late] if words == ["plan"] else []
    rest = [] if services else [target]
    code, _, err = run(*words, *rest, "--machine", "there", services=services)

    assert code == 2
    assert "--from" in err


def test_event_source_is_recommended_for_this_computer_only() -> None:
    """The file with the texts is not on the other one."""
    config = ServiceConfig(name="X")

    assert winsvc.install.recommended_names(config, is_here=False) == (
        "failure_actions",
        "failure_actions_on_error",
    )
    assert winsvc.install.recommended(config, is_here=False).event_source is None


def code_in(folder: Path, name: str) -> str:
    """Return a file with a service in a folder that is made for it."""
    folder.mkdir(parents=True)
    file = folder / f"{folder.parent.name}_{name}.py"
    file.write_text(f"import winsvc\nclass Odd(winsvc.Service):\n    name = {name!r}\n")
    return str(file)


def test_path_that_the_scm_would_change_is_refused(
    run: Run, backend: SimulatedBackend, tmp_path: Path
) -> None:
    """%done% is a variable to it, and nothing quotes it (E-16)."""
    odd = code_in(tmp_path / "100%done%", "Odd")
    good = code_in(tmp_path / "50% of" / "60%x", "Good")
    log = str(tmp_path / "%TEMP%" / "x.log")
    named = code_in(tmp_path / "named", "%Name%")
    told = [
        run("install", odd),
        run("apply", "--target", odd),
        run("install", "--log-file", log, good),
        run("install", good, named),
    ]

    assert [(code, out) for code, out, _ in told] == [(2, "")] * 4
    assert "has %done% in it, which the SCM takes for a variable" in told[0][2]
    assert "%TEMP%" in told[2][2]
    assert "%Name%" in told[3][2]
    assert not backend.records
    assert run("install", good)[0] == 0
    assert good in backend.records["GOOD"].command_line


# --- halves --------------------------------------------------------------------------


def test_install_that_fails_takes_the_event_source_back(
    backend: SimulatedBackend,
) -> None:
    """Of the services before the one that could not be created."""
    configs = [
        ServiceConfig(name=name, command=("C:/x.exe",), event_source=True)
        for name in ("A", "B")
    ]
    with ServiceManager(backend=backend) as manager:
        manager.create(ServiceConfig(name="B", command=("C:/y.exe",))).close()
        with pytest.raises(ServiceError, match="1073"):
            create_all(manager, configs)

    assert list(backend.records) == ["B"]
    assert backend.event_source("A") is None


def test_install_that_cannot_take_back_says_what_stays(
    backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is not lost with the error that there was before."""

    def refused(*_: object) -> None:
        raise ServiceError(operation="delete", service="A", winerror=5)

    monkeypatch.setattr(ServiceManager, "remove", refused)
    configs = [ServiceConfig(name=name, command=("C:/x.exe",)) for name in ("A", "B")]
    with ServiceManager(backend=backend) as manager:
        manager.create(configs[1]).close()
        with pytest.raises(ServiceError, match="1073") as caught:
            create_all(manager, configs)

    assert caught.value.__notes__[0].startswith("A stays: could not delete")


@pytest.fixture
def three(run: Run, tmp_path: Path) -> str:
    """A file of three services that are there."""
    file = tmp_path / "three.toml"
    for name in ("A", "B", "C"):
        with file.open("a") as text:
            text.write(f'[services.{name}]\ncommand = ["C:/x.exe"]\n')
    assert run("apply", str(file))[0] == 0
    return str(file)


@pytest.mark.parametrize("as_json", [[], ["--json"]])
@pytest.mark.parametrize("interrupted", [False, True])
@pytest.mark.parametrize("at", range(3))
def test_apply_that_ends_halfway_says_what_is_how(
    run: Run,
    backend: SimulatedBackend,
    three: str,
    monkeypatch: pytest.MonkeyPatch,
    as_json: list[str],
    interrupted: bool,
    at: int,
) -> None:
    """What was done stays, what failed is as it was, the rest was not begun."""
    change, seen = backend.service_change, []

    def stopped(handle: Any, *arguments: Any) -> None:
        seen.append(handle.record.name)
        change(handle, *arguments)
        if len(seen) == at + 1:
            if interrupted:
                raise KeyboardInterrupt
            change(handle, None, StartType.AUTO, *[None] * 7)
            error = OSError(0, "no")
            error.winerror = 5  # type: ignore[attr-defined]
            raise error

    monkeypatch.setattr(backend, "service_change", stopped)
    code, out, err = run("apply", three, "--start-type", "manual", *as_json)

    names = ["A", "B", "C"]
    done, failed, left = names[:at], names[at], names[at + 1 :]
    starts = [backend.records[name].start_type for name in names]
    assert starts == [StartType.MANUAL] * at + [StartType.AUTO] * (3 - at)
    assert code == (130 if interrupted else 1)
    assert err.count("\n") == 1
    assert (f"; not begun: {', '.join(left)}" in err) == bool(left)
    changed = "; ".join(f"{name} is changed" for name in done)
    assert (f"not undone: {changed}" in err) == bool(done)
    what = f"interrupted at {failed}; {failed} is as it was" if interrupted else " 5 "
    assert what in err
    if as_json:
        answer = json.loads(out)
        assert [each["service"] for each in answer["services"]] == done
        assert (answer["failed"], answer["not_begun"]) == (failed, left)
        assert answer["error"]["service"] == (None if interrupted else failed)
    else:
        assert out == ""


def test_interruption_before_anything_is_changed_says_so(
    run: Run, three: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While they are looked at, or a password is asked for."""

    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(ServiceManager, "plan", interrupted)
    code, out, err = run("apply", three, "--start-type", "manual", "--json")

    assert code == 130
    assert err == "winsvc: interrupted; nothing has been changed\n"
    assert (
        json.loads(out)["error"]["message"] == "interrupted; nothing has been changed"
    )


def test_second_interruption_lets_the_rest_be_undone(
    run: Run, backend: SimulatedBackend, three: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it has hit is told, as text and in JSON."""
    descriptions = backend.service_change2

    def interrupted(handle: Any, level: int, *image: Any) -> None:
        descriptions(handle, level, *image)
        if level == 7:
            raise KeyboardInterrupt

    words = ("--description", "d", "--preshutdown-timeout", "7")
    monkeypatch.setattr(backend, "service_change2", interrupted)
    code, out, err = run("config", "A", *words, "--json")
    note = "interrupted in undo: set preshutdown timeout of service 'A'"

    assert code == 130
    assert err == f"winsvc: interrupted at A; {note}\n"
    assert json.loads(out)["error"]["notes"] == [note]
    assert backend.records["A"].description == ""


def test_apply_goes_on_logging_where_it_does(
    run: Run, backend: SimulatedBackend, target: str, tmp_path: Path
) -> None:
    """An administrator has chosen it; an option moves it."""

    def log() -> str | None:
        with ServiceManager(backend=backend) as manager:
            return log_file_in(manager.open("Sample").command_line())

    own, other = str(tmp_path / "own.log"), str(tmp_path / "other.log")
    run("install", "--log-file", own, target)
    again = run("apply", "--target", target)
    kept = log()
    moved = run("apply", "--target", target, "--log-file", other)

    assert again[1] == "Sample: nothing to change\n"
    assert kept == own
    assert moved[0] == 0
    assert log() == other


def test_taken_event_source_is_left_out_and_told(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a name that another program has registered, if it is recommended only."""
    plan = ServiceManager.plan
    seen: list[Any] = []

    def taken(manager: ServiceManager, config: ServiceConfig, **more: Any) -> Changes:
        seen.append(more["if_supported"])
        found = plan(manager, config, **more)
        return Changes(found.service, True, found.changes, ("event_source",))

    monkeypatch.setattr(ServiceManager, "plan", taken)
    code, out, _ = run("install", target)

    assert code == 0
    assert "event_source" in seen[0]
    assert "Left out: the event source Sample, which is another program's" in out
    assert "does not know it" not in out


# --- passwords -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "password"),
    [
        (b"\xef\xbb\xbfpass\xc3\xa9\r\n", "pass\u00e9"),
        (b"pass\xc3\xa9", "pass\u00e9"),
        (b"\r\n", None),
        (b"\xff\xfep\0", None),
    ],
)
@pytest.mark.parametrize("source", ["stdin", "fd"])
def test_password_is_a_line_of_utf_8(
    run: Run,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
    text: bytes,
    password: str | None,
    source: str,
) -> None:
    """Whatever the code page is; a mark at the start is none of it; none is empty."""
    seen: list[str | None] = []
    create = SimulatedBackend.service_create

    def created(backend: SimulatedBackend, *arguments: Any) -> Any:
        seen.append(arguments[9])
        return create(backend, *arguments)

    monkeypatch.setattr(SimulatedBackend, "service_create", created)
    options = ["--password-stdin"]
    if source == "fd":
        read, write = os.pipe()
        os.write(write, text)
        os.close(write)
        options = ["--password-fd", str(read)]
    else:
        monkeypatch.setattr(sys, "stdin", typed(text))
    code, out, err = run("install", "--account", r".\u", *options, target)

    assert code == (0 if password else 2)
    assert seen == ([password] if password else [])
    assert "pass\u00e9" not in out + err


@pytest.mark.parametrize("source", ["--password-stdin", "--password-fd", "terminal"])
def test_services_of_one_process_have_one_password(
    run: Run,
    backend: SimulatedBackend,
    asked: list[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    source: str,
) -> None:
    """It is read once, or asked for once."""
    targets = []
    for name in ("First", "Second"):
        file = tmp_path / f"{tmp_path.name}_{name}.py"
        file.write_text(
            f"import winsvc\nclass {name}(winsvc.Service):\n    name = '{name}'\n"
        )
        targets.append(str(file))
    options: list[str] = []
    if source == "--password-stdin":
        monkeypatch.setattr(sys, "stdin", typed(b"secret\n"))
        options = [source]
    elif source == "--password-fd":
        read, write = os.pipe()
        os.write(write, b"secret\n")
        os.close(write)
        options = [source, str(read)]
    code, _, err = run("install", "--account", r".\u", *options, *targets)

    assert code == 0, err
    assert set(backend.records) == {"FIRST", "SECOND"}
    assert len(asked) == (source == "terminal")


def test_plan_tells_of_a_password(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What `apply` would set; nobody is asked for one."""
    run("install", target)
    monkeypatch.setattr(sys, "stdin", typed(b"secret\n"))
    code, out, _ = run("plan", "Sample", "--account", r".\u", "--password-stdin")

    assert code == 0
    assert "  password: (set)\n" in out
    assert "secret" not in out


@pytest.mark.parametrize("stdin", [None, io.StringIO()])
def test_nobody_is_asked_without_a_terminal(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch, stdin: Any
) -> None:
    """A scheduled task has none: the keys that getpass waits for never come."""

    def never(_text: str) -> str:
        raise AssertionError

    monkeypatch.setattr("getpass.getpass", never)
    monkeypatch.setattr(sys, "stdin", stdin)
    code, _, err = run("install", "--account", r".\u", target)

    assert code == 2
    assert "--password-stdin" in err

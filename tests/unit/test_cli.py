"""The command line, against a simulated SCM in place of the system's."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import threading
from pathlib import Path

import pytest

import winsvc
from winsvc.install import HOST
from winsvc.manage.manager import ServiceHandle, ServiceManager
from winsvc.settings.config import ServiceConfig
from winsvc.states import StartType
from winsvc.testing.database import SimulatedBackend

from .conftest import Run, typed


class Own(winsvc.Service):
    """A script's own service."""

    name = "Own"
    start_type = StartType.MANUAL


@pytest.mark.usefixtures("slow_until_shown")
def test_install_to_remove_goes_through_whole_life(run: Run, target: str) -> None:
    """Each command does its part, and says what came of it."""
    told = [
        run(*words.split())
        for words in (
            "status Sample",
            f"install {target}",
            "start Sample",
            "status Sample",
            "pause Sample",
            "continue Sample",
            "control Sample 200",
            "restart Sample -- slow",
            "stop Sample",
            "remove Sample",
            "status Sample",
        )
    ]

    assert [code for code, _, _ in told] == [1, *[0] * 9, 1]
    outs = [out for _, out, _ in told]
    assert "Sample is installed" in outs[1]
    assert outs[2].endswith("Sample is RUNNING\n")
    assert "accepts  STOP, PAUSE_CONTINUE, SHUTDOWN" in outs[3]
    assert outs[4].endswith("Sample is PAUSED\n")
    assert outs[5].endswith("Sample is RUNNING\n")
    assert outs[6] == "Sample was sent user 200; it is RUNNING\n"
    assert "Sample is STOPPED\n" in outs[7]
    assert "START_PENDING: checkpoint" in outs[7]
    assert outs[7].endswith("Sample is RUNNING\n")
    assert outs[8].endswith("Sample is STOPPED\n")
    assert outs[9] == "Sample is removed\n"
    assert "1060" in told[-1][2]


def test_install_writes_all_settings(
    run: Run, backend: SimulatedBackend, target: str
) -> None:
    """Options go to the SCM; what is left out comes from the class."""
    code, _, _ = run(
        *("install", "--name", "Other", "--display-name", "Shown"),
        *("--description", "Says more", "--start-type", "disabled", target),
    )
    run("install", target)

    assert code == 0
    other, sample = backend.records["OTHER"], backend.records["SAMPLE"]
    assert (other.display_name, other.description) == ("Shown", "Says more")
    assert other.start_type == StartType.DISABLED
    assert (sample.display_name, sample.description) == ("A sample", "Is a sample.")
    assert sample.start_type == StartType.AUTO
    assert (
        f'"{sys.executable}" -P {subprocess.list2cmdline([HOST])} host --log-file'
        in sample.command_line
    )
    assert target in sample.command_line


def test_install_reads_password_from_stdin(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The password is never an argument, and never shown."""
    seen: list[ServiceConfig] = []
    create = ServiceManager.create
    monkeypatch.setattr(sys, "stdin", typed(b"pa ss\n"))

    def noted(manager: ServiceManager, config: ServiceConfig) -> ServiceHandle:
        seen.append(config)
        return create(manager, config)

    monkeypatch.setattr(ServiceManager, "create", noted)
    code, out, err = run("install", "--account", r".\user", "--password-stdin", target)

    assert code == 0
    assert (seen[0].account, seen[0].password) == (r".\user", "pa ss")
    assert "pa ss" not in out + err


@pytest.mark.parametrize(
    ("account", "prompts"),
    [
        (r".\user", True),
        (r"NT AUTHORITY\LocalService", False),
        (r"NT SERVICE\Sample", False),
        (r"DOMAIN\managed$", False),
    ],
)
def test_install_prompts_where_account_has_password(
    run: Run, target: str, asked: list[str], account: str, prompts: bool
) -> None:
    """Built-in and managed accounts have none."""
    code, _, _ = run("install", "--account", account, target)

    assert code == 0
    assert bool(asked) == prompts


def test_install_of_broken_target_changes_nothing(
    run: Run, backend: SimulatedBackend, tmp_path: Path
) -> None:
    """The target is imported first; the error is one line with the place."""
    file = tmp_path / "broken_target.py"
    file.write_text("x = 1\ny = 1 / 0\n")
    code, _, err = run("install", str(file))

    assert code == 2
    assert not backend.records
    assert f"ZeroDivisionError: division by zero ({file}:2)" in err
    assert "Traceback" not in err


def test_script_commands_are_about_its_service(
    run: Run, backend: SimulatedBackend
) -> None:
    """NAME and TARGET are the script's own; --name is another of its installs."""
    told = [
        run(*words.split(), services=[Own])
        for words in (
            "install",
            "install --name Second",
            "start a b",
            "status",
            "status --name Second",
            "stop",
        )
    ]

    assert [code for code, _, _ in told] == [0] * 6
    assert backend.records["OWN"].command_line.endswith(f"{__name__}:Own")
    assert backend.records["OWN"].start_type == StartType.MANUAL
    assert "Own is RUNNING" in told[3][1]
    assert "1077 ERROR_SERVICE_NEVER_STARTED" in told[4][1]


def test_start_that_fails_tells_codes_and_log(run: Run, target: str) -> None:
    """A failure on the way: both codes, their meaning, exit code 1, one line."""
    run("install", target)
    code, _, err = run("start", "Sample", "fail")
    _, status, _ = run("status", "Sample")

    assert code == 1
    assert err.count("\n") == 1
    assert "1066, specific code 64002 START (on_start raised an exception)" in err
    assert "log" in err
    assert "64002 START" in status


def test_stop_that_fails_is_refused(run: Run, target: str) -> None:
    """STOPPED is reached, but not well."""
    run("install", target)
    run("start", "Sample", "failing-stop")
    code, _, err = run("stop", "Sample")

    assert code == 1
    assert "64005 STOP" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("start Sample", "1056"),
        ("control Sample paramchange", "1052"),
        ("start Nobody", "1060"),
        ("stop Nobody", "1060"),
    ],
)
def test_refusal_is_one_sentence(run: Run, target: str, words: str, said: str) -> None:
    """What the SCM refuses: its code on one line, exit code 1."""
    run("install", target)
    run("start", "Sample")
    code, out, err = run(*words.split())

    assert code == 1
    assert not out
    assert err.startswith("winsvc: could not ")
    assert said in err
    assert err.count("\n") == 1


def test_restart_of_stopped_service_starts_it(run: Run, target: str) -> None:
    """There is nothing to stop, and that is no error."""
    run("install", target)
    code, out, _ = run("restart", "Sample")

    assert code == 0
    assert out.endswith("Sample is RUNNING\n")


def test_start_without_waiting_returns_at_once(run: Run, target: str) -> None:
    """--no-wait tells the state that it has by then."""
    run("install", target)
    code, out, _ = run("start", "--no-wait", "Sample", "slow")

    assert code == 0
    assert out.startswith("Sample is START_PENDING: checkpoint")


def test_wait_that_is_too_short_is_refused(run: Run, target: str) -> None:
    """Past --timeout it is exit code 1, and the state it is in."""
    run("install", target)
    code, out, err = run("start", "--timeout", "0", "--json", "Sample", "slow")

    assert code == 1
    assert "not RUNNING after 0 s: it is START_PENDING" in err
    assert json.loads(out)["error"]["code"] == 1460


def test_terminal_gets_bar_instead_of_lines(
    run: Run, target: str, gate: threading.Event, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With rich, a bar with the checkpoint moves until the state is reached."""
    pytest.importorskip("rich")

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

        def write(self, text: str) -> int:
            if re.search(r"START_PENDING.*checkpoint", text):
                gate.set()  # the bar has been drawn
            return super().write(text)

    run("install", target)
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setattr(sys, "stdout", terminal)
    code, _, _ = run("start", "Sample", "slow")

    assert code == 0
    assert "Sample START_PENDING" in terminal.getvalue()
    assert re.search(r"checkpoint \d", terminal.getvalue())
    assert terminal.getvalue().endswith("Sample is RUNNING\n")


def test_remove_of_running_service_says_when(run: Run, target: str) -> None:
    """It goes once it has stopped."""
    run("install", target)
    run("start", "Sample")
    code, out, _ = run("remove", "Sample")

    assert code == 0
    assert "is RUNNING; once stopped" in out


def test_list_filters_by_pattern_and_state(run: Run, target: str) -> None:
    """The pattern is for both names, in any case."""
    run("install", target)
    run("install", services=[Own])
    run("start", "Sample")
    everything = run("list")[1].splitlines()
    shown = run("list", "*SAMPLE")[1].splitlines()
    running = run("list", "--state", "running")[1].splitlines()
    stopped = run("list", "--state", "stopped")[1].splitlines()

    assert [line.split()[0] for line in everything] == ["NAME", "Own", "Sample"]
    assert [line.split()[0] for line in shown] == ["NAME", "Sample"]
    assert shown == running
    assert [line.split()[0] for line in stopped] == ["NAME", "Own"]


@pytest.mark.parametrize(
    "words",
    [
        "",
        "nonsense",
        "start",
        "start Sample --timeout soon",
        "start Sample --timeout -1",
        "status Sample -- more",
        "control Sample",
        "control Sample loud",
        "control Sample 300",
        "control Sample 0x7f",
        "control Sample shutdown",
        "install",
        "install --start-type sometimes a:B",
        "list --state odd",
        "host",
        "demo more",
    ],
)
def test_wrong_usage_exits_with_2(run: Run, words: str) -> None:
    """What cannot be understood is said on stderr, and nothing is done."""
    code, out, err = run(*words.split())

    assert code == 2
    assert not out
    assert "usage:" in err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("install a-b", "a-b cannot be loaded: 'a-b' names no service"),
        ("install --password-stdin winsvc.demo:Demo", "a password needs --account"),
        ("install --name a/b winsvc.demo:Demo", "name"),
        ("install --from missing.toml", "missing.toml cannot be read"),
    ],
)
def test_what_is_named_wrongly_needs_no_usage(run: Run, words: str, said: str) -> None:
    """The command line is well-formed: one line says what is wrong, and where."""
    code, out, err = run(*words.split())

    assert (code, out) == (2, "")
    assert len(err.splitlines()) == 1
    assert " install: error: " in err
    assert said in err


def test_syntax_error_of_a_target_has_its_place(run: Run, tmp_path: Path) -> None:
    """Type, file and line, as for any other exception of the user's code."""
    file = tmp_path / "unfinished.py"
    file.write_text("import winsvc\n\ndef on_start(self)\n    pass\n")
    code, _, err = run("install", str(file))

    assert code == 2
    assert f"SyntaxError: expected ':' ({file}:3)" in err


def test_version_is_told(run: Run) -> None:
    """Whose commands they are, a script's too."""
    for services in ([], [Own]):
        code, out, _ = run("--version", services=services)

        assert code == 0
        assert out.startswith(f"winsvc {winsvc.__version__}, Python 3.")


def test_main_says_where_its_services_log(
    run: Run, backend: SimulatedBackend, tmp_path: Path
) -> None:
    """As run() does; an option counts before it."""
    mine, other = str(tmp_path / "mine.log"), str(tmp_path / "other.log")
    run("install", services=[Own], log_file=mine)
    installed = backend.records["OWN"].command_line
    run("apply", "--log-file", other, services=[Own], log_file=mine)
    moved = backend.records["OWN"].command_line
    run("apply", services=[Own], log_file=mine)

    assert mine in installed
    assert other in moved
    assert backend.records["OWN"].command_line == moved


@pytest.mark.skipif(os.name == "nt", reason="Windows has an SCM")
@pytest.mark.parametrize(
    "words", ["status X", "list", "install winsvc.demo:Demo", "host winsvc.demo:Demo"]
)
def test_no_scm_points_to_debug_and_demo(words: str) -> None:
    """Elsewhere than on Windows: one line that says what can be done."""
    done = subprocess.run(
        [sys.executable, "-m", "winsvc", *words.split()],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert done.returncode == 1
    assert not done.stdout
    assert "there is no SCM on this system" in done.stderr
    assert "debug" in done.stderr
    assert "demo" in done.stderr
    assert done.stderr.count("\n") == 1


def test_host_connects_before_it_imports() -> None:
    """Nothing slow is imported on the way to the SCM, and not the target."""
    script = (
        "import sys; sys.argv = ['winsvc', 'host', 'no_such_module:C']\n"
        "from winsvc.__main__ import main\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "print(*sorted(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    loaded = set(done.stdout.split())
    assert "winsvc.process" in loaded
    assert not loaded & {"argparse", "winsvc.cli", "winsvc.target", "asyncio", "ctypes"}

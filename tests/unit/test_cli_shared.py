"""The command line of several services in one process, on a simulated SCM."""

from __future__ import annotations

import json
import os
import re
import sys
from functools import partial
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

import winsvc
from winsvc.__main__ import parse_host, parse_shared_host
from winsvc.base import ServiceBase
from winsvc.install import HOST, shared_command, target_of
from winsvc.manage.manager import ServiceManager
from winsvc.shared import misfit, named_target, parse_services
from winsvc.states import ServiceType, StartType
from winsvc.testing.database import SimulatedBackend

from .conftest import Run


class Collector(winsvc.Service):
    """Collects."""

    name = "Collector"
    display_name = "The collector"

    def on_pause(self) -> None: ...

    def on_user_control(self, code: int) -> None: ...


class Reporter(winsvc.Service):
    """Reports."""

    name = "My Reporter"
    start_type = StartType.MANUAL

    def on_start(self) -> None:
        if "fail" in self.args:
            msg = "no luck"
            raise RuntimeError(msg)


BOTH = (Collector, Reporter)


@pytest.fixture
def run(run: Run) -> Run:
    """Run a command of a script that has both, unless it has others."""
    return partial(run, services=BOTH)


@pytest.fixture
def installed(run: Run, backend: SimulatedBackend) -> SimulatedBackend:
    """An SCM with both, in one process."""
    code, _, err = run("install")
    assert code == 0, err
    return backend


def pids(text: str) -> list[str]:
    """Return the processes that status tells."""
    words = text.split()
    return [after for word, after in pairwise(words) if word == "process"]


# --- a command and a type that do not fit (A-7, A-8) ---------------------------------


@pytest.mark.parametrize("command", ["apply", "config", "plan"])
def test_member_of_a_shared_process_cannot_be_its_own(
    run: Run, installed: SimulatedBackend, command: str
) -> None:
    """Windows would run Collector, the table's first entry, under its name."""
    code, _, err = run(command, Reporter.name, "--type", "own", services=())

    assert code == 2
    assert "'My Reporter': its command hosts Collector, My Reporter" in err
    assert "(A-7)" in err
    kinds = {each.service_type for each in installed.records.values()}
    assert kinds == {ServiceType.SHARE_PROCESS}


@pytest.mark.parametrize("command", ["plan", "apply", "install"])
def test_service_alone_cannot_be_shared(
    run: Run, backend: SimulatedBackend, target: str, command: str
) -> None:
    """Its process's table has no name, for which a shared one is looked through."""
    words = [target] if command == "install" else ["New", "--target", target]
    code, _, err = run(command, *words, "--type", "shared", services=())

    assert code == 2
    assert "have its start fail with 1083 (A-8)" in err
    assert not backend.records


HOSTS = [
    (r"C:\python.exe", "-P", r"C:\x\Winsvc\__MAIN__.py", "host", "--path", "host"),
    (r"C:\python.exe", "-P", "-m", "winsvc", "host", "--log-file", r"C:\host.log"),
]
OTHERS = [
    (r"C:\python.exe", "-m", "their.host", "host"),
    (r"C:\python.exe", r"C:\services\__main__.py", "host"),
    (r"C:\host.exe", "host"),
]


@pytest.mark.parametrize("host", HOSTS)
def test_what_does_not_fit_is_told_of_our_own_host(host: tuple[str, ...]) -> None:
    """Both kinds; a member's name in any case."""
    own, shared = ServiceType.OWN_PROCESS, ServiceType.SHARE_PROCESS
    several = (*host, "A=a.py:A", "B=b:B")
    found = {
        key: misfit(*key)
        for key in [
            *[("A", several, own), ("b", several, own | ServiceType.INTERACTIVE)],
            *[("c", several, shared), ("A", (*host, "a.py:A"), shared)],
            *[("a", several, shared), ("B", several, shared)],
            *[("X", (*host, "a.py:A"), own), ("X", host, shared)],
        ]
    }
    told = [code and re.findall("A-[78]", code) for code in found.values()]

    assert told == [["A-7"], ["A-7"], ["A-8"], ["A-8"], *[None] * 4]


@pytest.mark.parametrize("command", OTHERS)
def test_what_others_host_is_their_own(command: tuple[str, ...]) -> None:
    """Nothing is known of how they read their words."""
    for kind in (ServiceType.OWN_PROCESS, ServiceType.SHARE_PROCESS):
        for words in (["A=a:A", "B=b:B"], ["a:A"], []):
            assert misfit("C", (*command, *words), kind) is None


# --- install and remove ---------------------------------------------------------------


def test_install_creates_all_with_one_command_line(
    run: Run, backend: SimulatedBackend
) -> None:
    """SHARE_PROCESS, the same image path and account; the rest is each one's own."""
    code, out, _ = run("install", "--account", r"NT AUTHORITY\LocalService")
    collector = backend.records["COLLECTOR"]
    reporter = backend.records["MY REPORTER"]

    assert code == 0
    assert "Collector, My Reporter are installed" in out
    assert collector.command_line == reporter.command_line
    assert collector.command_line.endswith(
        f'Collector={__name__}:Collector "My Reporter={__name__}:Reporter"'
    )
    for record in (collector, reporter):
        assert record.service_type == ServiceType.SHARE_PROCESS
        assert record.account == r"NT AUTHORITY\LocalService"
    assert (collector.display_name, collector.description) == (
        "The collector",
        "Collects.",
    )
    assert (collector.start_type, reporter.start_type) == (
        StartType.AUTO,
        StartType.MANUAL,
    )


def test_install_of_own_process_stays_one(run: Run, backend: SimulatedBackend) -> None:
    """A script of one service has OWN_PROCESS, and its target without a name."""
    run("install", services=(Collector,))
    record = backend.records["COLLECTOR"]

    assert record.service_type == ServiceType.OWN_PROCESS
    assert record.command_line.endswith(f" {__name__}:Collector")


def test_install_that_fails_leaves_none(run: Run, backend: SimulatedBackend) -> None:
    """The second is there already: the first is taken back."""
    run("install", services=(Reporter,))
    code, out, err = run("install")

    assert code == 1
    assert not out
    assert "1073" in err
    assert list(backend.records) == ["MY REPORTER"]


def test_install_of_name_like_option_is_refused(
    run: Run, backend: SimulatedBackend
) -> None:
    """A process could not tell it from an option."""
    dashed = type("Dashed", (Collector,), {"name": "-x", "__module__": __name__})
    code, _, err = run("install", services=(Collector, dashed))

    assert code == 2
    assert "cannot start with -" in err
    assert not backend.records


def test_install_of_several_targets_makes_one_process(
    run: Run, backend: SimulatedBackend, tmp_path: Path
) -> None:
    """``python -m winsvc install TARGET TARGET``: files, each with its full path."""
    files = []
    for name in ("One", "Two"):
        file = tmp_path / f"{tmp_path.name}_{name}=.py"
        file.write_text(
            f"import winsvc\nclass {name}(winsvc.Service):\n    name = '{name}'\n"
        )
        files.append(str(file))
    code, out, err = run("install", *files, services=())
    one, two = backend.records["ONE"], backend.records["TWO"]

    assert code == 0, err
    assert str(tmp_path / "logs" / "One.log") in out
    assert one.command_line == two.command_line
    assert f"One={files[0]}:One" in one.command_line
    assert f"Two={files[1]}:Two" in one.command_line
    assert one.service_type == two.service_type == ServiceType.SHARE_PROCESS


@pytest.mark.parametrize("option", ["--name", "--display-name", "--description"])
def test_install_of_several_targets_takes_no_name(
    run: Run, backend: SimulatedBackend, option: str
) -> None:
    """What is one service's alone is refused."""
    target = "winsvc.demo:Demo"
    code, _, err = run("install", option, "x", target, target, services=())

    assert code == 2
    assert "for one service alone" in err
    assert not backend.records


def test_remove_all_goes_on_after_a_refusal(
    run: Run, installed: SimulatedBackend
) -> None:
    """What can be removed is, and the exit code tells of the rest."""
    first = run("remove", "Collector")
    code, out, err = run("remove", "--all")

    assert first == (0, "Collector is removed\n", "")
    assert code == 1
    assert out == "My Reporter is removed\n"
    assert "1060" in err
    assert err.count("\n") == 1
    assert not installed.records


def test_remove_all_goes_on_after_what_cannot_be_read(
    run: Run, installed: SimulatedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A ValueError is about the one service: 2, and the others are still done."""
    remove = ServiceManager.remove

    def broken(manager: ServiceManager, name: str, **more: float) -> bool:
        if name == "Collector":
            raise ValueError("its data is broken")
        return remove(manager, name, **more)

    monkeypatch.setattr(ServiceManager, "remove", broken)
    code, out, err = run("remove", "--all")

    assert (code, out) == (2, "My Reporter is removed\n")
    assert err.endswith(": error: its data is broken\n")
    assert err.count("\n") == 1
    assert list(installed.records) == ["COLLECTOR"]


def test_all_as_json_is_an_object_for_each(
    run: Run, installed: SimulatedBackend
) -> None:
    """As docs/command-line.md has it: for what is refused too, on a line each."""
    stopped = run("stop", "--all", "--json")
    removed = run("remove", "--all", "--json")

    errors = [json.loads(line)["error"] for line in stopped[1].splitlines()]
    assert [each["service"] for each in errors] == ["Collector", "My Reporter"]
    names = [json.loads(line)["name"] for line in removed[1].splitlines()]
    assert names == ["Collector", "My Reporter"]


# --- the commands that are about one of them ------------------------------------------


def test_commands_go_through_the_lives_of_both(
    run: Run, installed: SimulatedBackend
) -> None:
    """Each command is about the service that it names, or about all."""
    told = [
        run(*words)
        for words in (
            ["status"],
            ["start", "my reporter", "a", "--", "-b"],
            ["start", "Collector", "--timeout", "20"],
            ["status"],
            ["pause", "Collector"],
            ["continue", "Collector"],
            ["control", "Collector", "200"],
            ["restart", "My Reporter"],
            ["status", "My Reporter"],
            ["stop", "--all", "--timeout", "20"],
        )
    ]

    assert [(code, err) for code, _, err in told] == [(0, "")] * len(told)
    outs = [out for _, out, _ in told]
    assert outs[0].count("1077 ERROR_SERVICE_NEVER_STARTED") == 2
    assert outs[1].endswith("My Reporter is RUNNING\n")
    assert outs[2].endswith("Collector is RUNNING\n")
    assert "Collector is RUNNING" in outs[3]
    assert "My Reporter is RUNNING" in outs[3]
    assert len(pids(outs[3])) == 2
    assert len(set(pids(outs[3]))) == 1
    assert outs[4].endswith("Collector is PAUSED\n")
    assert outs[5].endswith("Collector is RUNNING\n")
    assert outs[6] == "Collector was sent user 200; it is RUNNING\n"
    assert "My Reporter is STOPPED\n" in outs[7]
    assert outs[7].endswith("My Reporter is RUNNING\n")
    assert "Collector" not in outs[8]
    assert pids(outs[8]) == pids(outs[3])[:1]
    assert "Collector is STOPPED\n" in outs[9]
    assert outs[9].endswith("My Reporter is STOPPED\n")


def test_start_all_passes_parameters_to_each(
    run: Run, installed: SimulatedBackend
) -> None:
    """They come after --, since the first other word would be a NAME."""
    code, out, err = run("start", "--all", "--", "fail")

    assert code == 1
    assert "Collector is RUNNING" in out
    assert "My Reporter failed" in err
    assert str(Path("logs", "Collector.log")) in err


def test_start_all_goes_on_after_a_refusal(
    run: Run, installed: SimulatedBackend
) -> None:
    """One runs already: the other is started all the same."""
    run("start", "Collector")
    code, out, err = run("start", "--all")

    assert code == 1
    assert out.endswith("My Reporter is RUNNING\n")
    assert "1056" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize("command", ["start", "stop", "status", "remove", "debug"])
def test_unknown_name_is_answered_with_the_names(run: Run, command: str) -> None:
    """Exit code 2, and all that could have been meant."""
    code, out, err = run(command, "Nobody")

    assert code == 2
    assert not out
    assert "argument NAME: 'Nobody' is none of Collector, My Reporter" in err


@pytest.mark.parametrize(
    "words",
    [
        "",
        "start",
        "start --all Collector",
        "stop Collector --all",
        "stop --all -- parameter",
        "restart",
        "restart --all",
        "pause",
        "control 200",
        "debug",
        "remove",
        "install Collector",
        "install --name x",
        "host Collector",
    ],
)
def test_wrong_usage_exits_with_2(
    run: Run, words: str, backend: SimulatedBackend
) -> None:
    """What cannot be understood is said on stderr, and nothing is done."""
    code, out, err = run(*words.split())

    assert code == 2
    assert not out
    assert "usage:" in err
    assert not backend.records


def test_help_names_the_services(run: Run) -> None:
    """Of the script, and of each command that wants a name; % is no format."""
    percent = type("Percent", (Collector,), {"name": "100%"})
    for words in (["--help"], ["start", "--help"], ["debug", "--help"]):
        code, out, _ = run(*words, services=(*BOTH, percent))

        assert code == 0
        assert "Collector, My Reporter, 100%" in out


def test_debug_runs_the_named_one(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """One of them in the terminal, with its parameters."""
    seen: list[object] = []

    def debug(service: type[ServiceBase], args: list[str]) -> int:
        seen.append((service, args))
        return 0

    monkeypatch.setattr("winsvc.console.debug", debug)
    code, _, _ = run("debug", "My Reporter", "a")

    assert code == 0
    assert seen == [(Reporter, ["a"])]


# --- hosting --------------------------------------------------------------------------


def test_script_that_the_scm_starts_hosts_all(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without arguments; with ``host`` the log file may be named."""
    seen: list[object] = []

    def hosted(*services: type[ServiceBase], log_file: str | None = None) -> int:
        seen.append((services, log_file))
        return 0

    monkeypatch.setattr("winsvc.cli.os", SimpleNamespace(name="nt", environ={}))
    monkeypatch.setattr("winsvc.process.run", hosted)

    assert run()[0] == 0
    assert run("host", "--log-file", "x.log")[0] == 0
    assert seen == [(BOTH, None), (BOTH, "x.log")]


def test_host_takes_named_targets_in_any_order(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What people write, as argparse reads it, comes to the same."""
    seen: list[object] = []

    def host(targets: object, **more: object) -> int:
        seen.append((targets, more))
        return 0

    monkeypatch.setattr("winsvc.process.host", host)
    words = ["host", "A=m:A", "B=n:B", "--log-file=f", "--path", "p"]
    code, _, _ = run(*words, services=())

    assert code == 0
    more = {"names": ("A", "B"), "log_file": "f", "path": ("p",)}
    assert seen == [(("m:A", "n:B"), more)]


@pytest.mark.parametrize("words", ["m:A n:B", "A=m:A n:B", "A=m:A =n:B", ""])
def test_host_of_unnamed_targets_is_refused(run: Run, words: str) -> None:
    """Several need their names before they are imported (A-8)."""
    code, _, err = run("host", *words.split(), services=())

    assert code == 2
    assert "TARGET" in err


@pytest.mark.parametrize(
    ("words", "parsed"),
    [
        (["A=m:A", "B=n:B"], ((("m:A", "n:B"), ("A", "B")), None, ())),
        (
            ["--log-file", "x=f", "--path", "p", "A=m:A", "B=n:B"],
            ((("m:A", "n:B"), ("A", "B")), "x=f", ("p",)),
        ),
        (["A=m:A"], None),
        ([], None),
        (["--log-file=f", "A=m:A", "B=n:B"], None),
        (["A=m:A", "--path=p", "B=n:B"], None),
        (["A=m:A", "B=n:B", "--log-file", "f"], None),
    ],
)
def test_shared_host_arguments_are_parsed_without_argparse(
    words: list[str], parsed: object
) -> None:
    """What install writes is understood; anything else is left to argparse."""
    assert parse_shared_host(words) == parsed


def test_what_install_writes_is_understood() -> None:
    """The two ends fit; the process imports nothing for it."""
    command = shared_command([(each, target_of(each)) for each in BOTH], "a b.log")
    parsed = parse_shared_host(list(command[4:]))

    assert command[:4] == (sys.executable, "-P", HOST, "host")
    assert parse_host(list(command[4:])) is None
    assert parsed is not None
    services, log_file, path = parsed
    assert services == (
        (f"{__name__}:Collector", f"{__name__}:Reporter"),
        ("Collector", "My Reporter"),
    )
    assert log_file == os.path.abspath("a b.log")
    assert len(path) == len(set(path)) <= 1


# What E-1 leaves, but for the first letter; paths as `install` writes them: full.
NAMES = st.text(
    st.characters(exclude_characters="/\\\0", exclude_categories=["Cs"])
    | st.sampled_from("= \"'%-:"),
    min_size=1,
).filter(lambda name: not name.startswith("-"))
FOLDERS = st.text(st.sampled_from('ab= \\/.:-"é'), max_size=8)
TARGETS = st.sampled_from(["m:A", "package.m:A"]) | st.builds(
    "{}{}.py:A".format, st.sampled_from(["C:\\", "\\\\server\\", "/"]), FOLDERS
)


@given(st.lists(st.tuples(NAMES, TARGETS), min_size=2))
def test_names_and_targets_survive_the_command_line(
    services: list[tuple[str, str]],
) -> None:
    """Blanks, quotes and ``=`` in names and paths (test_manager has the quoting)."""
    names, targets = zip(*services, strict=True)
    words = [named_target(*service) for service in services]

    assert parse_services(words) == (targets, names)

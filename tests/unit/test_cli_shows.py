"""status, list, watch, logs and doctor, JSON and tables, on a simulated SCM."""

from __future__ import annotations

import io
import json
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import winsvc
from winsvc.commands import tables
from winsvc.commands.parsing import make_parser
from winsvc.doctor.findings import Finding
from winsvc.eventlog_reader import EventRecord
from winsvc.manage.handle import ServiceHandle
from winsvc.manage.manager import ServiceManager
from winsvc.manage.status import ServiceStatus
from winsvc.manage.watching_all import ServiceEvent
from winsvc.reasons import StopMajor, StopMinor, StopReason
from winsvc.settings.config import ServiceConfig
from winsvc.settings.table import SETTINGS
from winsvc.states import StartType, State
from winsvc.testing.database import SimulatedBackend

from .conftest import Run, Terminal

FIELDS = {
    *("name", "state", "pid", "accepts", "exit_code", "service_exit_code"),
    *("checkpoint", "wait_hint"),
}


class Base(winsvc.Service):
    """Is depended on."""

    name = "Base"


class Leaf(winsvc.Service):
    """Depends on it."""

    name = "Leaf"
    dependencies = ("Base",)


@pytest.fixture
def installed(run: Run, target: str) -> None:
    """The service Sample, and Base with Leaf, which depends on it."""
    for words, services in (
        (["install", target], []),
        (["install"], [Base]),
        (["install"], [Leaf]),
    ):
        code, _, err = run(*words, services=services)
        assert code == 0, err


def start_both(run: Run) -> None:
    """Start Base and Leaf: the simulated SCM does not start what Leaf depends on."""
    for name in ("Base", "Leaf"):
        code, _, err = run("start", name)
        assert code == 0, err


# --- JSON ----------------------------------------------------------------------------


@pytest.mark.usefixtures("installed", "slow_until_seen")
def test_each_command_about_a_service_answers_with_its_status(run: Run) -> None:
    """One object on one line, nothing else on standard output, in all its life."""
    seen = []
    for words in (
        "start Sample slow",
        "pause Sample",
        "continue Sample",
        "control Sample 200",
        "restart Sample",
        "stop Sample",
    ):
        code, out, err = run(*words.split(), "--json")
        assert (code, err, out.count("\n")) == (0, "", 1), words
        fields = json.loads(out)
        assert set(fields) == FIELDS
        seen.append((fields["name"], fields["state"]))

    states = ["RUNNING", "PAUSED", "RUNNING", "RUNNING", "RUNNING", "STOPPED"]
    assert seen == [("Sample", state) for state in states]


@pytest.mark.usefixtures("installed")
def test_errors_are_an_object_too(run: Run) -> None:
    """On standard output; standard error has the sentence as always."""
    refused = run("pause", "Sample", "--json")
    failed = run("start", "Sample", "fail", "--json")
    plain = run("pause", "Sample")

    error = json.loads(refused[1])["error"]
    assert (refused[0], refused[2]) == (1, plain[2])
    assert list(error) == [
        *("operation", "service", "code", "name", "message", "remedy")
    ]
    assert (error["operation"], error["service"]) == ("pause", "Sample")
    assert (error["code"], error["name"]) == (1062, "ERROR_SERVICE_NOT_ACTIVE")
    assert f"winsvc: {error['message']}\n" == refused[2]
    assert error["remedy"] == "start it first"
    error = json.loads(failed[1])["error"]
    assert (error["exit_code"], error["service_exit_code"]) == (1066, 64002)


@pytest.mark.usefixtures("installed")
def test_status_of_several_tells_of_all(run: Run) -> None:
    """One that is not there does not hide the others."""
    run("start", "Sample")
    code, out, err = run("status", "Base", "Nobody", "Sample")
    as_json = run("status", "Base", "Nobody", "Sample", "--json")
    alone = run("status", "Nobody", "--json")

    assert code == as_json[0] == alone[0] == 1
    assert "Base is STOPPED" in out
    assert "Sample is RUNNING" in out
    assert "1060" in err
    assert err == as_json[2] == alone[2]
    base, nobody, sample = json.loads(as_json[1])["services"]
    assert set(base) == set(sample) == FIELDS
    assert (nobody["name"], nobody["error"]["code"]) == ("Nobody", 1060)
    assert json.loads(alone[1])["error"] == nobody["error"]


@pytest.mark.usefixtures("installed")
def test_list_as_json_has_display_names(run: Run) -> None:
    """In the order of the key names, filtered as the text is."""
    run("start", "Base")
    everything = json.loads(run("list", "--json")[1])["services"]
    running = json.loads(run("list", "--state", "running", "--json")[1])["services"]
    none = json.loads(run("list", "nothing*", "--json")[1])

    assert [each["name"] for each in everything] == ["Base", "Leaf", "Sample"]
    assert everything[2]["display_name"] == "A sample"
    assert set(everything[0]) == FIELDS | {"display_name"}
    assert [each["name"] for each in running] == ["Base"]
    assert none == {"services": []}


@pytest.mark.usefixtures("installed")
def test_list_of_a_group(run: Run) -> None:
    """The SCM filters, since only it knows the groups (F-16)."""
    run("config", "Sample", "--group", "Some group")
    shown = run("list", "--group", "some GROUP")[1].splitlines()

    assert [line.split()[0] for line in shown] == ["NAME", "Sample"]


# --- start, stop, restart ------------------------------------------------------------


@pytest.mark.usefixtures("installed")
def test_stop_with_dependents(run: Run) -> None:
    """Without the option the SCM refuses, and it is named (1051)."""
    start_both(run)
    refused = run("stop", "Base")
    code, out, _ = run("stop", "Base", "--dependents")
    start_both(run)
    answer = json.loads(run("stop", "Base", "--dependents", "--json")[1])

    assert refused[0] == 1
    assert "1051" in refused[2]
    assert "--dependents" in refused[2]
    assert code == 0
    assert out.startswith("Leaf is STOPPED\n")
    assert out.endswith("Base is STOPPED\n")
    assert (answer["state"], answer["dependents"]) == ("STOPPED", ["Leaf"])


@pytest.mark.usefixtures("installed")
def test_restart_with_dependents_starts_them_again(run: Run) -> None:
    """They run at the end as they did before."""
    start_both(run)
    code, out, err = run("restart", "Base", "--dependents")
    status = run("status", "Leaf")[1]
    answer = json.loads(run("restart", "Base", "--dependents", "--json")[1])

    assert code == 0, err
    assert out.index("Leaf is STOPPED") < out.index("Base is STOPPED")
    assert out.index("Base is STOPPED") < out.index("Leaf is RUNNING")
    assert out.endswith("Base is RUNNING\n")
    assert "Leaf is RUNNING" in status
    assert answer["state"] == "RUNNING"
    (leaf,) = answer["dependents"]
    assert (leaf["name"], leaf["state"]) == ("Leaf", "RUNNING")


@pytest.mark.usefixtures("installed")
def test_restart_says_which_dependent_did_not_start(run: Run) -> None:
    """The service itself runs: both are told, and the exit code is 1."""
    start_both(run)
    run("config", "Leaf", "--start-type", "disabled")
    code, out, err = run("restart", "Base", "--dependents", "--json")
    answer = json.loads(out)

    assert code == 1
    assert answer["state"] == "RUNNING"
    assert answer["dependents"][0]["error"]["code"] == 1058
    assert "1058" in err


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("planned", StopReason()),
        ("unplanned", StopReason(planned=False)),
        ("planned:software", StopReason(major=StopMajor.SOFTWARE)),
        (
            "planned:Operating-System:security-fix",
            StopReason(major=StopMajor.OPERATING_SYSTEM, minor=StopMinor.SECURITY_FIX),
        ),
        (
            "unplanned:0x41:0x123",
            StopReason(planned=False, major=0x41, minor=0x123),
        ),
    ],
)
def test_stop_hands_its_reason_on(
    run: Run, monkeypatch: pytest.MonkeyPatch, text: str, reason: StopReason
) -> None:
    """By names, or by numbers of one's own (B-41)."""
    seen: list[dict[str, Any]] = []
    stop = ServiceHandle.stop

    def noted(handle: ServiceHandle, **more: Any) -> ServiceStatus:
        seen.append(more)
        return stop(handle)

    monkeypatch.setattr(ServiceHandle, "stop", noted)
    run("start", "Sample")
    code, _, err = run("stop", "Sample", "--reason", text, "--comment", "so that")

    assert code == 0, err
    assert seen == [{"reason": reason, "comment": "so that"}]


STAMP = "2026-11-23 12:00:00,000 "
OLD = STAMP + "ERROR winsvc of an earlier start\n"


@pytest.mark.parametrize(
    ("before", "added", "told"),
    [
        (None, None, "there is no log "),
        (OLD, "", "of its own.log has nothing of it"),
        ("", STAMP + "INFO winsvc it begins\n", "of its own.log has no error of it"),
        (OLD, STAMP + "ERROR winsvc no\n", "of its own.log says why"),
        ("", "Fatal Python error: Aborted\n", "of its own.log says why"),
        (OLD, None, "of its own.log says why"),  # rotated: a new one
    ],
)
def test_start_that_nobody_answers_points_to_doctor_and_log(
    run: Run,
    backend: SimulatedBackend,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    before: str | None,
    added: str | None,
    told: str,
) -> None:
    """1053 by itself says nothing about the cause, nor does a log always."""
    log = tmp_path / "of its own.log"

    def not_connected(_handle: object, _arguments: object) -> None:
        if added is not None and before is not None:
            log.write_text(before + added)
        elif before is not None:
            log.write_text(STAMP + "ERROR x\n")
        error = OSError(0, "start the service")
        error.winerror = 1053  # type: ignore[attr-defined]
        raise error

    if before is not None:
        log.write_text(before)
    run("install", "--log-file", str(log), target)
    monkeypatch.setattr(backend, "service_start", not_connected)
    code, out, err = run("start", "Sample")

    assert (code, out) == (1, "")
    assert "1053" in err
    assert told in err
    assert "`python -m winsvc doctor Sample` looks for the cause" in err
    assert err.count("\n") == 1


def test_program_without_log_is_promised_none(
    run: Run, backend: SimulatedBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing but the doctor can say anything of a program that is no service."""

    def not_connected(_handle: object, _arguments: object) -> None:
        error = OSError(0, "start the service")
        error.winerror = 1053  # type: ignore[attr-defined]
        raise error

    with ServiceManager(backend=backend) as manager:
        command = (r"C:\Windows\notepad.exe",)
        config = ServiceConfig(name="Pad", command=command, start_type=StartType.MANUAL)
        manager.create(config).close()
    monkeypatch.setattr(backend, "service_start", not_connected)
    code, _, err = run("start", "Pad")

    assert code == 1
    assert "its log" not in err
    assert "whether its program is a service's at all" in err
    assert err.endswith("; `python -m winsvc doctor Pad` looks for the cause\n")


@pytest.mark.parametrize("log", ["NUL", "com1.log", ""])
def test_log_that_can_be_none_is_refused(
    run: Run, backend: SimulatedBackend, target: str, tmp_path: Path, log: str
) -> None:
    """A device or a folder; no service is made."""
    log = log or str(tmp_path)
    code, _, err = run("install", "--log-file", log, target)

    assert code == 2
    assert f"no log can be {os.path.abspath(log)}: it is " in err
    assert run("status", "Sample")[0] == 1


@pytest.mark.parametrize("log", ["NUL", ""])
def test_log_that_can_be_none_is_refused_of_a_script_too(
    run: Run, backend: SimulatedBackend, tmp_path: Path, log: str
) -> None:
    """`main(log_file=)` says it as an option would."""
    log = log or str(tmp_path)
    code, out, err = run("install", services=[Base], log_file=log)

    assert (code, out) == (2, "")
    assert f"no log can be {os.path.abspath(log)}: it is " in err
    assert not backend.records


def test_log_that_can_be_none_is_no_longer_kept(
    run: Run, backend: SimulatedBackend, target: str, tmp_path: Path
) -> None:
    """`apply` of a target would keep the log that the service has."""
    log = tmp_path / "log"
    run("install", "--log-file", str(log), target)
    log.mkdir()
    refused = run("apply", "--target", target)
    mended = run("apply", "--target", target, "--log-file", str(log / "file"))

    assert refused[0] == 2
    assert f"no log can be {log}: it is a folder" in refused[2]
    assert mended[0] == 0


def test_log_that_cannot_be_read_is_told(
    run: Run, target: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder, whose name was a file's before; and one that may not be read."""
    log = tmp_path / "a.log"
    run("install", "--log-file", str(log), target)
    log.mkdir()
    folder = run("logs", "Sample")
    log.rmdir()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("winsvc.commands.logs.read_log_file", refuse)
    refused = run("logs", "Sample")

    assert (folder[0], refused[0]) == (1, 1)
    assert f"its log cannot be {log}: it is a folder; `apply" in folder[2]
    assert f"the log file {log} may not be read: Permission denied" in refused[2]


def test_failure_of_a_script_points_to_its_doctor(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The script's own command, which needs no name."""
    monkeypatch.setattr(sys, "argv", ["clock.py"])

    class Failing(Base):
        """Fails."""

        def on_start(self) -> None:
            raise OSError(2, "no luck")

    Failing.__qualname__ = Failing.__name__
    monkeypatch.setattr(sys.modules[__name__], "Failing", Failing, raising=False)
    run("install", services=[Failing])
    code, _, err = run("start", services=[Failing])

    assert code == 1
    assert "`clock.py doctor` looks for the cause" in err


# --- another computer ----------------------------------------------------------------


@pytest.mark.parametrize(
    "words",
    [
        "apply X --start-type manual",
        "plan X --start-type manual",
        "config X",
        "remove X",
        "start X",
        "stop X",
        "restart X",
        "pause X",
        "continue X",
        "control X 200",
        "status X",
        "list",
        "watch",
        "watch X",
        "logs X",
        "doctor X",
        "grant X S-1-5-11",
        "deny X S-1-5-11",
        "revoke X S-1-5-11",
    ],
)
def test_each_command_has_machine_and_json(run: Run, words: str) -> None:
    """The simulated SCM is nobody else's: 1722 (E-20)."""
    code, out, err = run(*words.split(), "--machine", "there", "--json")

    assert code == 1
    assert json.loads(out)["error"]["code"] == 1722
    assert "1722" in err


# --- watch ---------------------------------------------------------------------------


def status(state: State, exit_code: int = 0, **more: Any) -> ServiceStatus:
    """Return a status."""
    raw = (16, state, 0, exit_code, 0, more.get("checkpoint", 0), 3000, 7)
    return ServiceStatus.from_tuple(raw)


EVENTS = [
    ServiceEvent("New", status(State.STOPPED, 1077), "created"),
    ServiceEvent("New", status(State.START_PENDING, checkpoint=2), "changed"),
    ServiceEvent("New", status(State.RUNNING), "changed"),
    ServiceEvent("[bold]Old", None, "deleted"),
]


@pytest.fixture
def events(monkeypatch: pytest.MonkeyPatch) -> None:
    """What happens, until somebody presses Ctrl+C."""

    def watch(_: object) -> Iterator[ServiceEvent]:
        yield from EVENTS
        raise KeyboardInterrupt

    monkeypatch.setattr(ServiceManager, "watch", watch)


@pytest.mark.usefixtures("events")
def test_watch_tells_each_change_on_a_line(run: Run) -> None:
    """Ctrl+C is its end, and no failure."""
    code, out, err = run("watch")
    lines = out.splitlines()

    assert (code, err, len(lines)) == (0, "", 4)
    assert all(re.match(r"\d\d:\d\d:\d\d  ", line) for line in lines)
    assert "New                       START_PENDING     7" in lines[1]
    assert lines[1].endswith("checkpoint 2, next within 3 s")
    assert lines[2].endswith("RUNNING           7")
    assert lines[3].endswith("[bold]Old                 deleted")


@pytest.mark.usefixtures("events")
def test_watch_as_json_has_an_object_a_line(run: Run) -> None:
    """With the moment; what is gone has no status."""
    code, out, _ = run("watch", "--json")
    fields = [json.loads(line) for line in out.splitlines()]

    assert code == 0
    assert [each["what"] for each in fields] == [
        *("created", "changed", "changed", "deleted")
    ]
    assert set(fields[0]) == FIELDS | {"time", "what"}
    assert set(fields[3]) == {"time", "what", "name"}
    assert datetime.fromisoformat(fields[0]["time"]).tzinfo is not None


@pytest.mark.usefixtures("events")
def test_watch_on_a_terminal_is_a_live_table(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With its header, and what rich takes for markup as it is."""
    pytest.importorskip("rich")
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", terminal)
    code, _, _ = run("watch")
    shown = terminal.getvalue()

    assert code == 0
    assert "TIME" in shown
    assert "PROCESS" in shown
    assert "[bold]Old" in shown
    assert "checkpoint 2" in shown
    assert not re.search(r"\033\[[\d;]*3\dm", shown)  # no colour


def test_watch_of_a_service_ends_with_it(run: Run, target: str) -> None:
    """Each of its states; once it is deleted there is nothing to wait for."""
    run("install", target)
    seen = iter([status(State.RUNNING), status(State.STOPPED)])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServiceHandle, "watch", lambda _handle, **_more: seen)
        code, out, _ = run("watch", "Sample")

    states = [line.split()[2] for line in out.splitlines()]
    assert code == 0
    assert states == ["RUNNING", "STOPPED", "deleted"]


def test_watch_tells_a_restart_by_the_process(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Lists alone show RUNNING and RUNNING: it has stopped in between (H-33)."""
    old = status(State.RUNNING)
    new = replace(old, pid=9)
    event = ServiceEvent("Foo", new, "changed", old)
    monkeypatch.setattr(ServiceManager, "watch", lambda _: iter([event]))
    _, out, _ = run("watch")
    _, as_json, _ = run("watch", "--json")

    assert " ".join(out.split()[2:]) == "RUNNING 9 restarted: it was process 7"
    assert json.loads(as_json)["restarted"] is True


# --- tables --------------------------------------------------------------------------


@pytest.mark.usefixtures("installed")
@pytest.mark.parametrize("no_color", [True, False])
def test_list_on_a_terminal_is_coloured_by_state(
    run: Run, monkeypatch: pytest.MonkeyPatch, no_color: bool
) -> None:
    """Unless NO_COLOR is set."""
    pytest.importorskip("rich")
    run("start", "Base")
    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.delenv("NO_COLOR", raising=False)
    if no_color:
        monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setattr(sys, "stdout", terminal)
    code, _, _ = run("list")

    assert code == 0
    assert ("\033[32mRUNNING" in terminal.getvalue()) == (not no_color)
    assert "RUNNING" in terminal.getvalue()


@pytest.mark.parametrize("missing", ["rich", "terminal", "TERM"])
def test_without_rich_or_terminal_tables_are_aligned_text(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], missing: str
) -> None:
    """Two blanks between columns, none at the end."""
    stream = io.StringIO() if missing == "terminal" else Terminal()
    monkeypatch.setattr(sys, "stdout", stream)
    monkeypatch.setenv("TERM", "dumb" if missing == "TERM" else "xterm")
    if missing == "rich":
        monkeypatch.setattr(tables, "find_spec", lambda _name: None)
    tables.print_table(("A", "LONGER"), [("long one", "x"), ("b", "")])

    assert stream.getvalue() == "A         LONGER\nlong one  x\nb\n"


# --- logs ----------------------------------------------------------------------------


@pytest.fixture
def log(run: Run, target: str, tmp_path: Path) -> Path:
    """The log file of Sample, with five lines and a traceback."""
    file = tmp_path / "its own.log"
    run("install", "--log-file", str(file), target)
    file.write_text(
        "2030-01-01 10:00:00,000 INFO one\n"
        "2030-01-01 11:00:00,000 ERROR two\n"
        "Traceback: of two\n"
        "2030-01-01 12:00:00,000 INFO three\n"
    )
    return file


@pytest.mark.usefixtures("log")
def test_logs_shows_the_last_lines_of_its_file(run: Run) -> None:
    """Which file, its command line says."""
    everything = run("logs", "Sample")
    last = run("logs", "Sample", "--lines", "2")
    newer = run("logs", "Sample", "--since", "2030-01-01T10:30")
    as_json = run("logs", "Sample", "--lines", "1", "--json")

    assert everything[0] == 0
    assert len(everything[1].splitlines()) == 4
    assert last[1].splitlines()[0] == "Traceback: of two"
    assert [line.split()[-1] for line in newer[1].splitlines()] == [
        *("two", "two", "three")
    ]
    assert json.loads(as_json[1])["line"].endswith("INFO three")


@pytest.mark.usefixtures("log")
def test_logs_follows_until_ctrl_c(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """That is its end, and no failure."""

    def lines(_file: str, **more: Any) -> Iterator[str]:
        assert more == {"newest": 20, "follow": True}
        yield "a line"
        raise KeyboardInterrupt

    monkeypatch.setattr("winsvc.commands.logs.read_log_file", lines)

    assert run("logs", "Sample", "--follow") == (0, "a line\n", "")


@pytest.mark.usefixtures("log")
def test_logs_follows_a_file_that_is_not_there_yet(
    run: Run, monkeypatch: pytest.MonkeyPatch, log: Path
) -> None:
    """Before the first start: it is waited for, then shown from its first line."""
    log.unlink()

    def sleep(_seconds: float) -> None:
        if log.exists():
            raise KeyboardInterrupt
        log.write_text("".join(f"line {number}\n" for number in range(30)))

    monkeypatch.setattr("time.sleep", sleep)
    code, out, err = run("logs", "Sample", "--follow")

    assert code == 0
    assert len(out.splitlines()) == 30
    assert err == f"winsvc: there is no log file {log} yet: waiting for it\n"


def test_logs_without_a_file_says_what_there_is(
    run: Run, backend: SimulatedBackend, log: Path
) -> None:
    """A file that is not there yet, and a program that has none."""
    log.unlink()
    missing = run("logs", "Sample")
    backend.records["SAMPLE"].command_line = '"C:\\x.exe"'
    none = run("logs", "Sample")

    assert missing[0] == none[0] == 1
    assert f"there is no log file {log} yet" in missing[2]
    assert "--events" in none[2]


@pytest.mark.usefixtures("log")
def test_logs_shows_events(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own and the SCM's about it, under both of its names."""
    event = EventRecord(
        record_id=3,
        time=datetime(2030, 1, 1, 10, tzinfo=UTC),
        level=2,
        event_id=7,
        qualifiers=0,
        source="Sample",
        channel="Application",
        computer="here",
        pid=5,
        strings=("a",),
        message="It failed.",
    )
    seen: list[Any] = []

    def read(source: str, **more: Any) -> Iterator[EventRecord]:
        seen.append((source, more))
        yield event

    monkeypatch.setattr("winsvc.eventlog.read", read)
    text = run("logs", "Sample", "--events", "--lines", "5")
    as_json = json.loads(run("logs", "Sample", "--events", "--json")[1])

    assert text[0] == 0
    assert text[1].endswith("ERROR Sample [7] It failed.\n")
    assert as_json["time"] == "2030-01-01T10:00:00+00:00"
    assert (as_json["event_id"], as_json["strings"]) == (7, ["a"])
    source, more = seen[0]
    assert source == "Sample"
    assert more == {
        "newest": 5,
        "since": None,
        "follow": False,
        "include_scm": True,
        "display_name": "A sample",
        "machine": None,
    }


# --- doctor --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("severity", "code"),
    [
        ("problem", 1),
        *((each, 0) for each in ("warning", "note", "not checked")),
        *((each, 0) for each in ("does not apply", "ok")),
    ],
)
def test_doctor_is_refused_by_problems_only(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch, severity: Any, code: int
) -> None:
    """Its findings as text and as JSON; what passed only with --verbose."""
    findings = (Finding("its check", severity, "it is so", "do that"),)
    seen: list[Any] = []

    def diagnose(_manager: object, name: str, **more: Any) -> tuple[Finding, ...]:
        seen.append((name, more))
        return findings

    monkeypatch.setattr("winsvc.doctor.diagnose", diagnose)
    text = run("doctor", "Sample", "--no-import")
    verbose = run("doctor", "Sample", "--verbose")
    as_json = run("doctor", "Sample", "--json")

    assert text[0] == verbose[0] == as_json[0] == code
    assert ("it is so" in text[1]) == (severity not in ("does not apply", "ok"))
    assert "it is so" in verbose[1]
    assert ("1 check passed" in text[1]) == (severity == "ok")
    assert json.loads(as_json[1]) == {
        "name": "Sample",
        "findings": [
            {
                "check": "its check",
                "severity": severity,
                "what": "it is so",
                "remedy": "do that",
            }
        ],
    }
    assert [more["import_target"] for _, more in seen] == [False, None, None]


# --- the parser ----------------------------------------------------------------------


def test_every_setting_has_its_options() -> None:
    """Those of the one table, on each command that sets it."""
    for command in ("install", "plan", "apply", "config"):
        options = options_of(command)
        for setting in SETTINGS:
            if setting.name not in ("name", "command"):
                assert set(setting.options) <= options, (command, setting.name)


def test_arguments_of_other_commands_are_not_made() -> None:
    """The settings' options are most of the parser, and seldom needed."""
    assert "--trigger" not in options_of("install", only="status")
    assert "--json" in options_of("status", only="status")


def options_of(command: str, only: str | None = None) -> set[str]:
    """Return the options of a command."""
    parser = make_parser((), only)
    (commands,) = (each for each in parser._actions if each.dest == "command")
    assert isinstance(commands.choices, dict)
    actions = commands.choices[command]._actions
    return {option for action in actions for option in action.option_strings}


@pytest.mark.parametrize("program", ["winsvc", "winsvc.exe", "__main__.py"])
def test_help_has_the_name_it_was_called_by(
    run: Run, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """The console script's, or that of the module."""
    monkeypatch.setattr(sys, "argv", [str(Path("x", program))])
    name = "winsvc" if program.startswith("winsvc") else "python -m winsvc"

    assert run("--help")[1].startswith(f"usage: {name} [-h] [--version] COMMAND")

"""The command line on a real SCM: configuring, telling, and how fast it starts."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable

import pytest
from consoles import Program
from lab import ERROR_INTERNAL_ERROR, SERVICES, Lab, eventually, on_wine, was_no_process

from winsvc.settings.config import ServiceConfig
from winsvc.states import State

Tool = Callable[..., "subprocess.CompletedProcess[str]"]
Winsvc = Callable[..., "subprocess.CompletedProcess[str]"]
WINE = on_wine()
CTRL_C = 0


@pytest.fixture
def winsvc(tool: Tool) -> Winsvc:
    """Runs ``python -m winsvc``."""
    return lambda *words: tool(sys.executable, "-P", "-m", "winsvc", *words)


@pytest.fixture
def name(lab: Lab, winsvc: Winsvc) -> str:
    """A service that has been installed with our command line."""
    return install(lab, winsvc, "Probe")


def install(lab: Lab, winsvc: Winsvc, cls: str) -> str:
    """Install a class of services.py; return the name."""
    name = lab.unique("cli")
    log_file = str(lab.folder / "cli.log")
    options = ["--name", name, "--log-file", log_file, "--start-type", "manual"]
    done = winsvc("install", *options, f"{SERVICES}:{cls}")
    assert done.returncode == 0, done.stdout
    assert ("Left out, since this system does not know it" in done.stdout) == WINE
    return name


def test_plan_and_apply_change_what_differs(
    lab: Lab, winsvc: Winsvc, name: str
) -> None:
    """A file's settings, once; `config` shows them; what has come back is said."""
    file = lab.folder / "service.toml"
    file.write_text(
        f"[services.'{name}']\n"
        "description = 'From a file'\n"
        "start = 'disabled'\n"
        "environment = { MODE = 'test' }\n"
        "preshutdown-timeout = 7.5\n"
    )
    told = [
        winsvc(*words)
        for words in (
            ("plan", str(file)),
            ("apply", str(file)),
            ("apply", str(file)),
            ("config", name, "--json"),
            ("config", name, "--description", ""),
            ("plan", str(file), "--json"),
        )
    ]
    for done in told:
        assert done.returncode == 0, done.stdout
    planned, applied, again, shown, _, drifted = [done.stdout for done in told]

    assert "start type: manual -> disabled" in planned
    assert planned.replace("would be", "is") == applied
    assert again == f"{name}: nothing to change\n"
    fields = json.loads(shown)
    assert fields["environment"] == {"MODE": "(set)"}
    assert fields["preshutdown_timeout"] == 7.5
    (service,) = json.loads(drifted)["services"]
    assert [change["setting"] for change in service["changes"]] == ["description"]


def test_failed_start_leads_to_log_and_doctor(lab: Lab, winsvc: Winsvc) -> None:
    """The sentence names the log; `logs` shows it; `doctor` finds the exception."""
    name = install(lab, winsvc, "Ends")
    failed = winsvc("start", name, "on_start", "exception")
    logged = winsvc("logs", name, "--lines", "100")
    found = winsvc("doctor", name, "--json")

    assert failed.returncode == 1
    assert "cli.log says why" in failed.stdout
    assert f"doctor {name}" in failed.stdout
    assert logged.returncode == 0
    assert "Traceback" in logged.stdout
    assert found.returncode == 1
    findings = json.loads(found.stdout)["findings"]
    assert "state" in [each["check"] for each in findings]


def test_log_that_says_nothing_is_promised_by_nobody(lab: Lab, winsvc: Winsvc) -> None:
    """os._exit in on_start: 1067; Wine shows it START_PENDING for ever (H-10)."""
    file = lab.folder / "gone.py"
    file.write_text(
        "import os\nimport winsvc\n\nclass Gone(winsvc.Service):\n    name = 'Gone'\n"
        "    def on_start(self):\n        os._exit(3)\n"
    )
    service = lab.install("Gone", file=file)
    failed = winsvc("start", service.name, "--timeout", "60")
    service.is_lost = WINE

    assert failed.returncode == 1
    assert "has nothing of it, `" in failed.stdout
    assert "says why" not in failed.stdout
    if not WINE:
        found = winsvc("doctor", service.name).stdout
        assert "1067" in failed.stdout
        assert "has no error in it" in found


def test_log_that_can_be_none_is_refused(lab: Lab, winsvc: Winsvc) -> None:
    """A folder or a device: nothing is installed; `logs` says what is wrong."""
    name = lab.unique("cli")
    for log in (str(lab.folder), "NUL", r"C:\COM1.log"):
        options = ["--name", name, "--log-file", log]
        done = winsvc("install", *options, f"{SERVICES}:Probe")
        assert done.returncode == 2
        assert f"no log can be {os.path.abspath(log)}: " in done.stdout
    assert winsvc("status", name).returncode == 1
    service = lab.install("Probe", command=lab.command(f"{SERVICES}:Probe", lab.folder))
    shown = winsvc("logs", service.name)
    assert shown.returncode == 1
    assert f"its log cannot be {lab.folder}: it is a folder" in shown.stdout


def test_status_at_a_glance_is_the_full_one(winsvc: Winsvc, name: str) -> None:
    """A name written twice is left to the full command, which tells it once."""
    told = []
    for command in ("start", "stop"):
        done = winsvc(command, name)
        assert done.returncode == 0, done.stdout
        for options in ([], ["--json"]):
            glance = winsvc("status", name, *options)
            full = winsvc("status", name, name, *options)
            assert (glance.returncode, full.returncode) == (0, 0)
            assert glance.stdout == full.stdout
            told.append(glance.stdout)

    assert f"{name} is RUNNING" in told[0]
    assert json.loads(told[1])["services"][0]["state"] == "RUNNING"
    assert told[2] == f"{name} is STOPPED\n"
    assert json.loads(told[3])["services"][0]["pid"] == 0


def test_output_is_no_error_of_a_command(lab: Lab) -> None:
    """A name that the code page lacks, and a reader that goes, as ``head`` does."""
    name = lab.unique("cli \u4e2d\u6587")
    with lab.manager.create(ServiceConfig(name=name, command=("C:/x.exe",))):
        pass
    command = [sys.executable, "-P", "-m", "winsvc"]
    try:
        shown = subprocess.run(
            [*command, "config", name],
            check=False,
            capture_output=True,
            env=os.environ | {"PYTHONIOENCODING": "cp1252"},
        )
        reader, writer = os.pipe()
        os.close(reader)
        try:
            gone = subprocess.run(
                [*command, "list"], check=False, stdout=writer, stderr=subprocess.PIPE
            )
        finally:
            os.close(writer)
    finally:
        lab.manager.remove(name)

    assert (shown.returncode, shown.stderr) == (0, b"")
    assert rb"\u4e2d\u6587" in shown.stdout
    assert (gone.returncode, gone.stderr) == (141, b"")


def test_restart_without_a_console_leaves_the_service_running(
    lab: Lab, winsvc: Winsvc, name: str
) -> None:
    """A task without a window has no standard streams; nor can a name be no file."""
    assert winsvc("start", name).returncode == 0
    restarted = subprocess.run(
        [sys.executable, "-P", "-m", "winsvc", "restart", name],
        check=False,
        creationflags=subprocess.DETACHED_PROCESS,
    )
    with lab.manager.open(name) as handle:
        state = handle.status().state
    refused = winsvc("config", name, "--output", "a<b.toml")
    winsvc("stop", name)

    assert (restarted.returncode, state) == (0, State.RUNNING)
    assert refused.returncode == 1
    assert "a<b.toml" in refused.stdout


def test_service_that_somebody_holds_is_not_gone(lab: Lab, winsvc: Winsvc) -> None:
    """`remove` says so, `install` waits and then refuses it with 1072, not 1073."""
    name = lab.unique("cli")
    config = ServiceConfig(name=name, command=("C:/x.exe",))
    with lab.manager.create(config):
        removed = winsvc("remove", name)
        refused = winsvc("install", f"{SERVICES}:Probe", "--name", name)
    installed = winsvc("install", f"{SERVICES}:Probe", "--name", name)
    gone = winsvc("remove", name)

    assert (removed.returncode, refused.returncode) == (1, 1)
    assert "when the last handle to it is closed" in removed.stdout
    assert "1072" in refused.stdout
    assert "1073" not in refused.stdout
    assert (installed.returncode, gone.returncode) == (0, 0), installed.stdout


def test_nobody_is_asked_for_a_password_without_a_console(
    lab: Lab, winsvc: Winsvc
) -> None:
    """Windows' getpass would wait for a key for ever."""
    words = ["install", "--account", r".\nobody", "--name", lab.unique("cli")]
    done = winsvc(*words, f"{SERVICES}:Probe")

    assert done.returncode == 2
    assert "--password-stdin" in done.stdout


def test_scripts_need_not_look_first(lab: Lab, winsvc: Winsvc, name: str) -> None:
    """Start twice, have it stopped and removed; who depends on it; drift."""
    words = [["start", name, "--if-needed"]] * 2 + [["dependents", name]]
    words += [["plan", name, "--check", "--start-type", "manual"]]
    told = [winsvc(*each) for each in words]
    drift = winsvc("plan", name, "--check", "--start-type", "disabled")
    removed = winsvc("remove", name, "--stop")
    gone = winsvc("status", name)

    assert [done.returncode for done in told] == [0] * 4, told
    assert drift.returncode == 3
    assert f"{name} is removed" in removed.stdout
    assert "1060" in gone.stdout


@pytest.mark.parametrize(
    ("words", "seen", "code"),
    [
        (["start"], "START_PENDING", 130),
        (["watch"], "START_PENDING", 0),
        (["logs", "--follow"], "called on_start", 0),
    ],
    ids=["start", "watch", "logs"],
)
def test_ctrl_c_ends_a_command_that_waits(
    lab: Lab, words: list[str], seen: str, code: int
) -> None:
    """At once, without a traceback; the service goes on."""
    service = lab.install("WaitingStart")
    if words != ["start"]:
        service.handle.start()
        eventually(lambda: service.calls, "it has begun to start")
    arguments = ("-m", "winsvc", words[0], service.name, *words[1:])
    with Program(*arguments) as program:
        program.expect(rf"{seen}|: {ERROR_INTERNAL_ERROR}\b")
        if not was_no_process(program.text):
            program.send(CTRL_C)
        ended = program.wait()
    if was_no_process(program.text):
        with Program(*arguments) as program:
            program.expect(seen)
            program.send(CTRL_C)
            ended = program.wait()

    assert ended == code, program.text
    assert "Traceback" not in program.text
    lines = program.text.splitlines()
    told = [line for line in lines if line.startswith("winsvc: interrupted; ")]
    assert len(told) == (code == 130)
    assert service.handle.status().state is State.START_PENDING
    eventually(lambda: service.calls, "it takes STOP, since its code is loaded")
    service.stop()

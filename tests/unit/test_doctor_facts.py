"""How the doctor reads what it finds: command lines, rights, logs, imports."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from winsvc.doctor import acl, inside, pe
from winsvc.doctor.command import read_command, tries_of
from winsvc.doctor.facts import Probe
from winsvc.doctor.probe import Ended, import_targets, service_variables
from winsvc.log_reader import last_error
from winsvc.settings.accounts import service_sid

WD, AU, BU = (acl.SIDS[each] for each in ("WD", "AU", "BU"))


# --- command lines ------------------------------------------------------------------

PYTHON = r"C:\My Pythons\python.exe"
SPLIT: dict[str, tuple[str, dict[str, Any]]] = {
    "a file": (
        rf'"{PYTHON}" -P -m winsvc host --log-file "C:\a b\x.log" "C:\a b\c.py:Foo"',
        {
            "kind": "host",
            "flags": ("-P",),
            "targets": (r"C:\a b\c.py:Foo",),
            "log_file": r"C:\a b\x.log",
        },
    ),
    "what install writes": (
        rf'"{PYTHON}" -P "C:\Lib\site-packages\winsvc\__main__.py" host '
        r"--log-file C:\x.log m:C",
        {
            "kind": "host",
            "flags": ("-P",),
            "targets": ("m:C",),
            "log_file": r"C:\x.log",
        },
    ),
    "modules": (
        rf'"{PYTHON}" -X utf8 -m winsvc host --path C:\src A=m:A B=n:B',
        {
            "kind": "host",
            "flags": ("-X", "utf8"),
            "targets": ("m:A", "n:B"),
            "path": (r"C:\src",),
        },
    ),
    "nothing to host": (rf'"{PYTHON}" -m winsvc host', {"kind": "host", "targets": ()}),
    "a script": (
        rf'"{PYTHON}" -u C:\a.py x',
        {"kind": "script", "flags": ("-u",), "targets": (r"C:\a.py",)},
    ),
    "another module": (rf'"{PYTHON}" -m http.server', {"kind": "module"}),
    "code": (rf'"{PYTHON}" -c pass', {"kind": "module", "targets": ()}),
    "windowed": (r"C:\Python\pythonw.exe C:\a.py", {"kind": "script"}),
    "pywin32": (r'"C:\x y\PythonService.exe"', {"kind": "pywin32"}),
    "frozen": (r'"C:\x y\clock.exe" serve', {"kind": "program", "words": ("serve",)}),
    "nothing": ("", {"program": "", "kind": "program", "words": ()}),
}


@pytest.mark.parametrize("case", SPLIT)
def test_command_line_is_read(case: str) -> None:
    """What it hosts services with, which ones, and where they log."""
    line, expected = SPLIT[case]
    command = read_command(line, line)

    assert command.is_quoted
    assert {name: getattr(command, name) for name in expected} == expected
    assert command.is_python == (command.kind in ("host", "script", "module"))


@pytest.mark.parametrize(
    ("line", "exists", "program", "tries"),
    [
        (PYTHON + " -m x", (), PYTHON, (r"C:\My.exe",)),
        (PYTHON, (), PYTHON, (r"C:\My.exe",)),
        (
            r"C:\My Files\svc -k",
            (r"C:\My Files\svc.exe",),
            r"C:\My Files\svc.exe",
            (r"C:\My.exe",),
        ),
        (r"C:\Python\python.exe -m x y", (), r"C:\Python\python.exe", ()),
    ],
)
def test_unquoted_program_is_found(
    line: str, exists: tuple[str, ...], program: str, tries: tuple[str, ...]
) -> None:
    """E-16: what is meant, and what Windows tries before that."""
    command = read_command(line, line, exists)

    assert (command.program, command.tries) == (program, tries)
    assert command.is_quoted == (not tries)
    assert command.words == tuple(line.rpartition(program[-4:])[2].split()) or exists


def test_windows_tries_at_each_blank() -> None:
    """E-16, in its order; .exe is added where there is no extension."""
    assert tries_of(r"C:\a b\c d.exe -x") == [
        r"C:\a.exe",
        r"C:\a b\c.exe",
        r"C:\a b\c d.exe",
        r"C:\a b\c d.exe -x",
    ]


def test_expanded_line_is_read_and_the_raw_one_kept() -> None:
    """Variables are the SCM's business (E-16)."""
    command = read_command("%ROOT%\\x.exe", r"C:\Windows\x.exe")

    assert (command.line, command.program) == ("%ROOT%\\x.exe", r"C:\Windows\x.exe")


# --- rights of files ----------------------------------------------------------------

ROOT = "O:SYG:SYD:PAI(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)"


@pytest.mark.parametrize(
    ("sddl", "who"),
    [
        (ROOT + "(A;OICI;0x1200a9;;;BU)", []),
        (ROOT + "(A;;FRFX;;;WD)(A;;GR;;;AU)(A;;GXGR;;;AC)", []),
        (ROOT + "(A;OICIIO;SDGXGWGR;;;AU)", []),
        (ROOT + "(A;ID;0x1301bf;;;AU)", [AU]),
        (ROOT + "(A;CI;LC;;;BU)(A;CI;DC;;;BU)", [BU]),
        (ROOT + "(A;;GA;;;WD)", [WD]),
        (ROOT + "(A;;FW;;;S-1-5-21-1-2-3-1001)", ["S-1-5-21-1-2-3-1001"]),
        (ROOT + "(A;;WD;;;BU)(A;;WO;;;AU)(A;;SD;;;WD)", [BU, AU, WD]),
        (ROOT + "(D;;FA;;;BU)(A;;FA;;;BU)", []),
        (ROOT + '(XA;;FW;;;WD;(@User.a == "b (c)"))(A;;FR;;;BU)', [WD]),
        (ROOT + "(XD;;FA;;;WD;(a))(A;;FA;;;WD)", [WD]),
        (ROOT + "(OA;;CR;aaaa;;BU)", []),
        (ROOT + "S:(ML;;NW;;;HI)", []),
        ("O:SYD:NO_ACCESS_CONTROL", [WD]),
        ("O:BUG:SYD:PAI(A;;FA;;;SY)", [BU]),
        ("O:S-1-5-21-1-2-3-1001G:SYD:(A;;FR;;;WD)", ["S-1-5-21-1-2-3-1001"]),
        ("O:SYG:SY", [WD]),
        (ROOT + f"(A;;FA;;;{acl.TRUSTED_INSTALLER})(A;IO;FA;;;CO)", []),
    ],
)
def test_writers_of_a_file(sddl: str, who: list[str]) -> None:
    """Those that may change it, groups that can anyway left out."""
    assert acl.writers(sddl, acl.TRUSTED) == who


def test_rights_that_cannot_be_read_are_no_rights_to_rely_on() -> None:
    """Half a descriptor is refused, not taken for a safe one."""
    with pytest.raises(ValueError, match="not SDDL"):
        acl.writers(ROOT + "(A;;FA;;;WD", acl.TRUSTED)


def test_rights_of_one_with_several_sids() -> None:
    """A denial of one group holds against what another allows."""
    sddl = "D:(D;;FR;;;BU)(A;;FA;;;WD)"

    assert acl.allowed(sddl, {WD}) & acl.READ
    assert not acl.allowed(sddl, {WD, BU}) & acl.READ
    assert acl.allowed("O:SY", {"S-1-5-21-9"}) & acl.READ


def test_service_sid_is_that_of_windows() -> None:
    """E.10: TrustedInstaller's is known to all."""
    assert service_sid("TrustedInstaller") == acl.TRUSTED_INSTALLER
    assert service_sid("trustedinstaller") == acl.TRUSTED_INSTALLER


# --- programs -----------------------------------------------------------------------


def program(machine: int, at: int = 0x80) -> bytes:
    """Return the beginning of a program."""
    stub = b"MZ".ljust(0x3C, b"\0") + at.to_bytes(4, "little")
    return stub.ljust(at, b"\0") + b"PE\0\0" + machine.to_bytes(2, "little") + b"\0" * 9


@pytest.mark.parametrize(
    ("data", "machine"),
    [
        (program(pe.AMD64), pe.AMD64),
        (program(pe.I386, 0x40), pe.I386),
        (b"#!python\n" * 99, 0),
        (b"MZ", 0),
        (b"", 0),
        (program(pe.ARM64)[:0x81], 0),
        (program(pe.AMD64).replace(b"PE", b"NE"), 0),
    ],
)
def test_machine_of_a_program(data: bytes, machine: int) -> None:
    """From its PE header; 0 for what is no program."""
    assert pe.machine_of(data) == machine


# --- logs ---------------------------------------------------------------------------


def test_last_error_of_a_log_ends_at_the_next_record() -> None:
    """The last one, with its traceback; long ones lose their middle."""
    frames = [f"  line {number}" for number in range(40)]
    log = "\n".join(
        [
            "2026-11-23 12:00:00,000 ERROR winsvc [1 MainThread] old",
            "2026-11-23 12:00:01,000 ERROR winsvc [1 MainThread] it failed",
            "Traceback (most recent call last):",
            '  File "<frozen importlib._bootstrap>", line 1204, in _gcd_import',
            *frames,
            "ValueError: x",
            "2026-11-23 12:00:02,000 INFO winsvc [1 MainThread] ended",
        ]
    )
    lines = last_error(log).splitlines()

    assert lines[0].endswith("it failed")
    assert lines[-1] == "ValueError: x"
    assert len(lines) == 15
    assert "..." in lines
    assert not any("frozen" in line for line in lines)


def test_crash_is_the_last_error_of_a_log() -> None:
    """faulthandler writes without a record's beginning."""
    log = "2026-11-23 12:00:01,000 ERROR winsvc [1 M] old\n"
    crash = "Windows fatal exception: access violation\n\nCurrent thread 0x1:"

    assert last_error(log + crash) == crash
    assert last_error("Fatal Python error: Aborted") == "Fatal Python error: Aborted"


def test_log_without_error_has_none() -> None:
    """Also one that begins in the middle of a record."""
    assert last_error("ValueError: y\n2026-11-23 12:00:02,000 INFO winsvc ok") == ""
    assert last_error("") == ""


# --- importing it -------------------------------------------------------------------


def test_variables_are_the_services_not_the_users() -> None:
    """E-75, E-76: the machine's, then its own; of the user's only what all have."""
    found = service_variables(
        {"Path": r"C:\Windows", "PYTHONPATH": "m"},
        {"PythonPath": "own"},
        {"SystemRoot": r"C:\Windows", "PYTHONHOME": "x", "APPDATA": "me", "Path": "p"},
        "LocalSystem",
    )

    assert found["PATH"] == r"C:\Windows"
    assert found["PYTHONPATH"] == "own"
    assert "PYTHONHOME" not in found
    assert found["APPDATA"] == (
        r"C:\Windows\System32\config\systemprofile\AppData\Roaming"
    )


def test_variables_of_another_user_have_no_profile() -> None:
    """Whose it is would be guessed."""
    found = service_variables({}, {}, {"SystemRoot": "x", "USERPROFILE": "me"}, "D\\u")

    assert found == {"SYSTEMROOT": "x"}


def run_here(tmp_path: Path, line: str, **variables: str) -> tuple[Probe, list[str]]:
    """Probe a command line in this Python; return that, and what was run."""
    ran: list[str] = []

    def run(command: Any, environment: Any, folder: str, timeout: float, /) -> Ended:
        ran.extend([*command, folder])
        done = subprocess.run(
            [sys.executable, *command[1:]],
            capture_output=True,
            check=False,
            cwd=tmp_path,
            timeout=timeout,
            env={"PYTHONPATH": str(Path(__file__).parents[2])},
        )
        return Ended(done.returncode, done.stdout, done.stderr, 0.1)

    command = read_command(line, line)
    return import_targets(command, variables, run, 60.0), ran


SERVICE = "import winsvc\nclass Foo(winsvc.Service):\n    name = 'Foo'\n"


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("print('noise')\n" + SERVICE, None),
        ("import os, sys\nos.write(1, b'x')\n" + SERVICE, None),
        (
            SERVICE + "import not_there.at_all\n",
            {"type": "ModuleNotFoundError", "module": "not_there", "line": 4},
        ),
        ("x = (\n", {"type": "SyntaxError", "line": 1}),
        ("\n1 / 0\n", {"type": "ZeroDivisionError", "line": 2}),
        ("raise SystemExit(3)\n", {"type": "SystemExit", "text": "3"}),
        ("", {"type": "TypeError"}),
        ("import mine\n" + SERVICE, {"type": "ValueError", "file": "mine.py"}),
    ],
    ids=range(8),
)
def test_target_is_imported(
    tmp_path: Path, text: str, error: dict[str, Any] | None
) -> None:
    """The service's class is not made; what goes wrong is told with its place."""
    (tmp_path / "mine.py").write_text("raise ValueError(1)\n")
    file = tmp_path / "clock.py"
    file.write_text(text)
    probe, _ = run_here(tmp_path, rf'"C:\python.exe" -P -m winsvc host "{file}:Foo"')

    assert probe.exit_code == 0
    assert probe.report is not None
    assert probe.report["winsvc"]
    (found,) = probe.report["targets"].values()
    if error is None:
        assert found is None
    else:
        name = error.pop("file", None)
        assert {key: found[key] for key in error} == error
        assert name is None or Path(found["file"]).name == name


def test_module_is_found_in_the_folders_of_path(tmp_path: Path) -> None:
    """And nowhere else: not in the current folder."""
    (tmp_path / "src").mkdir()
    (tmp_path / "src" / "clock.py").write_text(SERVICE)
    (tmp_path / "other.py").write_text(SERVICE)
    host = r'"C:\python.exe" -P -m winsvc host'
    there, _ = run_here(tmp_path, f"{host} --path {tmp_path / 'src'} clock:Foo")
    missing, _ = run_here(tmp_path, f"{host} other:Foo")

    assert there.report is not None
    assert there.report["targets"] == {"clock:Foo": None}
    assert missing.report is not None
    assert missing.report["targets"]["other:Foo"]["module"] == "other"


def test_script_need_not_have_one_class(tmp_path: Path) -> None:
    """It passes its classes to ``main`` itself, which is not run."""
    file = tmp_path / "daemon.py"
    file.write_text("import winsvc\nif __name__ == '__main__':\n    1 / 0\n")
    probe, command = run_here(tmp_path, rf'"C:\python.exe" {file} serve')

    assert probe.report is not None
    assert probe.report["targets"] == {str(file): None}
    assert "-P" in command


def test_system_folder_is_where_it_runs(tmp_path: Path) -> None:
    """E-77; and without packages that an account has installed for itself."""
    line = r'"C:\python.exe" -X utf8 -m winsvc host m:C'
    _, ran = run_here(tmp_path, line, SYSTEMROOT=r"D:\W", USERPROFILE="x")

    assert ran[:4] == [r"C:\python.exe", "-X", "utf8", "-s"]
    assert ran[-1] == r"D:\W\System32"


@pytest.mark.parametrize(
    ("flags", "letters"),
    [
        ("-E", "E"),
        ("-sEP", "sEP"),
        ("-I -X utf8", "I"),
        ("-W E -X I -b", "b"),
        ("-sXE -PWI", "sP"),
        ("--check-hash-based-pycs EI", ""),
        ("", ""),
    ],
)
def test_options_of_python_are_known(flags: str, letters: str) -> None:
    """In one word or several; an option's value is none."""
    line = rf"C:\Python\python.exe {flags} -m x"
    command = read_command(line, line)

    assert {each for each in "EIsPXWb" if command.has_option(each)} == set(letters)
    assert command.has_option("EI") == bool({"E", "I"} & set(letters))


def test_python_without_winsvc_is_said_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """The report stops there."""
    monkeypatch.setitem(sys.modules, "winsvc", None)
    monkeypatch.setattr(sys, "path", list(sys.path))
    report = inside.look([], ["m:C"], is_script=False)

    assert report["winsvc_error"]["type"] == "ModuleNotFoundError"
    assert report["winsvc_error"]["module"] == "winsvc"
    assert report["targets"] == {}


def test_report_is_one_line_of_json() -> None:
    """After its mark, whatever the code writes to stdout itself."""
    words = json.dumps([[], [], False])
    file = Path(inside.__file__)
    done = subprocess.run(
        [sys.executable, "-c", file.read_text(encoding="utf-8"), words],
        capture_output=True,
        text=True,
        check=True,
        cwd=file.parents[2],
    )

    assert done.stdout.startswith(inside.MARK)
    assert json.loads(done.stdout.removeprefix(inside.MARK))["prefix"] == sys.prefix

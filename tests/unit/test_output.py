"""Output that cannot be written, or goes nowhere: the command itself is not hurt."""

from __future__ import annotations

import errno
import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from winsvc import glance
from winsvc.commands import output
from winsvc.commands.output import READER_GONE, OutputLost, guarded
from winsvc.manage.manager import ServiceManager
from winsvc.states import State
from winsvc.testing.database import SimulatedBackend

from .conftest import Run


class Broken(io.RawIOBase):
    """A file that takes nothing."""

    def __init__(self, code: int) -> None:
        self.code = code

    def writable(self) -> bool:
        return True

    def write(self, data: object, /) -> int:
        raise OSError(self.code, "refused")


def broken(code: int, *, is_buffered: bool = True) -> io.TextIOWrapper:
    """Return a stream that cannot be written, as Python makes one."""
    raw = Broken(code)
    return io.TextIOWrapper(
        io.BufferedWriter(raw) if is_buffered else raw,  # type: ignore[arg-type]
        encoding="ascii",
        write_through=not is_buffered,
    )


def state_of(backend: SimulatedBackend, name: str) -> State:
    """Return a service's state."""
    with ServiceManager(backend=backend) as manager, manager.open(name) as handle:
        return handle.status().state


# --- no console ----------------------------------------------------------------------


def test_without_a_console_each_command_does_its_work(
    run: Run, backend: SimulatedBackend, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As under pythonw.exe: `restart` above all leaves no service stopped."""
    file = Path(target.rpartition(":")[0]).with_name("x.toml")
    monkeypatch.setattr(sys, "stdout", None)
    monkeypatch.setattr(sys, "stderr", None)
    commands = [
        ("install", target),
        ("start", "Sample"),
        ("pause", "Sample"),
        ("continue", "Sample"),
        ("restart", "Sample"),
        ("list",),
        ("config", "Sample"),
        ("config", "Sample", "--toml"),
        ("config", "Sample", "--output", str(file)),
        ("dependents", "Sample"),
    ]
    codes = {words: run(*words)[0] for words in commands}

    assert set(codes.values()) == {0}, codes
    assert state_of(backend, "Sample") is State.RUNNING
    assert 'name = "Sample"' in file.read_text(encoding="utf-8")
    assert run("status", "Nope")[0] == 1
    assert run("no-such-command")[0] == 2
    assert run("remove", "Sample", "--stop")[0] == 0
    assert (sys.stdout, sys.stderr) == (None, None)


def test_nothing_takes_the_place_of_a_closed_standard_error(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a program would read a second line after the JSON."""
    run("install", target)
    monkeypatch.setattr(sys, "stderr", None)
    code, out, _ = run("status", "Sample", "Nope", "--json")

    assert code == 1
    assert len(json.loads(out)["services"]) == 2


@pytest.mark.skipif(os.name == "nt", reason="the glance asks the SCM there")
def test_glance_needs_no_standard_error(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """It has nothing to say on standard output."""
    monkeypatch.setattr(sys, "stderr", None)

    assert glance.glance(["status", "X"]) == 1
    assert capsys.readouterr().out == ""


def test_glance_leaves_what_it_cannot_write_to_the_full_command(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which tells it in one line."""
    monkeypatch.setattr(glance.os, "name", "nt")
    monkeypatch.setattr("winsvc._native.require_core", lambda operation: None)
    monkeypatch.setattr(glance, "look", lambda core, name, *, as_json: "X is STOPPED")
    monkeypatch.setattr(sys, "stdout", broken(errno.ENOSPC))

    assert glance.glance(["status", "X"]) is None


# --- output that is refused ----------------------------------------------------------


@pytest.mark.parametrize("is_buffered", [True, False])
@pytest.mark.parametrize("words", [["list"], ["list", "--json"], ["config", "--help"]])
def test_output_that_cannot_be_written_is_told_in_one_line(
    run: Run, monkeypatch: pytest.MonkeyPatch, words: list[str], is_buffered: bool
) -> None:
    """With what to do; it has not succeeded."""
    monkeypatch.setattr(sys, "stdout", broken(errno.ENOSPC, is_buffered=is_buffered))
    code, _, err = run(*words)

    assert code == 1
    assert err.startswith("winsvc: the output could not be written: [Errno 28] ")
    assert "send it to a file or disk that takes it" in err
    assert err.count("\n") == 1


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk to write to")
def test_full_disk_of_a_process_is_told_in_one_line() -> None:
    """Python's own flush at the end has nothing to add."""
    with open("/dev/full", "wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "winsvc", "config", "--help"],
            check=False,
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
        )

    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert done.stderr.startswith("winsvc: the output could not be written: ")


def test_standard_error_that_cannot_be_written_takes_no_answer_away(
    run: Run, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There is nowhere left to say it."""
    run("install", target)
    monkeypatch.setattr(sys, "stderr", broken(errno.ENOSPC))
    code, out, _ = run("status", "Sample", "Nope", "--json")

    assert code == 1
    assert len(json.loads(out)["services"]) == 2


# --- a reader that has gone ----------------------------------------------------------


@pytest.mark.parametrize(
    ("code", "system", "is_gone"),
    [
        (errno.EPIPE, "posix", True),
        (errno.EPIPE, "nt", True),
        (errno.EINVAL, "nt", True),
        (errno.EINVAL, "posix", False),
        (errno.ENOSPC, "nt", False),
    ],
)
def test_reader_is_gone_by_what_writing_raises(
    monkeypatch: pytest.MonkeyPatch, code: int, system: str, is_gone: bool
) -> None:
    """Windows says EINVAL of a pipe without a reader."""
    lost = OutputLost(OSError(code, "refused"))
    with monkeypatch.context() as patch:
        patch.setattr(output.os, "name", system)
        found = lost.is_reader_gone

    assert found == is_gone


def test_reader_that_has_gone_is_no_failure_to_tell(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody reads on."""
    monkeypatch.setattr(sys, "stdout", broken(errno.EPIPE))

    assert run("list")[::2] == (READER_GONE, "")


@pytest.mark.parametrize("options", [[], ["--json"]])
@pytest.mark.parametrize("code", [errno.EINVAL, errno.EPIPE])
def test_file_that_cannot_be_written_is_no_reader_gone(
    run: Run,
    target: str,
    monkeypatch: pytest.MonkeyPatch,
    options: list[str],
    code: int,
) -> None:
    r"""Windows says EINVAL of `a<b.toml` too: the command says it, in JSON as well."""
    run("install", target)

    def refused(*args: object, **more: object) -> int:
        raise OSError(code, "refused")

    monkeypatch.setattr(Path, "write_text", refused)
    found, out, err = run("config", "Sample", "--output", "a<b.toml", *options)

    assert found == 1
    assert f"[Errno {code}] refused" in err
    if options:
        assert json.loads(out)["error"]["code"] == code


def test_errors_of_a_command_pass() -> None:
    """Only those of the output are told here."""
    with pytest.raises(OSError, match="another"), guarded():
        raise OSError(errno.EINVAL, "another")

"""Starting and controlling: corner cases of parts I.1 and I.2 on a real SCM."""

from __future__ import annotations

import math
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from itertools import pairwise

import pytest
from lab import SERVICES, Installed, Lab, Process, eventually, on_wine

from winsvc.errors import ServiceError, ServiceFailed, ServiceTimeout
from winsvc.states import Accept, Control, FailureCode, StartType, State

Tool = Callable[..., "subprocess.CompletedProcess[str]"]
WINE = on_wine()


def refused(call: Callable[[], object]) -> int:
    """Return the Windows code that a call is refused with, 0 if it is not."""
    try:
        call()
    except ServiceError as error:
        return error.winerror
    return 0


def test_whole_life_calls_handlers_in_order(lab: Lab) -> None:
    """Start with arguments, codes, pause, continue, stop; a clean end."""
    service = lab.install("Probe")
    process = service.start("a", "b c")
    service.in_run()
    service.handle.control(200)
    service.handle.control(Control.PARAMCHANGE)
    service.handle.pause()
    service.reach(State.PAUSED)
    service.handle.resume()
    service.reach(State.RUNNING)
    status = service.stop()

    assert process.wait() == 0
    assert (status.exit_code, status.service_exit_code) == (0, 0)
    assert service.calls == [
        "on_start ('a', 'b c')",
        "run on main thread: True",
        "on_user_control 200",
        "on_param_change",
        "on_pause",
        "on_continue",
        "on_stop",
    ]


# --- I.1 Start ----------------------------------------------------------------------


@pytest.mark.parametrize("target", [f"{SERVICES}:Probe", "nothing:Nothing"])
def test_i1_host_from_a_console_says_1063(tool: Tool, target: str) -> None:
    """I-1: not started by the SCM; nothing of the service is imported or run."""
    done = tool(sys.executable, "-P", "-m", "winsvc", "host", target)

    assert done.returncode == 1
    assert "1063" in done.stdout
    assert "debug" in done.stdout


def test_i2_process_that_ends_early_fails_at_once(lab: Lab) -> None:
    """I-2: 1053 well before the pipe's time-out, and the same again."""
    command = (sys.executable, "-c", "raise SystemExit(1)")
    service = lab.install("Early", command=command)
    took = []
    for _ in range(2):
        begin = time.monotonic()
        with pytest.raises(ServiceTimeout):
            service.handle.start()
        took.append(time.monotonic() - begin)
    status = service.handle.status()

    assert min(took) < 9  # one of them may have been held up by other programs
    assert (status.state, status.pid) == (State.STOPPED, 0)
    assert service.control_code(Control.STOP) == 1062


def test_i3_slow_import_starts(lab: Lab) -> None:
    """I-3: the SCM hears of it before the import, however long that takes."""
    service = lab.install("SlowImport", file=SERVICES.with_name("slow_import.py"))
    begin = time.monotonic()
    service.handle.start()
    starting = service.handle.status().state
    service.reach(State.RUNNING)

    assert starting is State.START_PENDING
    assert time.monotonic() - begin > 11


def test_i5_second_dispatcher_is_refused(tool: Tool) -> None:
    """I-5: 1056 for a second connection of a process, after the first's failure."""
    code = (
        "from winsvc._native import require_core\n"
        "from winsvc.connection import Connection\n"
        "from winsvc.serving import serve\n"
        "for _ in range(2):\n"
        "    try:\n"
        "        connection = Connection(require_core('try'))\n"
        "        connection.start()\n"
        "        serve(connection, [lambda: None])\n"
        "    except OSError as error:\n"
        "        print(error.winerror)\n"
    )
    done = tool(sys.executable, "-P", "-c", code)

    assert done.stdout.split() == ["1063", "1056"]


@pytest.mark.parametrize(
    "args",
    [
        (),
        ("a",),
        ("with blank", 'quo"te', "back\\slash\\", "new\nline", "tab\t"),
        ("ünïcödé", "日本語", "emoji \U0001f600", "עברית"),
        ("lone \ud800 surrogate",),
        ("TriggerStarted",),
        tuple(str(number) for number in range(1000)),
        ("x" * 1023,),
    ],
    ids=["none", "one", "quotes", "unicode", "surrogate", "trigger", "1000", "long"],
)
def test_i16_to_i24_arguments_arrive_exactly(lab: Lab, args: tuple[str, ...]) -> None:
    """I-16 to I-19, I-24: what StartService gets is what ``args`` has."""
    service = lab.install("Probe")
    service.start(*args)
    service.stop()

    assert service.calls[0] == f"on_start {args!r}"


@pytest.mark.skipif(WINE, reason="H-42: an empty argument ends Wine's list")
def test_i19_empty_argument_is_kept(lab: Lab) -> None:
    """I-19 (soft): an empty string is an argument too."""
    service = lab.install("Probe")
    service.start("a", "", "b")
    service.stop()

    assert service.calls[0] == "on_start ('a', '', 'b')"


def test_i21_disabled_service_is_refused(lab: Lab) -> None:
    """I-21: 1058."""
    service = lab.install("Probe", start_type=StartType.DISABLED)

    assert refused(service.handle.start) == 1058


@pytest.mark.skipif(WINE, reason="H-3: Wine waits on a lock, then says 1055")
def test_i14_second_start_is_refused_while_starting(lab: Lab) -> None:
    """I-14: 1056 in START_PENDING."""
    service = lab.install("WaitingStart")
    service.handle.start()

    assert refused(service.handle.start) == 1056


@pytest.mark.parametrize("state", [State.RUNNING, State.PAUSED])
def test_i14_second_start_is_refused(lab: Lab, state: State) -> None:
    """I-14: 1056 while it is up."""
    service = lab.install("Probe")
    service.start()
    if state is State.PAUSED:
        service.handle.pause()
        service.reach(State.PAUSED)

    assert refused(service.handle.start) == 1056


@pytest.mark.parametrize(
    "name", ["Dienst Größe", "サービス", "emoji \U0001f600", "with, comma", "x" * 200]
)
def test_unusual_names_work(lab: Lab, name: str) -> None:
    """Non-ASCII, blank, comma, long: the whole life, and the list shows it."""
    name = lab.unique(name)
    service = lab.install("Probe", name=name)
    service.start()
    listed = [info.name for info in lab.manager.list()]
    service.stop()

    assert name in listed
    assert service.calls[-1] == "on_stop"


def test_paths_with_blanks_and_foreign_letters_work(lab: Lab) -> None:
    """Target and log file in a folder with such a name; no other folder matters."""
    folder = lab.folder / "Größe und mehr (ü)"
    folder.mkdir()
    file = folder / "dienst ä.py"
    shutil.copy(SERVICES, file)
    log_file = folder / "protokoll ö.log"
    command = lab.command(f"{file}:Probe", log_file)
    service = lab.install("Probe", command=command)
    service.start("é")
    service.stop()

    assert "on_start ('é',)" in log_file.read_text(encoding="utf-8")


# --- I.2 Controls -------------------------------------------------------------------


def test_i30_stop_while_starting_never_runs(lab: Lab) -> None:
    """I-30: STOP in START_PENDING is delivered; RUNNING is never shown (I-31)."""
    service = lab.install("WaitingStart")
    service.handle.start()
    eventually(lambda: service.handle.status().accepts & Accept.STOP, "STOP accepted")
    service.handle.stop()
    status = service.reach(State.STOPPED)

    assert status.exit_code == 0
    assert service.calls == ["on_start", "on_stop"]


def test_i32_i34_stop_again_is_refused(lab: Lab) -> None:
    """I-32, I-34: 1061 while it stops, 1062 once it has; on_stop runs once."""
    service = lab.install("Probe")
    process = service.start()
    codes = [service.control_code(Control.STOP) for _ in range(20)]
    process.wait()
    last = service.control_code(Control.STOP)

    assert codes[0] == 0
    assert set(codes[1:]) <= {1061, 1062}
    assert last == 1062
    assert service.calls.count("on_stop") == 1


def test_i36_pause_that_is_not_accepted_is_refused(lab: Lab) -> None:
    """I-36: 1052 without a handler for it."""
    service = lab.install("Plain")
    service.start()

    assert service.control_code(Control.PAUSE) == 1052
    assert service.control_code(Control.PARAMCHANGE) == 1052


def test_i36_i37_pause_and_continue_again_change_nothing(lab: Lab) -> None:
    """I-36, I-37: delivered by the SCM, no second call of the handler."""
    service = lab.install("Probe")
    service.start()
    service.in_run()
    service.handle.resume()
    service.handle.pause()
    service.reach(State.PAUSED)
    service.handle.pause()
    service.handle.control(128)
    paused = service.handle.status().state
    service.handle.resume()
    service.reach(State.RUNNING)
    service.stop()

    assert paused is State.PAUSED
    assert service.calls[2:] == [
        "on_pause",
        "on_user_control 128",
        "on_continue",
        "on_stop",
    ]


def test_i38_stop_while_paused_wakes_run(lab: Lab) -> None:
    """I-38: a paused service stops."""
    service = lab.install("Probe")
    process = service.start()
    service.in_run()
    service.handle.pause()
    service.reach(State.PAUSED)
    service.stop()

    assert process.wait() == 0
    assert service.calls[-2:] == ["on_pause", "on_stop"]


def test_i39_interrogate_by_state(lab: Lab) -> None:
    """I-39: always delivered while it is up, 1062 when stopped."""
    service = lab.install("Probe")
    before = service.control_code(Control.INTERROGATE)
    service.start()
    running = service.control_code(Control.INTERROGATE)
    service.handle.pause()
    service.reach(State.PAUSED)
    paused = service.control_code(Control.INTERROGATE)
    service.stop()

    assert (before, running, paused) == (1062, 0, 0)


def test_i40_only_client_codes_are_delivered(lab: Lab) -> None:
    """I-40: 87 but for 128 to 255 and the documented ones."""
    service = lab.install("Probe")
    service.start()
    wrong = [0, 5, *range(11, 18), 0x20, 0x40, 0x60, 0x61, 127, 256, 0xFFFFFFFF]
    refusals = {code: service.control_code(code) for code in wrong}
    right = [service.control_code(code) for code in (128, 200, 255)]
    service.stop()

    assert set(refusals.values()) == {87}
    assert right == [0, 0, 0]
    assert [c for c in service.calls if "user" in c] == [
        f"on_user_control {code}" for code in (128, 200, 255)
    ]


def test_i49_flood_of_controls_loses_nothing(lab: Lab) -> None:
    """I-49: many controls from several clients, each delivered once, in order."""
    from concurrent.futures import ThreadPoolExecutor

    service = lab.install("Probe")
    service.start()

    def client(code: int) -> list[int]:
        with lab.manager.open(service.name) as handle:
            return [refused(lambda: handle.control(code)) for _ in range(100)]

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(client, (128, 129, 130, 131)))
    service.stop()

    assert all(code == 0 for result in results for code in result)
    for code in (128, 129, 130, 131):
        assert service.calls.count(f"on_user_control {code}") == 100


def test_busy_python_answers_as_fast_as_idle(lab: Lab) -> None:
    """A control returns while the GIL is held for 2 s: in far less than that."""
    service = lab.install("Busy")
    service.start("gil")
    took = []
    for _ in range(20):
        begin = time.perf_counter()
        service.handle.control(200)
        took.append(time.perf_counter() - begin)
    service.stop()

    # Each would wait for the GIL; one or the other may for the processor.
    assert statistics.median(took) < 1.0


# --- failures -----------------------------------------------------------------------

FAILURES = {
    ("on_start", "exception"): FailureCode.START,
    ("run", "exception"): FailureCode.RUN,
    ("on_user_control", "exception"): FailureCode.HANDLER,
    ("on_stop", "exception"): FailureCode.STOP,
    ("run", "sys.exit"): 3,
    ("on_start", "sys.exit"): 3,
    ("run", "ServiceExit"): 7,
    ("on_user_control", "ServiceExit"): 7,
    ("on_user_control", "request_stop"): 5,
    ("run", "return"): 0,
}


@pytest.mark.parametrize(("where", "how"), FAILURES)
def test_every_end_reports_its_code(lab: Lab, where: str, how: str) -> None:
    """1066 with the documented code, the traceback in the log (promise 5)."""
    expected = FAILURES[where, how]
    service = lab.install("Ends")
    service.handle.start(where, how)
    if where in ("on_user_control", "on_stop"):
        service.reach(State.RUNNING)
        service.handle.control(128 if where == "on_user_control" else Control.STOP)
    status = service.reach(State.STOPPED)

    assert status.exit_code == (1066 if expected else 0)
    assert status.service_exit_code == expected
    assert ("Traceback" in service.log) is (how not in ("request_stop", "return"))
    assert service.calls.count("on_stop") == (0 if where == "on_start" else 1)


@pytest.mark.parametrize(
    ("file", "cls", "text"),
    [
        ("broken.py", "Broken", "a_module_that_is_not_there"),
        ("services.py", "Missing", "it has Probe"),
        ("absent.py", "Absent", "there is no file"),
    ],
)
def test_import_failure_reports_its_code(
    lab: Lab, file: str, cls: str, text: str
) -> None:
    """1066 and FailureCode.IMPORT, with the reason in the log (promise 2)."""
    service = lab.install(cls, file=SERVICES.with_name(file))
    service.handle.start()
    with pytest.raises(ServiceFailed):
        service.reach(State.RUNNING)
    status = service.handle.status()

    assert (status.exit_code, status.service_exit_code) == (1066, FailureCode.IMPORT)
    assert text in service.log


LIVES = 3
"""Of a service whose reports are counted: other programs may hold up those of one."""


def checkpoints_until_gone(service: Installed, process: Process) -> list[int]:
    """Return the checkpoints that a client sees rise until the process has ended."""
    seen: list[int] = []
    while True:
        has_ended = process.has_ended()  # before the look, which is the last one then
        checkpoint = service.handle.status().checkpoint
        if not seen or checkpoint != seen[-1]:
            seen.append(checkpoint)
        if has_ended:
            return [each for each in seen if each]  # Windows shows STOPPED then
        time.sleep(0.01)


def stuck_in_stop(lab: Lab, *args: str) -> int:
    """See a service that hangs in its on_stop to its end; return its checkpoints."""
    service = lab.install("StuckStop")
    process = service.start(*args)
    service.handle.stop()
    risen = checkpoints_until_gone(service, process)

    assert process.wait() == FailureCode.DEADLINE
    assert risen == sorted(risen)
    assert "in on_stop" in service.log
    service.died()
    return risen[-1]


@pytest.mark.parametrize("gil", [False, True], ids=["waiting", "holding the GIL"])
def test_stuck_stop_ends_the_process(lab: Lab, gil: bool) -> None:
    """Checkpoints rise until stop_timeout; then tracebacks, and it is gone."""
    lasts: list[int] = []
    # 4 s with a hint of 1 s: a checkpoint every half second, no more after.  Who
    # looks may miss one, the count does not.
    while not {7, 8} & set(lasts):
        assert len(lasts) < LIVES, lasts
        lasts.append(stuck_in_stop(lab, *(["gil"] if gil else [])))

    assert max(lasts) <= 8


@pytest.mark.parametrize("stuck", [False, True], ids=["stops", "stuck"])
def test_unfinished_lines_are_logged_at_the_end(lab: Lab, stuck: bool) -> None:
    """Of every thread, before STOPPED; and when its deadline ends the process."""
    service = lab.install("Unfinished")
    process = service.start(*(["stuck"] if stuck else []))
    # The thread's, as soon as run has begun the last of its own.
    eventually(lambda: "] of a thread" in service.log, "it has written what it has to")
    service.handle.stop()
    code = process.wait()
    texts = [line.partition("] ")[2] for line in service.log.splitlines()]

    assert code == (FailureCode.DEADLINE if stuck else 0)
    for text in ("of a thread", "of stderr", "of run, stopped"):
        assert texts.count(text) == 1
    if stuck:
        service.died()
    else:
        end = texts.index(f"{service.name} stops with exit code 0")
        assert end > texts.index("of run, stopped")
        assert texts[end + 1 :] == ["of the end"]


def test_stuck_start_ends_the_process(lab: Lab) -> None:
    """The same for on_start."""
    service = lab.install("StuckStart")
    service.handle.start()
    pid = service.handle.status().pid
    process = Process(pid)

    assert process.wait() == FailureCode.DEADLINE
    assert "in on_start" in service.log
    service.died()


def test_slow_start_with_the_gil_held_reaches_running(lab: Lab) -> None:
    """12 s without Python: RUNNING, and progress within every hint (C-1, C-14)."""
    service = lab.install("SlowStart")
    lives: list[tuple[int, float, float]] = []
    # One every 1.5 s, half the hint.
    while not any(rises >= 6 and gap < hint for rises, gap, hint in lives):
        assert len(lives) < LIVES, lives
        lives.append(slow_start(service))
        service.stop()


def slow_start(service: Installed) -> tuple[int, float, float]:
    """Start it; return how often its checkpoint rose, the largest gap, the hint."""
    service.handle.start()
    seen: list[tuple[float, int, float]] = []
    while (status := service.handle.status()).state is State.START_PENDING:
        if not seen or status.checkpoint != seen[-1][1]:
            seen.append((time.monotonic(), status.checkpoint, status.wait_hint))
        time.sleep(0.01)
    gap = max((b[0] - a[0] for a, b in pairwise(seen)), default=math.inf)
    print(f"\n{len(seen)} checkpoints, largest gap {gap:.3f} s, hint 3 s")

    assert status.state is State.RUNNING
    risen = [checkpoint for _, checkpoint, _ in seen]
    assert risen == sorted(risen)
    return risen[-1] - risen[0], gap, seen[0][2]

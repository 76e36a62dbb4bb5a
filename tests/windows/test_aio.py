"""Services of coroutines on a real SCM: their loop, their handlers, their ends."""

from __future__ import annotations

import socket
import struct

import pytest
from lab import HERE, Installed, Lab, eventually

from winsvc.errors import ServiceFailed
from winsvc.states import Control, FailureCode, State

SERVICES = HERE / "async_services.py"


def install(lab: Lab, cls: str) -> Installed:
    """Install a service of coroutines."""
    return lab.install(cls, file=SERVICES)


@pytest.mark.parametrize(
    ("cls", "loop"),
    [("Probe", "ProactorEventLoop"), ("Selecting", "_WindowsSelectorEventLoop")],
)
def test_whole_life_is_on_the_main_threads_loop(lab: Lab, cls: str, loop: str) -> None:
    """Start with arguments, codes, pause, continue, stop; the handlers in order."""
    service = install(lab, cls)
    process = service.start("a", "b c")
    eventually(lambda: len(service.calls) == 2, "run iterates over its events")
    service.handle.control(200)
    service.handle.pause()
    service.reach(State.PAUSED)
    service.handle.resume()
    service.reach(State.RUNNING)
    status = service.stop()

    assert process.wait() == 0
    assert (status.exit_code, status.service_exit_code) == (0, 0)
    assert service.calls == [
        "on_start ('a', 'b c')",
        f"run on main thread: True, {loop}",
        "on_user_control 200",
        "event UserControl",
        "on_pause",
        "event Pause",
        "on_continue",
        "event Continue",
        "on_stop",
        "event Stop",
    ]


FAILURES = {
    ("on_start", "exception"): FailureCode.START,
    ("on_start", "sys.exit"): 3,
    ("early task", "exception"): FailureCode.START,
    ("early task", "sys.exit"): 3,
    ("run", "exception"): FailureCode.RUN,
    ("run", "sys.exit"): 3,
    ("run", "return"): 0,
    ("task", "exception"): FailureCode.RUN,
    ("task", "sys.exit"): 3,
    ("task", "ServiceExit"): 7,
    ("forgotten task", "exception"): FailureCode.RUN,
    ("forgotten task", "sys.exit"): 3,
    ("on_user_control", "exception"): FailureCode.HANDLER,
    ("on_user_control", "sys.exit"): 3,
    ("on_stop", "exception"): FailureCode.STOP,
}


@pytest.mark.parametrize(("where", "how"), FAILURES)
def test_every_end_reports_its_code(lab: Lab, where: str, how: str) -> None:
    """1066 with the documented code, the traceback in the log (promise 5)."""
    expected = FAILURES[where, how]
    service = install(lab, "Ends")
    service.handle.start(where, how)
    if where in ("on_user_control", "on_stop"):
        service.reach(State.RUNNING)
        service.handle.control(128 if where == "on_user_control" else Control.STOP)
    status = service.reach(State.STOPPED)
    failed_early = where in ("on_start", "early task")

    assert status.exit_code == (1066 if expected else 0)
    assert status.service_exit_code == expected
    assert service.log.count("Traceback (") == bool(expected)
    assert service.calls.count("on_stop") == (0 if failed_early else 1)


def test_handler_of_the_wrong_kind_is_refused(lab: Lab) -> None:
    """FailureCode.IMPORT, with the remedy in the log."""
    file = lab.folder / "wrong.py"
    file.write_text(
        "import winsvc\n"
        "class Wrong(winsvc.AsyncService):\n"
        "    name = 'Wrong'\n"
        "    def on_pause(self): ...\n"
    )
    service = lab.install("Wrong", file=file)
    service.handle.start()
    with pytest.raises(ServiceFailed):
        service.reach(State.RUNNING)

    assert service.handle.status().service_exit_code == FailureCode.IMPORT
    assert "write `async def on_pause`" in service.log


def test_blocked_loop_holds_up_no_answer(lab: Lab) -> None:
    """Controls return though the loop stands still until the stop."""
    service = install(lab, "Blocked")
    process = service.start()
    for _ in range(20):
        service.handle.control(Control.INTERROGATE)
    service.stop()

    assert process.wait() == 0


def test_run_that_ignores_its_cancellation_meets_the_deadline(lab: Lab) -> None:
    """Promise 4: the process ends with 64006, the tracebacks are in the log."""
    service = install(lab, "Endless")
    process = service.start()
    service.handle.stop()

    assert process.wait() == FailureCode.DEADLINE
    assert service.calls == ["cancel"]
    assert "took too long in STOP_PENDING" in service.log
    service.died()


def test_client_that_goes_early_ends_no_service(lab: Lab) -> None:
    """python/cpython#93821: the Proactor's own tasks fail when clients do so."""
    service = install(lab, "Serving")
    service.start()
    reset = struct.pack("hh", 1, 0)  # on, 0 s: close() resets the connection
    for _ in range(50):
        port = int(service.calls[-1].split()[1])
        with socket.socket() as client:
            client.settimeout(5.0)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    def is_served() -> bool:
        port = int(service.calls[-1].split()[1])
        try:
            with socket.create_connection(("127.0.0.1", port), 5.0) as client:
                return client.recv(5) == b"hello"
        except OSError:
            return False

    eventually(is_served, "it serves")

    assert service.handle.status().state is State.RUNNING
    assert service.stop().exit_code == 0

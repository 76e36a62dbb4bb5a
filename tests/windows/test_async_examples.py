"""The asyncio examples as installed services: real requests, real processes."""

from __future__ import annotations

import ctypes
import http.client
import re
import socket
import struct
import time
from typing import Any

import pytest
from lab import HERE, Installed, Lab, Process, eventually
from web_client import Request, get, refused

from winsvc.states import State

EXAMPLES = HERE.parents[1] / "examples"
PROCESS_TERMINATE = 1


@pytest.fixture
def web(lab: Lab) -> Installed:
    """The web server, installed."""
    return lab.install("WebServer", file=EXAMPLES / "web_server.py")


def port_of(service: Installed) -> int:
    """Return the port that it last said it listens on."""
    return int(re.findall(r"listening on http://127.0.0.1:(\d+)", service.log)[-1])


def test_web_server_serves_pauses_goes_on_and_stops(web: Installed) -> None:
    """In flight at the pause and at the stop: finished.  While paused: refused."""
    process = web.start("0")
    port = port_of(web)
    served = get(port)
    # 4.5 s, of the 10 s that it has: it is in flight until all is looked at.
    request = Request(port, "/count/9")
    web.handle.pause()
    eventually(lambda: refused(port), "the port is closed")
    during = web.handle.status().state
    rest = request.rest()
    web.reach(State.PAUSED)
    still_refused = refused(port)
    web.handle.resume()
    web.reach(State.RUNNING)
    again = get(port)
    request = Request(port, "/count/6")
    web.handle.stop()
    last = request.rest()
    status = web.reach(State.STOPPED)

    assert served == again == b"Hello, 127.0.0.1\n"
    assert during is State.PAUSE_PENDING
    assert rest == b"1\n2\n3\n4\n5\n6\n7\n8\n"
    assert last == b"1\n2\n3\n4\n5\n"
    assert still_refused
    assert refused(port)
    assert (status.exit_code, process.wait()) == (0, 0)


def test_web_server_stops_from_a_pause(web: Installed) -> None:
    """And serves again after the next start."""
    for _ in range(2):
        process = web.start("0")
        served = get(port_of(web))
        web.handle.pause()
        web.reach(State.PAUSED)

        assert served.startswith(b"Hello")
        assert web.stop().exit_code == 0
        assert process.wait() == 0


def test_web_server_cancels_what_takes_too_long(web: Installed) -> None:
    """After 10 s; the stop is a clean one."""
    process = web.start("0")
    request = Request(port_of(web), "/count/9999")
    status = web.stop()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        request.rest()

    assert (status.exit_code, process.wait()) == (0, 0)


def test_web_server_says_that_the_port_is_taken(web: Installed) -> None:
    """With an exit code of its own; the log has the port."""
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        web.handle.start(str(port))
        status = web.reach(State.STOPPED)

    assert (status.exit_code, status.service_exit_code) == (1066, 2)
    assert f"bind on address ('127.0.0.1', {port})" in web.log


def test_web_server_outlives_clients_that_go_early(web: Installed) -> None:
    """python/cpython#93821: the Proactor closes the port then; it listens again."""
    web.start("0")
    port = port_of(web)
    reset = struct.pack("hh", 1, 0)  # on, 0 s: close() resets the connection
    for _ in range(50):
        with socket.socket() as client:
            client.settimeout(5.0)
            if client.connect_ex(("127.0.0.1", port)) == 0:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, reset)

    def is_served() -> bool:
        # Not all of the patience for one that is taken up by nobody.
        try:
            return get(port, timeout=5.0).startswith(b"Hello")
        except (OSError, http.client.HTTPException):
            return False

    eventually(is_served, "it serves")

    assert web.stop().exit_code == 0


def children(service: Installed) -> list[int]:
    """Return the processes that the supervisor says it has started."""
    return [int(pid) for pid in re.findall(r"started process (\d+)", service.log)]


def terminate(pid: int) -> None:
    """End a process, as the task manager does."""
    kernel32: Any = ctypes.WinDLL("kernel32", use_last_error=True)
    kernel32.OpenProcess.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(kernel32.OpenProcess(PROCESS_TERMINATE, 0, pid))
    assert kernel32.TerminateProcess(handle, 5)
    kernel32.CloseHandle(handle)


def test_supervisor_restarts_its_child_and_takes_it_along(lab: Lab) -> None:
    """Killed, it comes again; with the service it is asked to end, and has ended.

    The example's child, but one that does not end by itself after 5 s.
    """
    text = (EXAMPLES / "supervisor.py").read_text(encoding="utf-8")
    assert text.count("range(5)") == 1
    file = lab.folder / "supervisor.py"
    file.write_text(text.replace("range(5)", "range(3600)"), encoding="utf-8")
    service = lab.install("Supervisor", file=file)
    process = service.start()
    eventually(lambda: "working on 0" in service.log, "the child's line")
    terminate(children(service)[0])
    eventually(lambda: service.log.count("working on 0") == 2, "the next child's line")
    child = Process(children(service)[1])
    status = service.stop()

    assert "ended with exit code 5" in service.log
    assert child.wait(0) == 0
    assert f"{children(service)[1]}: told to end" in service.log
    assert (status.exit_code, process.wait()) == (0, 0)


def test_periodic_works_pauses_and_goes_on(lab: Lab) -> None:
    """No job while it is paused."""
    service = lab.install("Periodic", file=EXAMPLES / "periodic.py")
    process = service.start("0.1")
    eventually(lambda: service.log.count("worked at") >= 3, "three jobs")
    service.handle.pause()
    service.reach(State.PAUSED)
    count = service.log.count("worked at")
    time.sleep(0.5)  # time for jobs that must not come
    paused = service.log.count("worked at")
    service.handle.resume()
    service.reach(State.RUNNING)
    eventually(lambda: service.log.count("worked at") > count + 2, "more jobs")

    assert paused == count
    assert service.stop().exit_code == 0
    assert process.wait() == 0

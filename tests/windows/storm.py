"""A service that changes its state as fast as the SCM takes it; plain ctypes.

    python storm.py CHANGES

Start parameters: a number in place of CHANGES.  It goes between RUNNING and PAUSED
that many times, says STOPPED with its own exit code CHANGES, and ends.  STOP ends it
before that, with how many there were by then.
"""

from __future__ import annotations

import ctypes
import sys
import threading
from ctypes import wintypes

OWN_PROCESS = 0x10
STOPPED, START_PENDING, STOP_PENDING, RUNNING, PAUSED = 1, 2, 3, 4, 7
ACCEPT_STOP, CONTROL_STOP = 1, 1
SERVICE_SPECIFIC_ERROR = 1066

advapi32 = ctypes.WinDLL("advapi32", use_last_error=True)
MainProc = ctypes.WINFUNCTYPE(None, wintypes.DWORD, ctypes.POINTER(wintypes.LPWSTR))
HandlerProc = ctypes.WINFUNCTYPE(
    wintypes.DWORD, wintypes.DWORD, wintypes.DWORD, wintypes.LPVOID, wintypes.LPVOID
)


class Entry(ctypes.Structure):
    """SERVICE_TABLE_ENTRYW."""

    _fields_ = (("name", wintypes.LPWSTR), ("main", MainProc))


stop = threading.Event()
handle = wintypes.HANDLE()
advapi32.RegisterServiceCtrlHandlerExW.restype = wintypes.HANDLE
advapi32.RegisterServiceCtrlHandlerExW.argtypes = (
    wintypes.LPCWSTR,
    HandlerProc,
    wintypes.LPVOID,
)
advapi32.SetServiceStatus.argtypes = (wintypes.HANDLE, wintypes.LPVOID)


def report(state: int, specific: int = 0) -> None:
    """Report a state."""
    pending = state in (START_PENDING, STOP_PENDING)
    accepted = ACCEPT_STOP if state in (RUNNING, PAUSED) else 0
    code = SERVICE_SPECIFIC_ERROR if state == STOPPED else 0
    status = (wintypes.DWORD * 7)(
        OWN_PROCESS, state, accepted, code, specific, pending, 10000 * pending
    )
    advapi32.SetServiceStatus(handle, ctypes.byref(status))


@HandlerProc
def handler(control: int, _type: int, _data: object, _context: object) -> int:
    """Stop when told to."""
    if control == CONTROL_STOP:
        stop.set()
        report(STOP_PENDING)
    return 0


@MainProc
def main(argc: int, argv: ctypes.Array[wintypes.LPWSTR]) -> None:
    """Change the state, again and again."""
    handle.value = advapi32.RegisterServiceCtrlHandlerExW(argv[0], handler, None)
    changes = int(argv[1] if argc > 1 else sys.argv[1])
    report(START_PENDING)
    done = 0
    while done < changes and not stop.is_set():
        report((RUNNING, PAUSED)[done % 2])
        done += 1
    report(STOPPED, done)


if __name__ == "__main__":
    table = (Entry * 2)(Entry("", main), Entry(None, MainProc()))
    if not advapi32.StartServiceCtrlDispatcherW(ctypes.byref(table)):
        sys.exit(ctypes.get_last_error())

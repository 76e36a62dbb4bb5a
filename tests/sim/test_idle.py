"""While RUNNING and idle nothing wakes up (promise 8), as the kernel counts it."""

from __future__ import annotations

import json
import os
import subprocess
import sys

# The acceptance run is 60 s; what wakes up at all mostly does within seconds.
SECONDS = float(os.environ.get("WINSVC_IDLE_SECONDS", "5"))

# In a process of its own: pytest's threads are none of ours.
PROGRAM = """
import json, os, sys, threading, time
from pathlib import Path
import winsvc
from winsvc.states import State
from winsvc.testing import SimulatedScm

class Idle(winsvc.Service):
    name = "Idle"

def switches():
    counts = {}
    for task in Path("/proc/self/task").glob("*"):
        if int(task.name) == threading.get_native_id():
            continue
        try:
            status = (task / "status").read_text()
        except (FileNotFoundError, ProcessLookupError):  # it has ended just now
            continue
        for line in status.splitlines():
            if line.startswith(("voluntary_ctxt", "nonvoluntary_ctxt")):
                counts[task.name] = counts.get(task.name, 0) + int(line.split()[1])
    return counts

scm = SimulatedScm(clock="real")
handle = scm.add(Idle)
handle.start()
handle.wait_state(State.RUNNING, timeout=20)
latest, until = None, time.monotonic() + 20
while latest != (latest := switches()) and time.monotonic() < until:
    time.sleep(0.5)  # the threads that saw RUNNING come to rest
journal, before = scm.journal("Idle"), switches()
time.sleep(float(sys.argv[1]))
after, later = switches(), scm.journal("Idle")
handle.stop()
handle.wait_state(State.STOPPED, timeout=20)
print(json.dumps({
    "threads": len(before),
    "switches": {task: after[task] - before[task] for task in before},
    "journal": len(later) - len(journal),
}))
"""


def test_idle_service_has_no_wakeup() -> None:
    """No context switch of any thread but the one that measures, no journal entry."""
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(SECONDS)],
        capture_output=True,
        text=True,
        timeout=SECONDS + 60,
        check=True,
    )
    result = json.loads(done.stdout)
    print(f"{SECONDS:g} s: {result}")

    assert result["journal"] == 0
    # Dispatcher and reporter in C; main, control and deadline in Python.  Systems
    # without /proc can show only the journal.
    assert result["threads"] == (5 if sys.platform == "linux" else 0)
    assert not any(result["switches"].values()), result

"""A supervisor: it runs a program, restarts it when it ends, and logs its lines.

Run it, wait for the first restart, and press Ctrl+C:

    python examples/supervisor.py debug
"""

import asyncio
import subprocess
import sys
from typing import Any, ClassVar

import winsvc

CHILD = """
import os, sys, threading, time

def end_with_the_supervisor():
    sys.stdin.read()
    print("told to end")
    os._exit(0)

threading.Thread(target=end_with_the_supervisor, daemon=True).start()
for number in range(5):
    print("working on", number)
    time.sleep(1)
sys.exit("something is wrong")
"""
FIRST_DELAY, LAST_DELAY = 1.0, 60.0  # seconds from an end to the next start
HEALTHY = 60.0  # who has run that long begins with the first delay again
GRACE = 10.0  # seconds that the child has to end

# Ctrl+C in debug mode is for the service alone.
OPTIONS: dict[str, Any] = {"start_new_session": True}
if sys.platform == "win32":
    OPTIONS = {"creationflags": subprocess.CREATE_NO_WINDOW}


class Supervisor(winsvc.AsyncService):
    """Keeps a program running."""

    name = "PySupervisor"
    display_name = "Python Supervisor"
    stop_timeout = 3 * GRACE

    # The absolute path of your program, and its arguments.  No shell reads them,
    # and no start parameter: who may start the service shall not choose what runs.
    command: ClassVar[tuple[str, ...]] = (sys.executable, "-P", "-u", "-c", CHILD)

    async def on_start(self) -> None:
        """Supervise in a task: if that fails, so does the service."""
        self.supervision = self.create_task(self.supervise())

    async def on_stop(self) -> None:
        """End the child: the cancelled task sees to it."""
        self.supervision.cancel()
        await asyncio.wait({self.supervision})

    async def supervise(self) -> None:
        """Run the child, again and again, less and less often if it fails fast."""
        now = asyncio.get_running_loop().time
        delay = FIRST_DELAY
        while True:
            began = now()
            code = await self.run_child()
            if now() - began >= HEALTHY:
                delay = FIRST_DELAY
            self.log.warning("ended with exit code %d; again in %g s", code, delay)
            await asyncio.sleep(delay)
            delay = min(2 * delay, LAST_DELAY)

    async def run_child(self) -> int:
        """Run the child until it ends, or until this is cancelled."""
        child = await asyncio.create_subprocess_exec(
            *self.command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            **OPTIONS,
        )
        self.log.info("started process %d", child.pid)
        reader = self.create_task(self.log_lines(child))
        try:
            return await child.wait()
        finally:
            await self.end(child)
            await asyncio.wait({reader}, timeout=1.0)  # grandchildren may hold it open
            reader.cancel()

    async def end(self, child: asyncio.subprocess.Process) -> None:
        """Ask the child to end, and end it if it does not.

        What asks on Windows is the end of its standard input, which also comes when
        the service itself is killed.  CTRL_BREAK_EVENT does not: it gets to programs
        on the sender's console, and a service has none.  terminate() kills at once
        there; elsewhere it asks.
        """
        assert child.stdin is not None
        child.stdin.close()
        if child.returncode is None and sys.platform != "win32":
            child.terminate()
        try:
            await asyncio.wait_for(child.wait(), GRACE)
        except TimeoutError:
            self.log.warning("process %d does not end: killed", child.pid)
            child.kill()
            await child.wait()

    async def log_lines(self, child: asyncio.subprocess.Process) -> None:
        """Log what the child writes."""
        assert child.stdout is not None
        while True:
            try:
                line = await child.stdout.readline()
            except ValueError:  # longer than 64 KiB
                line = b"(a line that is too long)"
            if not line:
                return
            self.log.info("%d: %s", child.pid, line.decode(errors="replace").rstrip())


if __name__ == "__main__":
    winsvc.main(Supervisor)

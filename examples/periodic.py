"""A job every few seconds: on time, one at a time, none while it is paused.

Let it work every 2 seconds, and press p, c and s:

    python examples/periodic.py debug 2
"""

import asyncio
import time

import winsvc

INTERVAL = 5.0


class Periodic(winsvc.AsyncService):
    """Does a job again and again."""

    name = "PyPeriodic"
    display_name = "Python Periodic Job"
    stop_grace = 10.0  # seconds for the job that runs at the stop; then: cancelled

    def __init__(self) -> None:
        self.is_paused = False
        self.working = asyncio.Lock()

    async def run(self) -> None:
        """Work whenever it is due."""
        interval = float(self.args[0]) if self.args else INTERVAL
        now = asyncio.get_running_loop().time
        due = now()
        while not await self.wait_stop(due - now()):
            async with self.working:
                if not self.is_paused:
                    await self.try_job()
            # From due time to due time, so that nothing adds up; those that have
            # passed while a job took its time are left out.
            due += interval * (1 + max(0.0, now() - due) // interval)

    async def try_job(self) -> None:
        """Do the job; if it fails, it is due again at its next time.

        That is a choice.  Let the exception out, and the service ends as failed, so
        that the SCM can restart it; after a MemoryError, say, that is better.
        """
        try:
            await self.job()
        except Exception:
            self.log.exception("the job has failed")

    async def job(self) -> None:
        """Work.  What blocks goes to a thread: the handlers share this loop."""
        text = await asyncio.to_thread(time.strftime, "%H:%M:%S")
        self.log.info("worked at %s", text)

    async def on_pause(self) -> None:
        """Begin no job; PAUSED when the present one is done."""
        self.is_paused = True
        async with self.working:
            pass

    async def on_continue(self) -> None:
        """Go on with the next time."""
        self.is_paused = False


if __name__ == "__main__":
    winsvc.main(Periodic)

"""A worker that takes jobs from a queue; it pauses, goes on and tells its counts.

Run it, and press p, c, u and s:

    python examples/worker.py debug
"""

import queue
import threading
import time

import winsvc

STATISTICS = 128  # a control code of our own: 128 to 255


class Worker(winsvc.Service):
    """Works through a queue of jobs."""

    name = "PyWorker"
    display_name = "Python Worker"

    def __init__(self) -> None:
        self.jobs: queue.Queue[int] = queue.Queue()
        self.done = 0
        self.may_work = threading.Event()

    def on_start(self) -> None:
        """Start what brings the jobs: here a thread, elsewhere a network port."""
        threading.Thread(target=self.bring_jobs, daemon=True).start()
        self.may_work.set()

    def run(self) -> None:
        """Do one job after the other.  The SCM is answered meanwhile."""
        while not self.stop_requested:
            self.may_work.wait()
            try:
                job = self.jobs.get(timeout=0.5)
            except queue.Empty:
                continue
            self.work_on(job)

    def work_on(self, job: int) -> None:
        """Do a job."""
        time.sleep(0.05)
        self.done += 1
        if job % 10 == 0:
            self.log.info("job %d is done", job)

    def bring_jobs(self) -> None:
        """Put a job into the queue ten times a second."""
        number = 0
        while not self.wait_stop(timeout=0.1):
            number += 1
            self.jobs.put(number)

    def on_pause(self) -> None:
        """Finish the present job, then wait."""
        self.may_work.clear()

    def on_continue(self) -> None:
        """Go on."""
        self.may_work.set()

    def on_user_control(self, code: int) -> None:
        """Tell the counts: ``python examples/worker.py control 128``."""
        if code == STATISTICS:
            self.log.info("%d jobs done, %d waiting", self.done, self.jobs.qsize())

    def on_stop(self) -> None:
        """Let ``run`` end, even from a pause."""
        self.may_work.set()


if __name__ == "__main__":
    winsvc.main(Worker)

"""A service that takes its time to start, without "did not respond in time".

Let it load 20 parts, half a second each:

    python examples/slow_start.py debug 20
"""

import time

import winsvc

PARTS = 10
SECONDS_EACH = 0.5


class SlowStart(winsvc.Service):
    """Loads much before it runs."""

    name = "PySlowStart"
    display_name = "Python Slow Start"
    # From one progress() to the next.  The SCM hears of us in between, too.
    start_timeout = 5.0

    def on_start(self) -> None:
        """Load the parts: each may take 5 s, all together as long as it takes."""
        parts = int(self.args[0]) if self.args else PARTS
        for part in range(parts):
            if self.stop_requested:
                return
            self.log.info("loading part %d of %d", part + 1, parts)
            time.sleep(SECONDS_EACH)
            self.progress()

    def on_stop(self) -> None:
        """Say good-bye."""
        self.log.info("everything is put away")


if __name__ == "__main__":
    winsvc.main(SlowStart)

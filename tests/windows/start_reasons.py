"""A service that asks why it was started."""

from __future__ import annotations

import winsvc


class Asker(winsvc.Service):
    """Logs the answer, in both of its methods that run."""

    name = "Asker"

    def on_start(self) -> None:
        self.log.info("called on_start %r", self.start_reason)

    def run(self) -> None:
        self.log.info("called run %r", self.start_reason)
        self.wait_stop()

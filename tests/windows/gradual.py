"""A service that takes its time to start, so that who waits for it rests."""

from __future__ import annotations

import time

import winsvc


class Gradual(winsvc.Service):
    """Starts for 1.4 s."""

    name = "Gradual"

    def on_start(self) -> None:
        time.sleep(1.4)

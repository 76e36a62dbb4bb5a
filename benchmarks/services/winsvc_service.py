"""The measured service on winsvc."""

from load import work

import winsvc


class Latency(winsvc.Service):
    """Answers controls while it works."""

    name = "WinsvcLatency"

    user_controls = 0

    def run(self) -> None:
        """Work under the condition that the start parameter names."""
        work(self.args[0], self.wait_stop, lambda: self.stop_requested)

    def on_user_control(self, code: int) -> None:
        """Count."""
        del code
        self.user_controls += 1

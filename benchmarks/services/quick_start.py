"""A service that does nothing; once stopped, it tells how it started.

The file that its start parameter names gets the ns of its first report and of its
RUNNING, when the SCM had them, and then the modules that it had when it was up.
"""

import sys

import winsvc


class QuickStart(winsvc.Service):
    """Starts at once, and is idle."""

    name = "BenchQuickStart"

    def run(self) -> None:
        self.modules = list(sys.modules)
        self.wait_stop()

    def on_stop(self) -> None:
        reports = [each for each in self.journal() if each.kind.name == "REPORT"]
        running = next(each for each in reports if each.state is winsvc.State.RUNNING)
        times = (
            str(round((each.time + each.duration) * 1e9))
            for each in (reports[0], running)
        )
        with open(self.args[0], "w", encoding="utf-8") as file:
            file.write("\n".join((*times, *self.modules)))

"""A scene for make.py: some services on a simulated SCM, and one command."""

import contextlib
import logging
import os
import shlex
import sys
import tempfile
import threading
import time
from pathlib import Path

import winsvc
from winsvc.testing.database import SimulatedBackend

logging.disable()  # a simulated service logs to this terminal


class Clock(winsvc.Service):
    """Writes the time once a second."""

    name = "Clock"


class Importer(winsvc.Service):
    """Reads what has arrived."""

    name = "Importer"
    display_name = "Nightly importer"

    def on_start(self) -> None:
        for _ in range(4):
            time.sleep(1.0)
            self.progress()

    def on_pause(self) -> None: ...


class Reports(winsvc.Service):
    """Writes reports."""

    name = "Reports"
    display_name = "Reports, every hour"

    def run(self) -> None:
        raise OSError(2, "the share is gone")


def act(backend: SimulatedBackend) -> None:
    """Let something happen while somebody watches."""
    with winsvc.ServiceManager(backend=backend) as manager:
        time.sleep(1.0)
        for name in ("Reports", "Importer"):
            with manager.open(name) as handle, contextlib.suppress(winsvc.ServiceError):
                handle.start()
                time.sleep(1.0)


def main() -> None:
    """Install the services, run the command."""
    os.chdir(tempfile.mkdtemp())
    backend = SimulatedBackend(virtual=False)

    def run(*words: str, service: type[winsvc.Service] | None = None) -> None:
        with contextlib.suppress(SystemExit):
            winsvc.main(
                *([service] if service else []),
                argv=words,
                manager_factory=lambda: winsvc.ServiceManager(backend=backend),
            )

    command = sys.argv[1]
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        contextlib.redirect_stderr(nowhere),
    ):
        for service in (Clock, Importer, Reports):
            run("install", service=service)
        run("start", "Clock")
        if command in ("list", "status Clock Importer"):
            run("start", "Reports", "--no-wait")
            time.sleep(0.5)
    Path("service.toml").write_text(
        '[services.Clock]\nstart = "delayed"\ndescription = "Tells the time"\n'
        "failure-actions = { actions = [{ restart = 10 }], reset-period = 3600 }\n"
    )
    if command == "watch":
        threading.Thread(target=act, args=(backend,), daemon=True).start()
    print(f"> winsvc {command}", flush=True)
    run(*shlex.split(command))
    time.sleep(60.0)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main()
    os._exit(0)

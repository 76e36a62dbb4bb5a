"""The services under test: run by the real SCM, seen through their logs."""

from __future__ import annotations

import atexit
import ctypes
import itertools
import sys
import threading
import time

import winsvc


def hold_gil(seconds: float) -> None:
    """Sleep in C code with the GIL held: PyDLL does not release it."""
    ctypes.PyDLL("kernel32").Sleep(int(seconds * 1000))


class Probe(winsvc.Service):
    """Logs all that happens to it."""

    name = "Probe"

    def on_start(self) -> None:
        self.log.info("called on_start %r", self.args)

    def run(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        self.log.info("called run on main thread: %s", main)
        self.wait_stop()

    def on_stop(self) -> None:
        self.log.info("called on_stop")

    def on_pause(self) -> None:
        self.log.info("called on_pause")

    def on_continue(self) -> None:
        self.log.info("called on_continue")

    def on_param_change(self) -> None:
        self.log.info("called on_param_change")

    def on_user_control(self, code: int) -> None:
        self.log.info("called on_user_control %d", code)


class Plain(winsvc.Service):
    """Accepts STOP and SHUTDOWN alone."""

    name = "Plain"


class SlowStart(winsvc.Service):
    """Holds the GIL for 12 s while it starts."""

    name = "SlowStart"

    def on_start(self) -> None:
        hold_gil(12.0)


class WaitingStart(winsvc.Service):
    """Starts until it is told to stop."""

    name = "WaitingStart"

    def on_start(self) -> None:
        self.log.info("called on_start")
        self.wait_stop()

    def run(self) -> None:
        self.log.info("called run")

    def on_stop(self) -> None:
        self.log.info("called on_stop")


class StuckStop(winsvc.Service):
    """Never gets out of on_stop; with ``gil``, not out of C code either."""

    name = "StuckStop"
    stop_timeout = 4.0
    wait_hint = 1.0

    def on_stop(self) -> None:
        while True:
            if self.args == ("gil",):
                hold_gil(3600.0)
            time.sleep(3600.0)


class Unfinished(winsvc.Service):
    """Prints what it does not end the line of; with ``stuck`` it does not stop."""

    name = "Unfinished"
    stop_timeout = 6.0  # in which even a loaded machine gets to the end of run
    wait_hint = 1.0

    def run(self) -> None:
        thread = threading.Thread(target=sys.stdout.write, args=("of a thread",))
        thread.start()
        thread.join()
        sys.stderr.write("of stderr")
        atexit.register(sys.stdout.write, "of the end")
        sys.stdout.write("of run, ")
        self.wait_stop()
        sys.stdout.write("stopped")

    def on_stop(self) -> None:
        if self.args == ("stuck",):
            time.sleep(3600.0)


class StuckStart(winsvc.Service):
    """Never gets out of on_start."""

    name = "StuckStart"
    start_timeout = 8.0  # in which even a loaded machine gets hold of its process
    wait_hint = 1.0

    def on_start(self) -> None:
        time.sleep(3600.0)


class Ends(winsvc.Service):
    """Ends in the way, and in the handler, that its parameters name."""

    name = "Ends"

    def end(self, where: str) -> None:
        """End here, if here is where it shall."""
        if not self.args or self.args[0] != where:
            return
        match self.args[1]:
            case "ServiceExit":
                raise winsvc.ServiceExit(7)
            case "sys.exit":
                raise SystemExit(3)
            case "request_stop":
                self.request_stop(5)
            case "return":
                return
            case _:
                msg = "boom"
                raise OSError(msg)

    def on_start(self) -> None:
        self.end("on_start")

    def run(self) -> None:
        self.end("run")
        if self.args[:1] != ("run",):
            self.wait_stop()

    def on_user_control(self, code: int) -> None:
        self.log.info("called on_user_control %d", code)
        self.end("on_user_control")

    def on_stop(self) -> None:
        self.log.info("called on_stop")
        self.end("on_stop")


class Busy(winsvc.Service):
    """Four Python threads compute, or the GIL is held 2 s at a time."""

    name = "Busy"

    def run(self) -> None:
        if self.args == ("gil",):
            while not self.stop_requested:
                hold_gil(2.0)
            return
        for _ in range(4):
            threading.Thread(target=self.compute, daemon=True).start()
        self.wait_stop()

    def compute(self) -> None:
        """Use up a processor."""
        total = 0
        for number in itertools.count():
            total += number
            if number % 1000 == 0 and self.stop_requested:
                return


class Race(winsvc.Service):
    """Stops itself on code 201, under load, while clients control it."""

    name = "Race"

    def run(self) -> None:
        threading.Thread(target=self.compute, daemon=True).start()
        self.wait_stop()

    def compute(self) -> None:
        """Use up a processor."""
        while not self.stop_requested:
            sum(range(1000))

    def on_user_control(self, code: int) -> None:
        if code == 201:
            self.request_stop()

    def on_stop(self) -> None:
        self.log.info("called on_stop")

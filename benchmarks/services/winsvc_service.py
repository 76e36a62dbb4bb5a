"""The measured services on winsvc: plain handlers, and coroutines."""

import sys

from load import Load

import winsvc

SHORT = 0.0005  # seconds; Python's own switch interval is 0.005


class Plain(winsvc.Service):
    """Answers controls while it works."""

    name = "BenchPlain"

    def on_start(self) -> None:
        self.load = Load(self.args)

    def run(self) -> None:
        self.load.work(self.wait_stop, lambda: self.stop_requested)

    def on_user_control(self, code: int) -> None:
        self.load.came(code)
        self.load.handle()

    def on_pause(self) -> None:
        self.load.came(winsvc.Control.PAUSE)
        self.load.handle()

    def on_continue(self) -> None:
        self.load.came(winsvc.Control.CONTINUE)
        self.load.handle()

    def on_stop(self) -> None:
        self.load.came(winsvc.Control.STOP)
        self.load.handle()
        self.load.write()


class Quick(Plain):
    """Gives its threads shorter turns at the GIL."""

    name = "BenchQuick"

    def on_start(self) -> None:
        sys.setswitchinterval(SHORT)
        super().on_start()


class Asyncio(winsvc.AsyncService):
    """The same as coroutines; it is idle."""

    name = "BenchAsyncio"

    async def on_start(self) -> None:
        self.load = Load(self.args)

    async def on_user_control(self, code: int) -> None:
        self.load.came(code)
        self.load.handle()

    async def on_pause(self) -> None:
        self.load.came(winsvc.Control.PAUSE)
        self.load.handle()

    async def on_continue(self) -> None:
        self.load.came(winsvc.Control.CONTINUE)
        self.load.handle()

    async def on_stop(self) -> None:
        self.load.came(winsvc.Control.STOP)
        self.load.handle()
        self.load.write()

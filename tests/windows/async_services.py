"""Services of coroutines under test: run by the real SCM, seen through their logs."""

from __future__ import annotations

import asyncio
import threading

import winsvc


class Probe(winsvc.AsyncService):
    """Logs all that happens to it, and on what loop."""

    name = "AsyncProbe"

    async def on_start(self) -> None:
        self.log.info("called on_start %r", self.args)

    async def run(self) -> None:
        main = threading.current_thread() is threading.main_thread()
        loop = type(asyncio.get_running_loop()).__name__
        self.log.info("called run on main thread: %s, %s", main, loop)
        async for event in self.events():
            self.log.info("called event %s", type(event).__name__)

    async def on_stop(self) -> None:
        self.log.info("called on_stop")

    async def on_pause(self) -> None:
        self.log.info("called on_pause")

    async def on_continue(self) -> None:
        self.log.info("called on_continue")

    async def on_user_control(self, code: int) -> None:
        self.log.info("called on_user_control %d", code)


class Selecting(Probe):
    """Has another loop."""

    name = "AsyncSelecting"
    loop_factory = asyncio.SelectorEventLoop


class Ends(winsvc.AsyncService):
    """Ends in the way, and at the place, that its parameters name."""

    name = "AsyncEnds"
    stop_grace = 0.1

    async def end(self, where: str) -> None:
        """End here, if here is where it shall."""
        if self.args[0] != where:
            return
        match self.args[1]:
            case "ServiceExit":
                raise winsvc.ServiceExit(7)
            case "sys.exit":
                raise SystemExit(3)
            case "return":
                return
            case _:
                msg = "boom"
                raise OSError(msg)

    async def on_start(self) -> None:
        await self.end("on_start")
        if self.args[0] == "early task":
            self.create_task(self.end("early task"))
            await asyncio.sleep(3600.0)

    async def run(self) -> None:
        await self.end("run")
        self.create_task(self.end("task"))
        if self.args[0] == "forgotten task":
            asyncio.create_task(self.end("forgotten task"))  # noqa: RUF006
        if self.args[0] != "run":
            await asyncio.sleep(3600.0)

    async def on_user_control(self, code: int) -> None:
        await self.end("on_user_control")

    async def on_stop(self) -> None:
        self.log.info("called on_stop")
        await self.end("on_stop")


class Blocked(winsvc.AsyncService):
    """Blocks its loop."""

    name = "AsyncBlocked"

    async def run(self) -> None:
        event = threading.Event()
        while not self.stop_requested:
            event.wait(2.0)


class Endless(winsvc.AsyncService):
    """Ignores its cancellation."""

    name = "AsyncEndless"
    stop_grace = 0.1
    stop_timeout = 8.0  # in which even a loaded machine gets round to the cancellation
    wait_hint = 1.0

    async def run(self) -> None:
        while True:
            try:
                await asyncio.sleep(3600.0)
            except asyncio.CancelledError:
                self.log.info("called cancel")


class Serving(winsvc.AsyncService):
    """Accepts connections, of clients that go away before that too."""

    name = "AsyncServing"

    async def on_start(self) -> None:
        await self.listen()
        loop = asyncio.get_running_loop()
        self.report = loop.get_exception_handler()
        loop.set_exception_handler(self.on_error)

    async def listen(self) -> None:
        """Listen, and say where."""
        server = await asyncio.start_server(self.serve, "127.0.0.1", 0)
        self.log.info("called listen %d", server.sockets[0].getsockname()[1])

    def on_error(self, loop: asyncio.AbstractEventLoop, context: dict) -> None:
        """Listen again."""
        self.report(loop, context)
        if context["message"] == "Accept failed on a socket":
            self.create_task(self.listen())

    async def serve(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Say hello."""
        writer.write(b"hello")
        writer.close()

"""An HTTP server as a service; it pauses, goes on, and lets requests finish.

Run it, look at http://127.0.0.1:8080/ and press p, c and s; or name a port:

    pip install aiohttp
    python examples/web_server.py debug 8080

A pause closes the port: new connections are refused.  Requests in flight have 10 s
to finish, and PAUSED is shown when they have.  A stop does the same.
"""

import asyncio
from typing import Any

from aiohttp import web

import winsvc

HOST = "127.0.0.1"
PORT = 8080
GRACE = 10.0  # seconds for requests in flight; less than stop_timeout, 30 s
CANNOT_LISTEN = 2  # the exit code when the port is taken, say


class WebServer(winsvc.AsyncService):
    """Answers HTTP requests."""

    name = "PyWebServer"
    display_name = "Python Web Server"

    def __init__(self) -> None:
        self.port = PORT
        self.server: web.AppRunner | None = None
        self.opening = asyncio.Lock()

    async def on_start(self) -> None:
        """Listen: RUNNING is shown when clients can connect."""
        if self.args:
            self.port = int(self.args[0])
        loop = asyncio.get_running_loop()
        self.report_error = loop.get_exception_handler()
        loop.set_exception_handler(self.on_loop_error)
        await self.open()

    async def on_pause(self) -> None:
        """Close the port, and let requests finish."""
        await self.close()

    async def on_continue(self) -> None:
        """Listen on the same port again."""
        await self.open()

    async def on_stop(self) -> None:
        """Do as for a pause, if it is not paused."""
        await self.close()

    async def open(self) -> None:
        """Serve an application: a new one, as a closed one cannot be used again."""
        app = web.Application()
        app.router.add_get("/", self.index)
        app.router.add_get(r"/count/{to:\d+}", self.count)
        # aiohttp waits for that time twice.
        server = web.AppRunner(app, shutdown_timeout=GRACE / 2, access_log=self.log)
        await server.setup()
        self.server = server
        await self.listen()

    async def listen(self) -> None:
        """Open the port, unless the server is closed."""
        async with self.opening:
            if self.server is None:
                return
            for old in self.server.sites:
                await old.stop()
            site = web.TCPSite(self.server, HOST, self.port)
            try:
                await site.start()
            except OSError as error:  # the log has what it says
                raise winsvc.ServiceExit(CANNOT_LISTEN) from error
            self.port = site.port
            self.log.info("listening on %s", site.name)

    async def close(self) -> None:
        """Close the port and idle connections; wait for requests in flight."""
        async with self.opening:
            server, self.server = self.server, None
        if server is not None:
            await server.cleanup()

    def on_loop_error(
        self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]
    ) -> None:
        """Listen again if the Proactor loop has closed the port.

        It does when a client goes away before it is accepted (python/cpython#93821).
        """
        if self.report_error is not None:
            self.report_error(loop, context)
        if context["message"] == "Accept failed on a socket":
            self.create_task(self.listen())

    async def index(self, request: web.Request) -> web.Response:
        """Answer at once."""
        return web.Response(text=f"Hello, {request.remote}\n")

    async def count(self, request: web.Request) -> web.StreamResponse:
        """Answer slowly: two lines a second."""
        response = web.StreamResponse()
        await response.prepare(request)
        for number in range(int(request.match_info["to"])):
            await response.write(f"{number}\n".encode())
            await asyncio.sleep(0.5)
        return response


if __name__ == "__main__":
    winsvc.main(WebServer)

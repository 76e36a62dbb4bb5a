"""A client of the web server example, on the simulated SCM and on a real one."""

from __future__ import annotations

import http.client
import socket

PATIENCE = 40.0


class Request:
    """A request that is in flight: its first line has come."""

    def __init__(self, port: int, path: str, timeout: float = PATIENCE) -> None:
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
        try:
            self.connection.request("GET", path)
            self.response = self.connection.getresponse()
            self.first = self.response.readline()
        except BaseException:
            self.connection.close()
            raise

    def rest(self) -> bytes:
        """Wait for the rest."""
        try:
            return self.response.read()
        finally:
            self.response.close()  # which is not the connection's if that ends with it
            self.connection.close()


def get(port: int, path: str = "/", timeout: float = PATIENCE) -> bytes:
    """Return what a page says."""
    request = Request(port, path, timeout)
    return request.first + request.rest()


def refused(port: int) -> bool:
    """Tell whether nobody listens there."""
    with socket.socket() as client:
        if client.connect_ex(("127.0.0.1", port)) != 0:
            return True
        # Its own port may be that one: then it has connected to itself.  Not asked
        # for its peer: it has none any more if the server is closing just now.
        return bool(client.getsockname() == ("127.0.0.1", port))

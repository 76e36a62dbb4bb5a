"""The services that come over a process's connection, started again and again."""

from __future__ import annotations

import logging
import threading

from winsvc import TYPE_CHECKING
from winsvc.host import Host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from winsvc.connection import Connection, Idle
    from winsvc.host import Loader

log = logging.getLogger("winsvc.host")


def serve(
    connection: Connection,
    loads: Sequence[Loader],
    *,
    on_host: Callable[[int, Host], None] | None = None,
    idles: Mapping[int, Idle] | None = None,
) -> int:
    """Host services until the last of them has stopped.

    Args:
        connection: Started.
        loads: For each of its names: imports the user's code, returns its class.
        on_host: Told of every life that begins, on the thread that runs it.
        idles: By index, what to call while a service waits for its start.

    Returns:
        0, or the last specific exit code that was not 0.

    Raises:
        NotStartedBySCM: No SCM has started this process (1063); nothing of the
            services has run (A-3).
        ServiceError: The SCM could not be told of a start or stop.

    The first service runs on the calling thread, which should be the main one;
    the others each on a thread of their own.  Blocks.
    """
    server = _Server(connection, loads, on_host, idles or {})
    threads = [
        threading.Thread(
            target=server.serve,
            args=(index,),
            name=f"winsvc-main {connection.names[index]}",
            daemon=True,
        )
        for index in range(1, len(connection.handles))
    ]
    for thread in threads:
        thread.start()
    server.serve(0)
    for thread in threads:
        thread.join()
    if server.error is not None:
        raise server.error
    connection.join()
    if not server.has_served:
        msg = "the SCM ended this process before it started a service"
        raise RuntimeError(msg)
    return server.exit_code


class _Server:
    """What the threads of :func:`serve` share."""

    def __init__(
        self,
        connection: Connection,
        loads: Sequence[Loader],
        on_host: Callable[[int, Host], None] | None,
        idles: Mapping[int, Idle],
    ) -> None:
        self.has_served = False
        self.exit_code = 0
        self.error: Exception | None = None
        self._connection = connection
        self._loads = loads
        self._on_host = on_host
        self._idles = idles

    def serve(self, index: int) -> None:
        """Run one service whenever the SCM starts it, until there is no SCM."""
        while self._serve_once(index):
            pass

    def _serve_once(self, index: int) -> bool:
        connection = self._connection
        try:
            started = connection.wait_start(index, self._idles.get(index))
            if started is None:
                return False
            life, argv = started
            self.has_served = True
            host = Host(
                connection.hosting,
                connection.handles[index],
                life,
                argv,
                session_user=connection.session_user,
            )
            if self._on_host is not None:
                self._on_host(index, host)
            self.exit_code = host.run(self._loads[index]) or self.exit_code
        except Exception as error:
            self.error = self.error or error
            if not connection.is_shared:
                return False
            log.exception("a service could not be hosted")
        return True

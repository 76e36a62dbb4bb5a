"""ServiceExit in a thread of the user's own ends the service too."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from winsvc.base import ServiceExit

if TYPE_CHECKING:
    from winsvc.host import Host

log = logging.getLogger("winsvc.host")

_lock = threading.Lock()  # of the two below
_hosts: list[Host] = []
_previous = threading.excepthook


@contextmanager
def exits_of_threads(host: Host) -> Iterator[None]:
    """Let ServiceExit that nobody catches in a thread end this host's service.

    A thread does not tell which service it works for: with several services up
    in this process, ServiceExit in one is only logged.
    """
    global _previous
    with _lock:
        if not _hosts:
            _previous, threading.excepthook = threading.excepthook, _hook
        _hosts.append(host)
    try:
        yield
    finally:
        with _lock:
            _hosts.remove(host)
            if not _hosts and threading.excepthook is _hook:
                threading.excepthook = _previous


def _hook(args: threading.ExceptHookArgs) -> None:
    if not isinstance(args.exc_value, ServiceExit):
        _previous(args)
        return
    with _lock:
        hosts = tuple(_hosts)
    name = args.thread.name if args.thread else "a thread"
    if len(hosts) != 1:
        log.error(
            "%s raised ServiceExit(%d), and %d services are up: call request_stop() "
            "of the one that shall end",
            name,
            args.exc_value.code,
            len(hosts),
        )
        return
    log.info("%s ends %s by ServiceExit", name, hosts[0].name)
    hosts[0].request_stop(args.exc_value.code)

"""ServiceExit in a thread of the user's own ends the service too."""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from contextlib import contextmanager, suppress
from weakref import WeakSet

from winsvc import TYPE_CHECKING
from winsvc.base import ServiceExit

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import TypeAlias

    from winsvc.host import Host

    _Hook: TypeAlias = Callable[[threading.ExceptHookArgs], object]

log = logging.getLogger("winsvc.host")

_lock = threading.Lock()  # of the two below
_hosts: list[Host] = []
_doubtful: WeakSet[threading.Thread] = WeakSet()
"""Threads that were there when a service ended: they may have been its own."""

_installed: tuple[_Hook, _Hook] | None = None  # ours, and the one before


@contextmanager
def exits_of_threads(host: Host) -> Iterator[None]:
    """Let ServiceExit that nobody catches in a thread end this host's service.

    A thread does not tell which service it works for: with several services up
    in this process, or in a thread older than the end of another, ServiceExit is
    only logged.
    """
    global _installed
    with _lock:
        if _installed is None:
            _installed = _hook_before(threading.excepthook), threading.excepthook
            threading.excepthook = _installed[0]
        _hosts.append(host)
    try:
        yield
    finally:
        with _lock:
            _hosts.remove(host)
            _doubtful.update(threading.enumerate())
            if not _hosts:
                ours, before = _installed
                if threading.excepthook is ours:
                    threading.excepthook = before
                _installed = None


def _hook_before(previous: _Hook) -> _Hook:
    """Return a new hook: somebody may have kept an older one, to call it."""

    def hook(args: threading.ExceptHookArgs) -> None:
        if isinstance(args.exc_value, ServiceExit):
            _end_service(args.thread, args.exc_value.code)
        else:
            previous(args)
            if args.exc_type is not SystemExit:
                _note_failure(args)

    return hook


def _note_failure(args: threading.ExceptHookArgs) -> None:
    """Say that a thread has failed, its traceback for the event log alone.

    The hook before has shown it: on ``sys.stderr``, and so in the log file.
    """
    with suppress(Exception):
        with _lock:
            service = _hosts[0].name
        last = "".join(traceback.format_exception_only(args.exc_value)).strip()
        lines = traceback.format_exception(
            args.exc_type, args.exc_value, args.exc_traceback
        )
        log.error(
            "%s has ended by an exception: %s",
            args.thread.name if args.thread else "a thread",
            last,
            extra={"winsvc_event": ("THREAD_FAILED", service, last, "".join(lines))},
        )


def _end_service(thread: threading.Thread | None, code: int) -> None:
    with _lock:
        hosts = tuple(_hosts)
    name = thread.name if thread else "a thread"
    if len(hosts) == 1 and thread not in _doubtful:
        with suppress(Exception):
            log.info("%s ends %s by ServiceExit", name, hosts[0].name)
        hosts[0].request_stop(code)
        return
    with suppress(Exception):
        log.error(
            "%s raised ServiceExit(%d), and nobody knows for which service: call "
            "request_stop() of the one that shall end (%d services are up)",
            name,
            code,
            len(hosts),
        )


def all_tracebacks() -> str:
    """Return where every other thread is."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    return "\n".join(
        f"Thread {names.get(ident, ident)}:\n" + "".join(traceback.format_stack(frame))
        for ident, frame in sys._current_frames().items()  # noqa: SLF001 - the only way
        if ident != threading.get_ident()
    )

"""Hosting under the real SCM: ``winsvc.run`` and ``python -m winsvc host``.

Clients wait for START_PENDING, and a system's boot for RUNNING.  What a service
imports, and when:

1. Before the dispatcher starts: this module, ``connection`` and the binary.  From
   then on C's threads answer the SCM, START_PENDING first, whatever Python does.
2. Meanwhile: ``serving``, ``log``, ``signals`` and what they need, then the target.
3. Once RUNNING is reported: ``events``, before ``run`` is called and the first event
   is taken.  Their dataclasses would nearly double the time until then.  (Coroutines
   and daemons need them before.)
4. When they are first needed: ``errors``, ``journal``, ``power``, ``devices``.

If 2 fails before a service has been asked for its class, the process ends without a
word to the SCM, which says 1067.
"""

from __future__ import annotations

import os
import sys

from winsvc import TYPE_CHECKING, _native
from winsvc.connection import OWN_PROCESS_NAME, Connection

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from winsvc.base import HasService, ServiceBase
    from winsvc.connection import Idle
    from winsvc.host import Loader


def run(
    service: type[ServiceBase] | HasService,
    *more: type[ServiceBase] | HasService,
    log_file: str | None = None,
) -> int:
    """Host services in this process, which the SCM has started.

    Args:
        service: The class, or a ``winsvc.daemon.Daemon``; its instance is made
            when the SCM starts it.
        more: Others of the same, shared process: the SCM starts and stops each
            on its own, and the process ends with the last.  The first service
            has the main thread, the others one each.
        log_file: Where the log goes; default: ``logs`` beside the script.

    Returns:
        0, or a specific exit code that was reported: pass it to ``sys.exit``.

    Raises:
        NotStartedBySCM: The SCM has not started this process (1063); nothing of
            the services has run (A-3).
        NoSCM: Not on Windows.

    Call on the main thread; blocks until all services have stopped.
    """
    from winsvc.base import class_of

    main = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = os.path.dirname(os.path.abspath(main)) if main else sys.prefix
    services = tuple(map(class_of, (service, *more)))
    names = tuple(each.name for each in services) if more else (OWN_PROCESS_NAME,)
    loads = [lambda each=each: each for each in services]
    idles = {
        index: each._idle  # noqa: SLF001 - made for this
        for index, each in enumerate(services)
        if each._idle is not None  # noqa: SLF001
    }
    return _run(loads, names, log_file, folder, idles)


def host(
    targets: Sequence[str],
    *,
    names: Sequence[str] = (),
    log_file: str | None,
    path: tuple[str, ...] = (),
) -> int:
    r"""Connect to the SCM, then import the targets when they are started.

    Args:
        targets: ``module:Class`` or ``path\file.py:Class``.
        names: For several targets: the key names, known before the import (A-8).
        log_file: Where the log goes.
        path: Folders to put first on ``sys.path``.

    Returns, raises, blocks: as :func:`run`.
    """
    sys.path[:0] = path
    loads = [_loader(target) for target in targets]
    return _run(loads, tuple(names) or (OWN_PROCESS_NAME,), log_file, sys.prefix)


def _loader(target: str) -> Loader:
    def load() -> type[ServiceBase]:
        from winsvc.target import load_target, parse_target

        service = load_target(parse_target(target))
        # Libraries bring handlers of their own, which end a process at a logoff
        # (Fortran's runtime does): ours is asked first again.
        _native.require_core("ignore the console").console_ignore()
        return service

    return load


def _run(
    loads: Sequence[Loader],
    names: tuple[str, ...],
    log_file: str | None,
    folder: str,
    idles: Mapping[int, Idle] | None = None,
) -> int:
    core = _native.require_core("host a service")
    connection = Connection(core, names=names, session_user=core.session_user)
    connection.start()
    from winsvc.log import ProcessLog
    from winsvc.serving import serve
    from winsvc.signals import ignore_console

    log = ProcessLog(log_file, folder, names[0])
    with ignore_console():
        return serve(connection, loads, on_host=log.start, idles=idles)

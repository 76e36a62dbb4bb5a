"""Hosting under the real SCM: ``winsvc.run`` and ``python -m winsvc host``."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from winsvc import _native
from winsvc.host import Connection, Host, Loader

if TYPE_CHECKING:
    from winsvc.service import Service


def run(service: type[Service], *, log_file: str | None = None) -> int:
    """Host a service in this process, which the SCM has started.

    Args:
        service: The class; its instance is made here.
        log_file: Where the log goes; default: ``logs`` beside the script.

    Returns:
        0, or the specific exit code that was reported: pass it to ``sys.exit``.

    Raises:
        NotStartedBySCM: The SCM has not started this process (1063); nothing of
            the service has run (A-3).
        NoSCM: Not on Windows.

    Call on the main thread; blocks until the service has stopped.
    """
    main = getattr(sys.modules.get("__main__"), "__file__", None)
    folder = os.path.dirname(os.path.abspath(main)) if main else sys.prefix
    return _run(lambda: service, log_file, folder)


def host(target: str, *, log_file: str | None, path: tuple[str, ...] = ()) -> int:
    r"""Connect to the SCM, then import the target, and host it.

    Args:
        target: ``module:Class`` or ``path\file.py:Class``.
        log_file: Where the log goes.
        path: Folders to put first on ``sys.path``.

    Returns, raises, blocks: as :func:`run`.
    """

    def load() -> type[Service]:
        from winsvc.target import load_target, parse_target

        sys.path[:0] = path
        return load_target(parse_target(target))

    return _run(load, log_file, sys.prefix)


def _run(load: Loader, log_file: str | None, folder: str) -> int:
    connection = Connection(_native.require_core("host a service"))
    argv = connection.open()

    # START_PENDING is reported: from here on there is time.
    from winsvc.log import default_log_file, start_logging

    name = argv[0] if argv else "service"
    start_logging(log_file or default_log_file(name, folder))
    code = Host(connection, argv).run(load)
    connection.close()
    return code

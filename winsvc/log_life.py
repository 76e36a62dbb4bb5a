"""Logs what happens to a service, whatever the handlers of the log do."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

log = logging.getLogger("winsvc.host")

GRACE = 2.0
"""Seconds that a life waits for the log where it must not be held up."""


def log_life(
    message: str,
    *args: object,
    error: BaseException | None = None,
    event: tuple[str, ...] = (),
) -> None:
    """Log; a handler of the user's that raises shall not end the service.

    ``event``: which one of ``messages.EventId`` it is, and its strings.
    """
    level = logging.ERROR if error else logging.INFO
    with suppress(Exception):
        log.log(level, message, *args, exc_info=error, extra={"winsvc_event": event})


def log_life_in_time(message: str, *args: object, event: tuple[str, ...]) -> None:
    """Log as above, but go on after ``GRACE``: the record comes when it can.

    The event log's service may stall; the time until a stop's deadline is not for
    waiting for it.
    """
    thread = threading.Thread(
        target=log_life,
        args=(message, *args),
        kwargs={"event": event},
        name=threading.current_thread().name,  # which the log shows
        daemon=True,
    )
    try:
        thread.start()
    except RuntimeError:  # no more threads can be made
        log_life(message, *args, event=event)
    else:
        thread.join(GRACE)

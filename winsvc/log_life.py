"""Logs what happens to a service, whatever the handlers of the log do."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

from winsvc import TYPE_CHECKING

if TYPE_CHECKING:
    from winsvc.log import LogWriter

log = logging.getLogger("winsvc.host")

GRACE = 2.0
"""Seconds that a life waits for the log where it must not be held up."""

writers: list[LogWriter] = []
"""The streams in place of ``sys.stdout`` and ``sys.stderr``, if there are some."""


def end_lines() -> None:
    """Log what was printed last, without the end of its line: no more may come."""
    for writer in writers:
        with suppress(Exception):
            writer.end_lines()


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


def log_life_in_time(
    message: str, *args: object, event: tuple[str, ...], is_last: bool = False
) -> None:
    """Log as above, but go on after ``GRACE``: the record comes when it can.

    The event log's service may stall; the time until a stop's deadline is not for
    waiting for it.  ``is_last``: the life's; what was printed comes before it.
    """

    def log_it() -> None:
        if is_last:
            end_lines()
        log_life(message, *args, event=event)

    thread = threading.Thread(
        target=log_it,
        name=threading.current_thread().name,  # which the log shows
        daemon=True,
    )
    try:
        thread.start()
    except RuntimeError:  # no more threads can be made
        log_it()
    else:
        thread.join(GRACE)

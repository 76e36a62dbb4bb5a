"""What others have written, made fit to be shown."""

from __future__ import annotations

import re

# C0, DEL and C1: a terminal takes them for commands.  Lone surrogates: no stream
# takes them.
_CONTROL = re.compile(r"[^\t\n -~\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def printable(text: str) -> str:
    r"""Return a text that does nothing to a terminal but be seen.

    Who reads a log is mostly an administrator, and who writes it a service's
    account, or, into the event log, anybody (G-3).

    Args:
        text: Any.

    Returns:
        It with ``\n`` for ``\r\n``, tabs as they are, and U+FFFD for all other
        control characters and for lone surrogates.
    """
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))

"""Why a service was started."""

from __future__ import annotations

from enum import IntFlag


class StartReason(IntFlag):
    """Why the SCM has started a service (D.6); unknown bits are kept."""

    DEMAND = 1
    AUTO = 2
    TRIGGER = 4
    RESTART_ON_FAILURE = 8
    DELAYED_AUTO = 0x10

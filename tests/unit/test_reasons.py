"""Why a service was started (D.6)."""

from __future__ import annotations

from typing import Any

import pytest

import winsvc
from winsvc.errors import ServiceError
from winsvc.host import Host
from winsvc.reasons import StartReason


class Hosting:
    """The part of the extension that is asked."""

    def __init__(self, answer: int | OSError | None) -> None:
        self.answer = answer

    def start_reason(self, life: object) -> int | None:
        assert life == "life"
        if isinstance(self.answer, OSError):
            raise self.answer
        return self.answer


def service_with(answer: int | OSError | None) -> winsvc.Service:
    """Return a service that is hosted by an SCM with this answer."""
    hosting: Any = Hosting(answer)
    service = winsvc.Service()
    service._host = Host(hosting, "service", "life", ("Foo",))
    return service


@pytest.mark.parametrize(
    ("bits", "expected"),
    [
        (1, StartReason.DEMAND),
        (0x12, StartReason.AUTO | StartReason.DELAYED_AUTO),
        (8, StartReason.RESTART_ON_FAILURE),
        (4, StartReason.TRIGGER),
        (None, None),
    ],
)
def test_bits_become_flags(bits: int | None, expected: StartReason | None) -> None:
    """What the SCM says, or nothing if it says nothing."""
    assert service_with(bits).start_reason == expected


def test_unknown_bits_are_kept() -> None:
    """A newer Windows may have more."""
    reason = service_with(0x21).start_reason

    assert reason is not None
    assert StartReason.DEMAND in reason
    assert int(reason) == 0x21


def test_refusal_names_the_service() -> None:
    """The operation is the call's, the code is Windows's."""
    refusal = OSError(6, "query the start (QueryServiceDynamicInformation)")
    refusal.winerror = 6
    with pytest.raises(ServiceError, match="QueryServiceDynamicInformation") as caught:
        _ = service_with(refusal).start_reason

    assert caught.value.winerror == 6
    assert caught.value.service == "Foo"

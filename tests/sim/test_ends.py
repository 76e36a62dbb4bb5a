"""Ends that are easily taken for clean ones, and are none (promise 5)."""

from __future__ import annotations

import asyncio
import sys

import pytest
from simrig import Rig

import winsvc
from winsvc.states import FailureCode


class Plain(winsvc.Service):
    """Does nothing."""

    name = "Plain"


@pytest.mark.parametrize("code", [None, 0, 3])
def test_module_that_exits_is_no_service(rig: Rig, code: int | None) -> None:
    """sys.exit() while the target is imported: 64001; another code is its own."""
    handle = rig.scm.add(Plain)
    rig.scm._record("Plain").load = lambda: sys.exit(code)
    handle.start()

    assert rig.scm.wait_gone("Plain") == (code or FailureCode.IMPORT)


async def fail(error: Exception, *, waits: bool = True) -> None:
    """Fail in a task of a group, while its owner waits in it, or at its end."""

    async def raise_it() -> None:
        raise error

    async with asyncio.TaskGroup() as group:
        group.create_task(raise_it())
        if waits:
            await asyncio.sleep(60)


@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize(
    ("where", "error", "expected"),
    [
        ("on_start", ValueError("boom"), FailureCode.START),
        ("run", ValueError("boom"), FailureCode.RUN),
        ("run", winsvc.ServiceExit(7), 7),
        ("run", winsvc.ServiceExit(0), 0),
        ("on_stop", winsvc.ServiceExit(8), 8),
    ],
)
def test_exception_of_a_task_group_counts(
    rig: Rig, where: str, error: Exception, expected: int, waits: bool
) -> None:
    """A group cancels its owner's task for itself: that is no clean end."""

    class Grouped(winsvc.AsyncService):
        name = "Grouped"

    async def fail_here(self: winsvc.AsyncService) -> None:
        await fail(error, waits=waits)

    async def go_on(self: winsvc.AsyncService) -> None:
        if where == "on_stop":
            self.request_stop()
        await self.wait_stop()

    Grouped.run = go_on  # type: ignore[method-assign]
    setattr(Grouped, where, fail_here)
    rig.scm.add(Grouped).start()

    assert rig.scm.wait_gone("Grouped") == expected


def test_owner_of_a_group_that_goes_on_may_fail_later(rig: Rig) -> None:
    """What a group did to its owner's task is over once it is caught."""

    class Later(winsvc.AsyncService):
        name = "Later"

        async def run(self) -> None:
            try:
                await fail(ValueError("boom"), waits=False)
            except* ValueError:
                self.log.info("caught")
            cancelled = asyncio.create_task(asyncio.sleep(60))
            cancelled.cancel()
            await cancelled

    rig.scm.add(Later).start()

    assert rig.scm.wait_gone("Later") == FailureCode.RUN

"""Corner cases I-120 to I-125 of the SCM's rules: what a service does in a shutdown.

Each test names its case.  What the SCM itself does comes with a more faithful
simulated SCM: to which states it sends SHUTDOWN (I-120, C-37), when it cuts off a
preshutdown (I-121, C-33), 1115 for its clients (I-125).  Not here: I-123 (the core
registers with HandlerEx: no service can leave that out).
"""

from __future__ import annotations

from typing import Any

import pytest
from gated import NAME, AsyncGated, Gated, start
from simrig import Rig

from winsvc.journal import Kind
from winsvc.states import Accept, Control, State

both_styles = pytest.mark.parametrize("base", [Gated, AsyncGated])


def states(rig: Rig) -> list[State]:
    """Return the states that were reported, checkpoints left out."""
    reported = [report.state for report in rig.scm.reports(NAME)]
    return [s for i, s in enumerate(reported) if i == 0 or s is not reported[i - 1]]


@both_styles
@pytest.mark.parametrize(
    "state", [State.START_PENDING, State.RUNNING, State.PAUSE_PENDING, State.PAUSED]
)
def test_i120_shutdown_in_every_state_stops(
    rig: Rig, base: type[Any], state: State
) -> None:
    """I-120: STOP_PENDING is shown when the handler returns; on_shutdown once."""
    closed = {State.START_PENDING: "on_start", State.PAUSE_PENDING: "on_pause"}
    service = start(rig, base, closed.get(state, ""))
    if state in (State.PAUSE_PENDING, State.PAUSED):
        rig.scm.send(NAME, Control.PAUSE)
        rig.reach(NAME, state)
    answer = rig.scm.send(NAME, Control.SHUTDOWN)
    shown = rig.state(NAME)
    service.gate.set()

    assert rig.scm.wait_gone(NAME) == 0
    assert answer == 0
    assert shown in (State.STOP_PENDING, State.STOPPED)
    assert service.calls.count("on_shutdown") == 1
    assert service.calls[-1] == "on_shutdown"
    assert (State.RUNNING in states(rig)) is (state is not State.START_PENDING)


@pytest.mark.parametrize("second", [Control.SHUTDOWN, Control.PRESHUTDOWN])
@both_styles
def test_i120_i124_shutdown_while_stopping_changes_nothing(
    rig: Rig, base: type[Any], second: Control
) -> None:
    """I-120, I-124: answered with 0, not handled, nothing is reported anew."""
    service = start(rig, base, "on_stop")
    rig.scm.send(NAME, Control.STOP)
    assert service.inside.acquire(timeout=20)
    before = rig.scm.reports(NAME)
    answer = rig.scm.send(NAME, second)
    after = rig.scm.reports(NAME)
    service.gate.set()

    assert rig.scm.wait_gone(NAME) == 0
    assert answer == 0
    assert before == after
    assert service.calls == ["on_start", "on_stop"]


@pytest.mark.parametrize("control", [Control.SHUTDOWN, Control.PRESHUTDOWN])
def test_i121_the_systems_time_counts(rig: Rig, control: Control) -> None:
    """I-121: checkpoints rise on, past stop_timeout, until the system cuts it off."""
    accepts = Accept.PRESHUTDOWN | Accept.SHUTDOWN
    service = start(rig, Gated, "on_stop", "on_shutdown", accepts=accepts)
    rig.scm.send(NAME, control)
    assert service.inside.acquire(timeout=20)
    rig.scm.advance(180.0)
    pending = [r for r in rig.scm.reports(NAME) if r.state is State.STOP_PENDING]
    alive = not rig.scm.process(NAME).is_dead
    rig.scm.kill(NAME)
    service.gate.set()
    rig.scm.wait_gone(NAME)

    assert alive
    assert [report.checkpoint for report in pending] == list(range(1, 122))
    assert not [e for e in rig.scm.journal(NAME) if e.kind is Kind.EXPIRED]


@pytest.mark.parametrize("stops_in_first", [True, False])
def test_i122_preshutdown_and_shutdown_stop_once(
    rig: Rig, stops_in_first: bool
) -> None:
    """I-122: whether it has stopped by then or not, it is stopped once."""
    accepts = Accept.PRESHUTDOWN | Accept.SHUTDOWN
    closed = () if stops_in_first else ("on_stop",)
    service = start(rig, Gated, *closed, accepts=accepts)
    accepted = rig.scm.reports(NAME)[-1].accepts
    rig.scm.send(NAME, Control.PRESHUTDOWN)
    if stops_in_first:
        assert rig.scm.wait_gone(NAME) == 0
        with pytest.raises(OSError, match="1062"):
            rig.scm.send(NAME, Control.SHUTDOWN)
    else:
        assert rig.scm.send(NAME, Control.SHUTDOWN) == 0
        service.gate.set()
        assert rig.scm.wait_gone(NAME) == 0

    assert accepted & accepts == accepts
    assert service.calls == ["on_start", "on_stop"]
    assert states(rig)[-2:] == [State.STOP_PENDING, State.STOPPED]


def test_i124_shutdown_is_the_last_control(rig: Rig) -> None:
    """I-124: what comes after it is refused inside, and heard by nobody."""
    service = start(rig, Gated, "on_shutdown", accepts=Accept.SESSIONCHANGE)
    rig.scm.send(NAME, Control.SHUTDOWN)
    assert service.inside.acquire(timeout=20)
    answers = [
        rig.scm.send(NAME, code)
        for code in (200, Control.SESSIONCHANGE, Control.PAUSE, Control.STOP)
    ]
    service.gate.set()

    assert rig.scm.wait_gone(NAME) == 0
    assert answers == [1061, 1061, 1061, 0]
    assert [event.control for event in service.events] == [Control.SHUTDOWN]

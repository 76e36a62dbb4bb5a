"""A daemon's phases on a clock and a host of the test's own."""

from __future__ import annotations

from collections.abc import Callable, Collection
from concurrent.futures import Future
from typing import cast

import pytest

from winsvc.errors import service_error
from winsvc.events import Event, make_event
from winsvc.host import Host
from winsvc.phases import CONTROL_NONE, NAMES, Phases
from winsvc.states import Control, State

SECOND = 1_000_000_000
NONE = CONTROL_NONE
Said = tuple[float, str, State, int]


def event(code: int) -> Event:
    """Make the event of a control."""
    return make_event(code, 0, b"", 1)


class FakeHost:
    """Has things happen at given seconds, and notes what it is told."""

    def __init__(self) -> None:
        self.now = 0
        self.news = 0
        self.stop_requested = False
        self.told: list[object] = []
        self.steps: list[tuple[float, Callable[[], object]]] = []

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something at a time, when the daemon waits."""
        self.steps.append((seconds * SECOND, action))
        self.steps.sort(key=lambda step: step[0])

    def wait_news(self, until: int | None, seen: int) -> tuple[int, int]:
        """Let the next thing happen, or the time come."""
        assert self.now < 1000 * SECOND, "it waits for ever"
        while seen == self.news and (until is None or self.now < until):
            assert self.steps or until is not None, "it would wait for ever"
            times = [when for when, _ in self.steps[:1]]
            self.now = int(min(times if until is None else [*times, until]))
            self._happen()
        self._happen()
        return self.news, self.now

    def _happen(self) -> None:
        while self.steps and self.steps[0][0] <= self.now:
            _, action = self.steps.pop(0)
            action()

    def wake(self) -> None:
        """Be news."""
        self.news += 1

    def started(self) -> bool:
        """Note that it runs."""
        self.told.append("started")
        return not self.stop_requested

    def failed(self, error: BaseException) -> None:
        """Note an error."""
        self.told.append(error)

    def over(self) -> None:
        """Note that it is to stop, as the SCM is told."""
        self.told.append("over")
        self.stop_requested = True

    def finish(self, event: Event) -> None:
        """Note that PAUSED or RUNNING is reported."""
        self.told.append(event.control)

    def progress(self, wait_hint: float) -> None:
        """Note a wait hint."""
        self.told.append(wait_hint)


class Daemon:
    """Phases, their callbacks, and the control thread's part."""

    def __init__(
        self,
        names: Collection[str] = NAMES,
        *,
        moves_on: bool = True,
        interval: float = 1,
    ) -> None:
        self.host = FakeHost()
        self.said: list[Said] = []
        self.moves_on = moves_on
        self.react: Callable[[str], object] = lambda name: None
        self.phases = Phases(self._call, names, interval)
        self.posted: dict[int, Future[object]] = {}

    def _call(self, name: str, state: State, message: int) -> object:
        self.said.append((self.host.now / SECOND, name, state, message))
        if self.moves_on:
            self.phases.next_state()
        return self.react(name)

    def send(self, seconds: float, code: int) -> None:
        """Have the SCM send a control, and the control thread hand it on."""

        def arrive() -> None:
            stops = code in (Control.STOP, Control.SHUTDOWN, Control.PRESHUTDOWN)
            self.host.stop_requested |= stops
            self.posted[code] = self.phases.post(event(code))
            if stops:
                self.posted[code].add_done_callback(lambda _: self.phases.deaf())

        self.host.at(seconds, arrive)

    def live(self) -> list[Said]:
        """Live until the stop; return what was said to the callbacks."""
        self.phases.live(cast("Host", self.host))
        return self.said


def test_life_goes_through_all_states() -> None:
    """Each state calls its own name; the control is the first call's message."""
    daemon = Daemon()
    for seconds, code in ((1.5, Control.PAUSE), (3.2, Control.CONTINUE), (5, 1)):
        daemon.send(seconds, code)

    assert daemon.live() == [
        (0, "start_pending", State.START_PENDING, NONE),
        (0, "running", State.RUNNING, NONE),
        (1, "running", State.RUNNING, NONE),
        (1.5, "pause_pending", State.PAUSE_PENDING, Control.PAUSE),
        (1.5, "paused", State.PAUSED, NONE),
        (2.5, "paused", State.PAUSED, NONE),
        (3.2, "continue_pending", State.CONTINUE_PENDING, Control.CONTINUE),
        (3.2, "running", State.RUNNING, NONE),
        (4.2, "running", State.RUNNING, NONE),
        (5, "stop_pending", State.STOP_PENDING, Control.STOP),
        (5, "stopped", State.STOPPED, NONE),
    ]
    assert daemon.host.told == ["started", Control.PAUSE, Control.CONTINUE, "over"]
    assert daemon.phases.last_message == Control.STOP


@pytest.mark.parametrize("control", [Control.PAUSE, Control.CONTINUE])
def test_new_state_is_reported_before_its_callback(control: Control) -> None:
    """The SCM sees PAUSED when `paused` is called, RUNNING when `running` is."""
    daemon = Daemon()
    name = "paused" if control == Control.PAUSE else "running"
    told: list[object] = []
    daemon.react = lambda called: told.append((called, daemon.host.told[-1:]))
    daemon.send(0.1, Control.PAUSE)
    if control == Control.CONTINUE:
        daemon.send(0.2, control)
    daemon.send(0.3, Control.STOP)
    daemon.live()

    assert (name, [control]) in told


@pytest.mark.parametrize(
    ("name", "controls"),
    [
        ("start_pending", []),
        ("pause_pending", [Control.PAUSE]),
        ("continue_pending", [Control.PAUSE, Control.CONTINUE]),
        ("stop_pending", [Control.STOP]),
        ("shutdown", [Control.SHUTDOWN]),
    ],
)
def test_callback_is_called_each_interval_until_next_state(
    name: str, controls: list[Control]
) -> None:
    """At once, and again; a message once, but a shutdown's always."""
    daemon = Daemon({name}, moves_on=False, interval=0.5)
    for second, control in enumerate(controls, 1):
        daemon.send(second, control)
    begin = len(controls)
    daemon.host.at(begin + 1.7, daemon.phases.next_state)
    if name not in ("stop_pending", "shutdown"):
        daemon.send(60, Control.STOP)
    said = daemon.live()

    message = controls[-1] if controls else NONE
    after = message if name == "shutdown" else NONE
    state = State.RUNNING if name == "shutdown" else State[name.upper()]
    assert said == [
        (begin + number * 0.5, name, state, after if number else message)
        for number in range(4)
    ]


@pytest.mark.parametrize("name", ["running", "paused"])
def test_states_of_rest_are_not_left_by_next_state(name: str) -> None:
    """Nor does a next_state there shorten the next pending state."""
    daemon = Daemon({name, "stop_pending"}, moves_on=False, interval=10)
    if name == "paused":
        daemon.send(1, Control.PAUSE)
    daemon.host.at(2, daemon.phases.next_state)
    daemon.send(3, Control.STOP)
    daemon.host.at(14, daemon.phases.next_state)
    said = daemon.live()

    assert [each[1] for each in said] == [name, "stop_pending", "stop_pending"]


def test_states_without_callbacks_are_left_at_once() -> None:
    """With no more than one callback all the rest happens by itself."""
    daemon = Daemon({"stopped"})
    for seconds, code in ((1, 2), (2, 3), (3, 200), (4, Control.SHUTDOWN)):
        daemon.send(seconds, code)

    assert daemon.live() == [(4, "stopped", State.STOPPED, NONE)]
    assert daemon.host.told == [
        "started",
        Control.PAUSE,
        Control.CONTINUE,
        30.0,
        "over",
    ]


def test_delay_of_another_next_state_is_none_of_the_shutdowns() -> None:
    """Only what is said in the shutdown counts."""
    daemon = Daemon({"running"})
    daemon.react = lambda name: daemon.phases.next_state(45_000)
    daemon.send(0.5, Control.SHUTDOWN)
    daemon.live()

    assert daemon.host.told == ["started", 30.0, "over"]


@pytest.mark.parametrize("control", [Control.SHUTDOWN, Control.PRESHUTDOWN])
@pytest.mark.parametrize(("delay", "hint"), [(None, 30.0), (0, 30.0), (45_000, 45.0)])
def test_shutdown_is_a_message_then_stop_pending(
    control: Control, delay: float | None, hint: float
) -> None:
    """The state before, its delay as the wait hint, then the stop's states."""
    daemon = Daemon()
    daemon.react = lambda name: (
        daemon.phases.next_state(delay) if name == "shutdown" else None
    )
    daemon.send(0.5, Control.PAUSE)
    daemon.send(1, control)

    assert daemon.live()[4:] == [
        (1, "shutdown", State.PAUSED, control),
        (1, "stop_pending", State.STOP_PENDING, NONE),
        (1, "stopped", State.STOPPED, NONE),
    ]
    assert daemon.host.told == ["started", Control.PAUSE, hint, "over"]


def test_wait_hint_that_cannot_be_reported_is_no_failure() -> None:
    """The core says it with the next checkpoint."""
    daemon = Daemon()

    def progress(wait_hint: float) -> None:
        del wait_hint
        raise service_error("report progress", None, 5)

    daemon.host.progress = progress  # type: ignore[method-assign]
    daemon.send(1, Control.SHUTDOWN)
    daemon.live()

    assert daemon.posted[Control.SHUTDOWN].exception() is None


@pytest.mark.parametrize("delay", [-1, 1, 3_600_001, float("nan")])
def test_impossible_delay_is_refused(delay: float) -> None:
    """No wait hint can be so long, or so short."""
    with pytest.raises(ValueError, match="delay_ms"):
        Daemon().phases.next_state(delay)


def test_stop_while_starting_ends_start_pending() -> None:
    """Its callback is called once at least, RUNNING is never."""
    daemon = Daemon({"start_pending", "running", "stop_pending"}, moves_on=False)
    daemon.host.at(1.5, lambda: setattr(daemon.host, "stop_requested", True))
    daemon.host.at(1.5, daemon.host.wake)
    daemon.send(1.6, Control.STOP)
    daemon.host.at(1.7, daemon.phases.next_state)

    assert [each[1] for each in daemon.live()] == [
        "start_pending",
        "start_pending",
        "stop_pending",
    ]
    assert daemon.host.told == ["started", "over"]


@pytest.mark.parametrize(
    ("code", "name", "before"),
    [
        (Control.PAUSE, "pause_pending", State.RUNNING),
        (Control.CONTINUE, "continue_pending", State.PAUSED),
    ],
)
def test_stop_ends_a_pending_state_before_it(
    code: Control, name: str, before: State
) -> None:
    """What waits for that control goes on, and the state before is back."""
    daemon = Daemon({name, "shutdown"}, moves_on=False)
    if code == Control.CONTINUE:
        daemon.send(1, Control.PAUSE)
    daemon.send(2, code)
    daemon.host.at(2.5, lambda: setattr(daemon.host, "stop_requested", True))
    daemon.host.at(2.5, daemon.host.wake)
    daemon.send(2.6, Control.SHUTDOWN)
    daemon.host.at(2.7, daemon.phases.next_state)
    said = daemon.live()

    assert daemon.posted[code].done()
    assert [each[1:3] for each in said] == [
        (name, State[name.upper()]),
        ("shutdown", before),
    ]


def test_other_controls_go_to_unhandled() -> None:
    """Once each, as messages; the state's own calls keep their time."""
    daemon = Daemon({"running", "unhandled"}, moves_on=False)
    daemon.react = lambda name: name == "unhandled"
    for seconds, code in ((0.5, 200), (0.6, 6), (1.5, 201), (2.5, 1)):
        daemon.send(seconds, code)

    assert daemon.live() == [
        (0, "running", State.RUNNING, NONE),
        (0.5, "unhandled", State.RUNNING, 200),
        (0.6, "unhandled", State.RUNNING, Control.PARAMCHANGE),
        (1, "running", State.RUNNING, NONE),
        (1.5, "unhandled", State.RUNNING, 201),
        (2, "running", State.RUNNING, NONE),
    ]
    assert daemon.posted[200].result() is True


def test_other_controls_go_to_the_state_without_unhandled() -> None:
    """Beside its own calls; a state without a callback lets them pass."""
    daemon = Daemon({"running"}, moves_on=False)
    for seconds, code in ((0.5, 200), (0.7, 2), (0.8, 201), (1, 1)):
        daemon.send(seconds, code)

    assert daemon.live() == [
        (0, "running", State.RUNNING, NONE),
        (0.5, "running", State.RUNNING, 200),
    ]


def test_event_is_there_during_its_call_alone() -> None:
    """Decoded, for as long as its callback runs."""
    daemon = Daemon()
    seen: list[int | None] = []

    def react(name: str) -> None:
        del name
        present = daemon.phases.event
        seen.append(present.control if present else None)

    daemon.react = react
    daemon.send(0.5, 200)
    daemon.send(0.6, Control.STOP)
    daemon.live()

    assert seen == [None, None, 200, Control.STOP, None]
    assert daemon.phases.event is None


def test_slow_callback_is_called_again_at_once() -> None:
    """Calls are counted from their beginnings: the frequency is what was asked."""
    daemon = Daemon({"running"})

    def react(name: str) -> None:
        del name
        daemon.host.now += int(1.5 * SECOND)

    daemon.react = react
    daemon.send(3.5, Control.STOP)

    assert [each[0] for each in daemon.live()] == [0, 1.5, 3]


@pytest.mark.parametrize("name", ["start_pending", "running"])
def test_error_of_a_call_of_time_is_the_hosts(name: str) -> None:
    """It says which phase has failed; the stop comes all the same."""
    daemon = Daemon()
    error = OSError("boom")

    def react(called: str) -> None:
        if called == name:
            raise error

    daemon.react = react
    daemon.send(9, Control.STOP)
    said = [each[1] for each in daemon.live()]

    assert daemon.host.told[-2:] == [error, "over"]
    assert said[-3:] == [name, "stop_pending", "stopped"]


@pytest.mark.parametrize(
    ("code", "name"),
    [
        (200, "unhandled"),
        (Control.PAUSE, "pause_pending"),
        (Control.SHUTDOWN, "shutdown"),
        (Control.STOP, "stop_pending"),
        (Control.STOP, "stopped"),
    ],
)
def test_error_in_dealing_with_a_control_is_the_senders(code: int, name: str) -> None:
    """Who has posted it gets it, SystemExit too; a failed stop goes no further."""
    daemon = Daemon()

    def react(called: str) -> None:
        if called == name:
            raise SystemExit(3)

    daemon.react = react
    daemon.send(0.5, code)
    if code not in (Control.STOP, Control.SHUTDOWN):
        daemon.send(0.6, Control.STOP)
    said = [each[1] for each in daemon.live()]

    assert isinstance(daemon.posted[code].exception(), SystemExit)
    if code in (Control.STOP, Control.SHUTDOWN):
        assert said[-1] == name
    else:
        assert said[-3:] == [name, "stop_pending", "stopped"]


def test_nothing_posted_is_the_end_too() -> None:
    """A start that failed is not stopped: the control thread just ends."""
    daemon = Daemon()
    daemon.react = lambda name: daemon.phases.deaf()
    daemon.live()

    assert daemon.phases.state is State.RUNNING

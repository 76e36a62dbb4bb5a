"""The two queries of the system: who answers them, with what, and when (D-13).

The SCM's thread answers from a table; only after ``ask`` it waits for Python, in
``test_late_answers.py`` no longer than was said.
"""

from __future__ import annotations

from typing import Any

import pytest
from doorman import (
    NAME,
    NEWS,
    NO,
    QUESTION,
    YES,
    Doorman,
    both_styles,
    each_query,
    finish,
    late,
    start,
)
from simrig import Rig

import winsvc
from winsvc.events import Event
from winsvc.journal import Kind
from winsvc.states import Accept, Control, FailureCode, Query, State

QUOTA = 1816

# --- from the table -----------------------------------------------------------------


@each_query
@both_styles
def test_table_answers_without_python(rig: Rig, query: Query, cls: type[Any]) -> None:
    """refuse() and allow() hold while every handler is stuck; all hear it later."""
    service = start(rig, cls)
    service.answer = False
    service.gate.clear()
    answers = [rig.scm.send(NAME, *QUESTION[query])]
    service.refuse(query)
    answers += [rig.scm.send(NAME, *QUESTION[query])]
    service.allow(query)
    answers += [rig.scm.send(NAME, *QUESTION[query])]
    finish(rig, service)

    assert answers == [YES, NO, YES]
    assert [event.is_query for event in service.events] == [True] * 3
    assert late(rig) == []


@each_query
def test_only_queries_are_refused(rig: Rig, query: Query) -> None:
    """The other query, and other events of the same control, go on with 0."""
    (other,) = set(Query) - {query}
    service = start(rig)
    service.refuse(query)
    answers = [
        rig.scm.send(NAME, *NEWS[query]),
        rig.scm.send(NAME, *QUESTION[other]),
        rig.scm.send(NAME, 200),
        rig.scm.send(NAME, *QUESTION[query]),
    ]
    finish(rig, service)

    assert answers == [YES, YES, 0, NO]


def test_refusal_can_be_set_in_on_start(rig: Rig) -> None:
    """What is said before RUNNING holds from then on."""

    class Early(Doorman):
        def on_start(self) -> None:
            self.refuse(*Query)

    service = start(rig, Early)
    answers = [rig.scm.send(NAME, *QUESTION[query]) for query in Query]
    finish(rig, service)

    assert answers == [NO, NO]


def test_unaccepted_profile_change_is_not_asked(rig: Rig) -> None:
    """Without its accept bit it is not delivered, whatever the table says (D.1)."""
    service = start(rig)
    service.ask(Query.QUERYCHANGECONFIG)
    service.ignore(Accept.HARDWAREPROFILECHANGE)
    rig.scm.send(NAME, *QUESTION[Query.QUERYCHANGECONFIG])
    finish(rig, service)

    assert service.events == []
    assert late(rig) == []


# --- from the handler ---------------------------------------------------------------


@each_query
@both_styles
@pytest.mark.parametrize(("says", "answer"), [(True, YES), (False, NO)])
@pytest.mark.parametrize("refuse_if_late", [True, False])
def test_handler_answers_in_time(
    rig: Rig,
    query: Query,
    cls: type[Any],
    says: bool,
    answer: int,
    refuse_if_late: bool,
) -> None:
    """True allows, False refuses, whatever would have been said if it were late."""
    service = start(rig, cls)
    service.ask(query, refuse_if_late=refuse_if_late)
    service.answer = says
    given = rig.scm.send(NAME, *QUESTION[query])
    finish(rig, service)

    assert given == answer
    assert late(rig) == []
    assert [event.data for event in service.events] == [QUESTION[query][2] or b""]


@both_styles
@pytest.mark.parametrize(("refuse_if_late", "answer"), [(True, NO), (False, YES)])
def test_none_is_the_default(
    rig: Rig, cls: type[Any], refuse_if_late: bool, answer: int
) -> None:
    """A handler without an opinion is as if late, but not late."""
    service = start(rig, cls)
    service.ask(Query.DEVICEQUERYREMOVE, refuse_if_late=refuse_if_late)
    given = rig.scm.send(NAME, *QUESTION[Query.DEVICEQUERYREMOVE])
    finish(rig, service)

    assert given == answer
    assert late(rig) == []


@both_styles
def test_exception_in_the_handler_gives_the_default(rig: Rig, cls: type[Any]) -> None:
    """The query is answered all the same, and the service ends as failed."""
    service = start(rig, cls)
    service.ask(Query.DEVICEQUERYREMOVE, refuse_if_late=True)
    service.error = OSError("broken")
    given = rig.scm.send(NAME, *QUESTION[Query.DEVICEQUERYREMOVE])

    assert given == NO
    assert rig.scm.wait_gone(NAME) == FailureCode.HANDLER


def test_full_queue_does_not_refuse_a_query(rig: Rig) -> None:
    """It gets the table's answer, not 1816, which would be a no of its own."""
    service = start(rig)
    service.ask(Query.DEVICEQUERYREMOVE, refuse_if_late=False)
    service.refuse(Query.QUERYCHANGECONFIG)
    service.gate.clear()
    rig.scm.send(NAME, 200)
    assert service.inside.acquire(timeout=20)  # it will take nothing from the queue
    rig.scm.send_many(NAME, [(200, 0, None)] * 1100)
    answers = [rig.scm.send(NAME, *QUESTION[query]) for query in Query]
    other = rig.scm.send(NAME, *NEWS[Query.DEVICEQUERYREMOVE])
    dropped = [e for e in rig.scm.journal(NAME) if e.kind is Kind.DROPPED]
    finish(rig, service)

    assert answers == [YES, NO]
    assert other == QUOTA
    assert {entry.control for entry in dropped[-3:]} == {0x0B, 0x0C}
    assert service.events == []


@pytest.mark.parametrize(
    "timeout", [0, -1.0, 5.001, float("inf"), float("nan")], ids=str
)
def test_impossible_time_is_refused(rig: Rig, timeout: float) -> None:
    """Above 0 and up to 5 s: even Wine gives a handler no more than 10 (H-1)."""
    service = start(rig)
    with pytest.raises(ValueError, match="up to 5 seconds"):
        service.ask(Query.DEVICEQUERYREMOVE, timeout=timeout)
    given = rig.scm.send(NAME, *QUESTION[Query.DEVICEQUERYREMOVE])
    finish(rig, service)

    assert given == YES


@pytest.mark.parametrize("method", ["refuse", "allow", "ask"])
def test_answers_need_a_host(method: str) -> None:
    """What is not hosted cannot answer, and says how it could be."""
    with pytest.raises(RuntimeError, match="not hosted"):
        getattr(Doorman(), method)(Query.DEVICEQUERYREMOVE)


@pytest.mark.parametrize("method", ["refuse", "allow", "ask"])
def test_there_are_no_other_queries(rig: Rig, method: str) -> None:
    """A service cannot veto sleep, for one (D-10)."""
    service = start(rig)
    with pytest.raises(ValueError, match="2 is not a valid Query"):
        getattr(service, method)(2)
    finish(rig, service)


# --- before and after RUNNING -------------------------------------------------------


class Slow(Doorman):
    """Starts and stops when it is let."""

    def __init__(self) -> None:
        super().__init__()
        self.gate.clear()

    def on_start(self) -> None:
        self.refuse(Query.QUERYCHANGECONFIG)
        self.inside.release()
        assert self.gate.wait(20)

    def on_stop(self) -> None:
        self.inside.release()
        assert self.gate.wait(20)


def loaded(rig: Rig) -> Slow:
    """Start the slow one; return it once it is inside ``on_start``."""
    rig.scm.add(Slow).start()

    def service() -> object:
        host = rig.scm.process(NAME).host
        return host and host.service

    rig.eventually(service, "it is loaded")
    instance = rig.scm.instance(NAME)
    assert isinstance(instance, Slow)
    assert instance.inside.acquire(timeout=20)
    return instance


@pytest.mark.parametrize("state", [State.START_PENDING, State.STOP_PENDING])
def test_query_outside_running_gets_the_tables_answer(rig: Rig, state: State) -> None:
    """1061 would refuse it: only ``refuse`` does that, in any state (D-13)."""
    service = loaded(rig)
    if state is State.STOP_PENDING:
        service.gate.set()
        rig.reach(NAME, State.RUNNING)
        service.gate.clear()
        rig.scm.send(NAME, Control.STOP)
        assert service.inside.acquire(timeout=20)
    service.ask(Query.DEVICEQUERYREMOVE, refuse_if_late=False)
    answers = [rig.scm.send(NAME, *QUESTION[query]) for query in Query]
    news = rig.scm.send(NAME, *NEWS[Query.DEVICEQUERYREMOVE])
    service.gate.set()
    if state is State.START_PENDING:
        rig.reach(NAME, State.RUNNING)
        rig.scm.send(NAME, Control.STOP)

    assert answers == [YES, NO]
    assert rig.scm.wait_gone(NAME) == 0
    assert late(rig) == []
    if state is State.STOP_PENDING:
        assert news == 1061
        assert service.events == []
    else:  # the devices of on_start's registrations; no profile is accepted yet
        assert news == 0
        assert [event.control for event in service.events] == [Control.DEVICEEVENT] * 2


class Truthless:
    """As numpy's arrays, in an `if`."""

    def __bool__(self) -> bool:
        raise ValueError


def test_answer_without_a_truth_fails_the_service(rig: Rig) -> None:
    """The control thread lives: on_stop is called."""
    calls: list[str] = []

    class Odd(winsvc.Service):
        name = NAME

        def on_start(self) -> None:
            self.ask(Query.DEVICEQUERYREMOVE)

        def on_device_event(self, event: Event) -> bool | None:
            return Truthless()  # type: ignore[return-value]

        def on_stop(self) -> None:
            calls.append("stop")

    rig.scm.add(Odd).start()
    rig.reach(NAME, State.RUNNING)
    rig.scm.send(NAME, *QUESTION[Query.DEVICEQUERYREMOVE])

    assert rig.scm.wait_gone(NAME) == FailureCode.HANDLER
    assert calls == ["stop"]


# --- a trigger while it stops -------------------------------------------------------


class Triggered(Doorman):
    """Hears triggers, and takes its time to stop."""

    def on_trigger_event(self, event: Event) -> None:
        self.events.append(event)

    def on_stop(self) -> None:
        assert self.gate.wait(20)


def test_trigger_while_stopping_is_handed_back(rig: Rig) -> None:
    """E-86: 1115 lets the SCM keep it until STOPPED, then start the service anew."""
    service = start(rig, Triggered)
    running = rig.scm.send(NAME, Control.TRIGGEREVENT)
    service.gate.clear()
    rig.scm.send(NAME, Control.STOP)
    rig.reach(NAME, State.STOP_PENDING)
    stopping = rig.scm.send(NAME, Control.TRIGGEREVENT)
    others = {rig.scm.send(NAME, code) for code in (200, Control.PARAMCHANGE)}
    service.gate.set()

    assert (running, stopping) == (0, 1115)
    assert others == {1061}
    assert rig.scm.wait_gone(NAME) == 0
    assert [event.control for event in service.events] == [Control.TRIGGEREVENT]

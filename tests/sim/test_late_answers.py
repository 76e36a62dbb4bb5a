"""A handler that answers too late: the SCM waits for it no longer than was said.

Time is virtual: what is late is late because the test says so.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from doorman import (
    NAME,
    NO,
    QUESTION,
    YES,
    Answers,
    both_styles,
    each_query,
    finish,
    late,
    start,
)
from simrig import Rig

from winsvc.journal import Kind
from winsvc.states import Query


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    """Threads to be the SCM's, while it waits for the handler."""
    with ThreadPoolExecutor(2) as pool:
        yield pool


def ask_on_thread(rig: Rig, pool: ThreadPoolExecutor, query: Query) -> Future[int]:
    """Send a query on another thread; return once its handler is inside Python."""
    answer = pool.submit(rig.scm.send, NAME, *QUESTION[query])
    service = rig.scm.instance(NAME)
    assert isinstance(service, Answers)
    assert service.inside.acquire(timeout=20)
    return answer


def test_answer_after_almost_all_the_time_counts(
    rig: Rig, pool: ThreadPoolExecutor
) -> None:
    """2 s by default: at 1.9 s it is in time."""
    service = start(rig)
    service.ask(Query.DEVICEQUERYREMOVE)
    service.answer = False
    service.gate.clear()
    answer = ask_on_thread(rig, pool, Query.DEVICEQUERYREMOVE)
    rig.scm.advance(1.9)
    service.gate.set()
    given = answer.result(timeout=20)
    finish(rig, service)

    assert given == NO
    assert late(rig) == []


@each_query
@both_styles
@pytest.mark.parametrize(("refuse_if_late", "answer"), [(True, NO), (False, YES)])
@pytest.mark.parametrize("timeout", [0.5, 2.0, 5.0])
def test_late_handler_is_not_waited_for(
    rig: Rig,
    pool: ThreadPoolExecutor,
    caplog: pytest.LogCaptureFixture,
    query: Query,
    cls: type[Any],
    refuse_if_late: bool,
    answer: int,
    timeout: float,
) -> None:
    """The default is given on time, once; the journal and the log say it was late."""
    service = start(rig, cls)
    service.ask(query, timeout=timeout, refuse_if_late=refuse_if_late)
    service.answer = refuse_if_late  # the opposite of the default
    service.gate.clear()
    given = ask_on_thread(rig, pool, query)
    rig.scm.advance(timeout - 0.01)
    early = late(rig)
    rig.scm.advance(0.02)
    code = given.result(timeout=20)
    (entry,) = (e for e in rig.scm.journal(NAME) if e.kind is Kind.LATE)
    finish(rig, service)

    assert code == answer
    assert early == []
    assert (entry.control, entry.event_type) == QUESTION[query][:2]
    assert entry.result == answer
    assert "too late" in caplog.text
    assert len(service.events) == 1


def test_late_answer_is_not_the_next_querys(rig: Rig, pool: ThreadPoolExecutor) -> None:
    """What comes too late for one is not taken for an answer to the other."""
    service = start(rig)
    service.ask(Query.DEVICEQUERYREMOVE)
    service.answer = False
    service.gate.clear()
    first = ask_on_thread(rig, pool, Query.DEVICEQUERYREMOVE)
    rig.scm.advance(2.0)
    late_answer = first.result(timeout=20)
    second = pool.submit(rig.scm.send, NAME, *QUESTION[Query.DEVICEQUERYREMOVE])
    rig.eventually(lambda: asked(rig) == 2, "the second query is with the core")
    service.gate.set()  # answers the first, then the second
    in_time = second.result(timeout=20)
    finish(rig, service)

    assert (late_answer, in_time) == (YES, NO)
    assert late(rig) == [YES]


def asked(rig: Rig) -> int:
    """Return how many queries the handler was called with."""
    types = {event_type for _, event_type, _ in QUESTION.values()}
    controls = [e for e in rig.scm.journal(NAME) if e.kind is Kind.CONTROL]
    return sum(entry.event_type in types for entry in controls)


def test_busy_control_thread_makes_late(rig: Rig, pool: ThreadPoolExecutor) -> None:
    """The time counts from the query, not from the handler's turn."""
    service = start(rig)
    service.ask(Query.DEVICEQUERYREMOVE, refuse_if_late=True)
    service.answer = True
    service.gate.clear()
    rig.scm.send(NAME, 200)
    assert service.inside.acquire(timeout=20)
    answer = pool.submit(rig.scm.send, NAME, *QUESTION[Query.DEVICEQUERYREMOVE])
    rig.eventually(lambda: asked(rig), "the query is with the core")
    rig.scm.advance(2.0)
    given = answer.result(timeout=20)
    finish(rig, service)

    assert given == NO
    assert late(rig) == [NO]
    assert len(service.events) == 1


@both_styles
def test_stop_does_not_wait_for_an_answer(
    rig: Rig, pool: ThreadPoolExecutor, cls: type[Any]
) -> None:
    """A stop meanwhile gives the default at once: no time passes."""
    service = start(rig, cls)
    service.ask(Query.DEVICEQUERYREMOVE, refuse_if_late=True)
    service.answer = True
    service.gate.clear()
    answer = ask_on_thread(rig, pool, Query.DEVICEQUERYREMOVE)
    before = rig.scm.now
    service.request_stop()
    given = answer.result(timeout=20)
    service.gate.set()

    assert given == NO
    assert rig.scm.now == before
    assert late(rig) == [NO]
    assert rig.scm.wait_gone(NAME) == 0

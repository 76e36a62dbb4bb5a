"""ServiceError, its kin, and the table of codes: winsvc's, and docs/errors.md's."""

from __future__ import annotations

import pickle
import re
from pathlib import Path

import pytest

from winsvc import winerror
from winsvc.errors import (
    ERRORS,
    NoSCM,
    NotStartedBySCM,
    ServiceAccessDenied,
    ServiceCannotAcceptControl,
    ServiceError,
    ServiceExists,
    ServiceFailed,
    ServiceMarkedForDelete,
    ServiceNotActive,
    ServiceNotFound,
    ServiceTimeout,
    describe_exit,
    service_error,
)

CLASSES = {
    5: ServiceAccessDenied,
    87: ServiceError,
    1053: ServiceTimeout,
    1460: ServiceTimeout,
    1060: ServiceNotFound,
    1061: ServiceCannotAcceptControl,
    1062: ServiceNotActive,
    1063: NotStartedBySCM,
    1072: ServiceMarkedForDelete,
    1073: ServiceExists,
    99999: ServiceError,
}


def test_message_names_operation_service_code_and_remedy() -> None:
    """The whole sentence, as a user reads it."""
    error = service_error("start", "Foo", 1060)

    assert str(error) == (
        "could not start service 'Foo': 1060 ERROR_SERVICE_DOES_NOT_EXIST, "
        "no such service; `list` shows those there are"
    )


def test_message_without_service_has_detail() -> None:
    """What is not there is not mentioned; a detail follows the meaning."""
    error = service_error("open the SCM", None, 1115, "try later")

    assert str(error) == (
        "could not open the SCM: 1115 ERROR_SHUTDOWN_IN_PROGRESS, "
        "the system is shutting down (try later); try again once it is up"
    )


DOCS = Path(__file__).parents[2] / "docs"
COLUMNS = ["code", "name", "meaning", "what to do", "class"]
# Rules of D.5, and of A to G beside it; 8 and above 1300 come from accounts, security
# and the event log, which the rules do not list.
BESIDE_D5 = {193, 232, 1054, 1722, 1783}


def row_of(code: int) -> str:
    """Return a code's row of the table in docs/errors.md."""
    info = ERRORS[code]
    kind = type(service_error("start", "Foo", code))
    name = "" if kind is ServiceError else f"`{kind.__name__}`"
    return f"| {code} | {info.name} | {info.meaning} | {info.remedy} | {name} |"


def documented() -> dict[int, list[str]]:
    """Return the cells of the rows of docs/errors.md."""
    lines = (DOCS / "errors.md").read_text(encoding="utf-8").splitlines()
    start = lines.index(f"| {' | '.join(COLUMNS)} |") + 2
    rows = {}
    for line in lines[start:]:
        if not line.startswith("|"):
            break
        cells = [cell.strip() for cell in line.strip("|").split(" | ")]
        rows[int(cells[0])] = cells
    return rows


DOCUMENTED = documented()


def test_table_has_all_codes_in_order() -> None:
    """In the code and in docs/errors.md, and none is there twice."""
    assert list(ERRORS) == sorted(ERRORS)
    assert list(DOCUMENTED) == list(ERRORS)
    assert len({info.name for info in ERRORS.values()}) == len(ERRORS)


def test_table_has_all_codes_of_the_rules() -> None:
    """Those that scm-rules D.5 lists, and those that other rules name."""
    rules = (DOCS / "scm-rules.md").read_text(encoding="utf-8")
    listed = rules.partition("### D.5 Errors")[2].partition("### D.6")[0]
    codes = {int(code) for code in re.findall(r"\b(\d{1,4})\b", listed)}

    assert len(codes) > 40
    assert (codes | BESIDE_D5) - set(ERRORS) == set()


def test_named_codes_are_those_of_the_table() -> None:
    """winsvc.winerror: each has the name that users are told of it."""
    named = {code: name for name, code in vars(winerror).items() if name.isupper()}
    told = {code: info.name for code, info in ERRORS.items() if code in named}

    assert len(told) > 30
    assert told == {code: named[code] for code in told}


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_message_is_what_the_table_says(code: int) -> None:
    """Operation, service, code, name, meaning and remedy: one sentence of its row."""
    _, name, meaning, remedy, kind = DOCUMENTED[code]
    error = service_error("start", "Foo", code)

    assert str(error) == (
        f"could not start service 'Foo': {code} {name}, {meaning}; {remedy}"
    )
    assert error.remedy == remedy
    assert (kind.strip("`") or "ServiceError") == type(error).__name__


@pytest.mark.parametrize("code", sorted(ERRORS))
def test_table_entry_makes_one_sentence(code: int) -> None:
    """No text has an end of its own that would cut the sentence in two."""
    info = ERRORS[code]
    texts = [info.meaning, info.remedy]

    assert info.name.startswith(("ERROR_", "RPC_S_", "RPC_X_"))
    assert all(text and not text.endswith(".") for text in texts)
    assert not any(
        mark in (text or "") for text in texts for mark in (". ", "\n", "; ")
    )
    assert row_of(code).count("|") == len(COLUMNS) + 1


@pytest.mark.parametrize(("code", "kind"), CLASSES.items())
def test_factory_picks_class_for_code(code: int, kind: type[ServiceError]) -> None:
    """A code with a class of its own gets it, any other the base class."""
    error = service_error("stop", "Foo", code)

    assert type(error) is kind
    assert error.winerror == code


@pytest.mark.parametrize(
    "error",
    [
        service_error("start", "Foo", 1053, "it slept"),
        service_error("start", "Foo", 99999),
        service_error("stop", "Foo", 1052, "it is START_PENDING", remedy="wait"),
        NoSCM(operation="open the SCM"),
        ServiceFailed(
            operation="wait for RUNNING of",
            service="Foo",
            winerror=1066,
            exit_code=1066,
            service_exit_code=9,
        ),
    ],
    ids=lambda error: type(error).__name__,
)
def test_pickled_error_is_the_same(error: ServiceError) -> None:
    """An error crosses processes with all that it says."""
    copy = pickle.loads(pickle.dumps(error))

    assert type(copy) is type(error)
    assert repr(copy) == repr(error)
    assert str(copy) == str(error)
    assert copy.winerror == error.winerror


def test_subclass_knows_its_code() -> None:
    """A class that stands for one code needs none; the base class does."""
    error = ServiceNotActive(operation="stop", service="Foo")

    assert error.winerror == 1062
    with pytest.raises(TypeError, match="winerror"):
        ServiceError(operation="stop")


def test_errors_are_builtin_kinds_too() -> None:
    """Callers who know only Python's own exceptions catch the usual two."""
    denied = service_error("create", "Foo", 5)
    late = service_error("start", "Foo", 1053)

    assert isinstance(denied, PermissionError)
    assert isinstance(late, TimeoutError)
    assert isinstance(late, ServiceError)


def test_no_scm_says_what_to_do_instead() -> None:
    """Off Windows the message is about the system, not about code 50."""
    error = NoSCM(operation="open the SCM")

    assert error.winerror == 50
    assert "no SCM on this system" in str(error)
    assert error.remedy is not None
    assert "`debug` or `demo`" in error.remedy


def test_unknown_code_is_kept() -> None:
    """A code that is not in the table is shown as it is."""
    error = service_error("start", "Foo", 99999)

    assert str(error).startswith("could not start service 'Foo': 99999, ")


@pytest.mark.parametrize(
    ("codes", "text"),
    [
        ((0, 0), "exit code 0"),
        ((1067, 0), "exit code 1067 ERROR_PROCESS_ABORTED"),
        ((1066, 9), "its own exit code 9"),
        ((1066, 64001), "its own exit code 64001 IMPORT"),
    ],
)
def test_describe_exit_names_the_code_that_counts(
    codes: tuple[int, int], text: str
) -> None:
    """The service's own code is shown only with 1066 (B-8)."""
    assert describe_exit(*codes) == text

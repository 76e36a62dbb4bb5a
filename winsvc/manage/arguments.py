"""What a caller has given: refused here, before anything is asked of the SCM."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from winsvc.manage.reading import ALL
from winsvc.reasons import StopReason, check_comment
from winsvc.settings.config import ServiceConfig
from winsvc.states import State

_STATES = frozenset(State.__members__.values()) - {State.NOT_READY}
_MAX_CODE = 0xFFFF_FFFF


def state_of(operation: str, state: State | int) -> State:
    """Return a state that a service can be in.

    Args:
        operation: Name of the function that was called.
        state: As it was given: a state, or its number.

    Raises:
        TypeError, ValueError: It is neither.
    """
    number = code_of(operation, "state", state, "a winsvc.State, such as State.RUNNING")
    if number not in _STATES:
        raise ValueError(_sentence(operation, "state", state, "a winsvc.State, 1 to 7"))
    return State(number)


def code_of(operation: str, argument: str, code: int, expected: str) -> int:
    """Return an unsigned number of 32 bits; raises as :func:`state_of`."""
    if not isinstance(code, int) or isinstance(code, bool):
        raise TypeError(_sentence(operation, argument, code, expected))
    if not 0 <= code <= _MAX_CODE:
        raise ValueError(_sentence(operation, argument, code, expected))
    return int(code)


def settings_of(operation: str, argument: str, names: Iterable[str]) -> frozenset[str]:
    """Return names of settings; raises as :func:`state_of`."""
    expected = f"a tuple of names of settings: {', '.join(ALL)}"
    if isinstance(names, str) or not isinstance(names, Iterable):
        raise TypeError(_sentence(operation, argument, names, expected))
    found = tuple(names)  # once: an iterator may be
    for name in found:
        if not isinstance(name, str):
            raise TypeError(_sentence(operation, argument, found, expected))
        if name not in ALL:
            msg = f"{operation}: {argument} has {name!r}, which is no setting: "
            raise ValueError(f"{msg}expected is {expected}")
    return frozenset(found)


def check_texts(operation: str, argument: str, texts: Iterable[str]) -> None:
    """Refuse what is no text; raises as :func:`state_of`."""
    for text in texts:
        _check_type(operation, argument, text, str, "a str")


def check_flag(operation: str, argument: str, flag: bool) -> None:
    """Refuse what is neither true nor false; raises as :func:`state_of`."""
    _check_type(operation, argument, flag, bool, "True or False")


def check_config(operation: str, config: ServiceConfig) -> None:
    """Refuse what is no configuration, unseen: it may hold a password.

    Raises:
        TypeError: It is none.
    """
    if not isinstance(config, ServiceConfig):
        what = f"of type {type(config).__name__}"
        msg = f"{operation}: config is {what}: expected is a winsvc.ServiceConfig"
        raise TypeError(msg)


def check_backend(operation: str, backend: object) -> None:
    """Refuse what is no SCM; raises as :func:`state_of`."""
    if not callable(getattr(backend, "manager_open", None)):
        expected = "a winsvc.testing.SimulatedScm, or what is below it"
        raise TypeError(_sentence(operation, "backend", backend, expected))


def check_on_progress(operation: str, function: object) -> None:
    """Refuse what cannot be called; raises as :func:`state_of`."""
    if function is not None:
        expected = "a function of a winsvc.ServiceStatus, or None"
        _check_type(operation, "on_progress", function, Callable, expected)


def check_timeout(operation: str, timeout: float | None) -> None:
    """Refuse what is no number of seconds; raises as :func:`state_of`."""
    if timeout is not None:
        lowest = float("-inf")  # a time that is over is up at once
        _check_number(operation, "timeout", timeout, lowest, "seconds, or None")


def check_reason(
    operation: str, reason: StopReason | None, comment: str | None
) -> None:
    """Refuse what says no reason of a stop; raises as :func:`state_of`."""
    if reason is not None:
        _check_type(operation, "reason", reason, StopReason, "a winsvc.StopReason")
    if comment is not None:
        check_texts(operation, "comment", (comment,))
    try:
        check_comment(reason, comment)
    except ValueError as error:
        raise ValueError(f"{operation}: {error}") from None


def check_seconds(operation: str, argument: str, seconds: float) -> None:
    """Refuse what is no time to wait; raises as :func:`state_of`."""
    _check_number(operation, argument, seconds, 0.0, "a number of seconds, 0 or more")


def _check_type(
    operation: str, argument: str, value: object, kind: Any, expected: str
) -> None:
    if not isinstance(value, kind):
        raise TypeError(_sentence(operation, argument, value, expected))


def _check_number(
    operation: str, argument: str, value: float, lowest: float, expected: str
) -> None:
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise TypeError(_sentence(operation, argument, value, expected))
    try:
        is_time = float(value) >= lowest  # NaN neither: no time comes after it
    except OverflowError:
        is_time = False
    if not is_time:
        raise ValueError(_sentence(operation, argument, value, expected))


def _sentence(operation: str, argument: str, value: object, expected: str) -> str:
    return f"{operation}: {argument} is {value!r}: expected is {expected}"

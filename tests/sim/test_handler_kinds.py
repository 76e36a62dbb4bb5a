"""Handlers of the wrong kind: refused when the class is checked."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from typing import Any

import pytest
from simrig import Rig

import winsvc


async def coroutine(*args: object) -> None:
    """Be as AsyncService wants it."""


async def generator(*args: object) -> AsyncGenerator[None, None]:
    """Be as nobody wants it."""
    yield


def yields(*args: object) -> Generator[None, None, None]:
    """Be as nobody wants it."""
    yield


def plain(*args: object) -> None:
    """Be as Service wants it."""


def decorated(function: Callable[..., Any]) -> Callable[..., Any]:
    """Decorate as functools.wraps does."""

    def wrapper(*args: object) -> Any:
        return function(*args)

    wrapper.__wrapped__ = function  # type: ignore[attr-defined]
    return wrapper


@pytest.mark.parametrize(
    "handler", ["on_start", "run", "on_stop", "on_session_change", "on_event"]
)
@pytest.mark.parametrize(
    ("base", "function", "remedy"),
    [
        (winsvc.Service, plain, ""),
        (winsvc.Service, coroutine, "derive the class from winsvc.AsyncService"),
        (winsvc.Service, generator, "derive the class from winsvc.AsyncService"),
        (winsvc.Service, yields, "has `yield`"),
        (winsvc.Service, decorated(coroutine), ""),
        (winsvc.AsyncService, coroutine, ""),
        (winsvc.AsyncService, plain, "write `async def {}`"),
        (winsvc.AsyncService, generator, "without `yield`"),
        (winsvc.AsyncService, decorated(coroutine), ""),
        (winsvc.AsyncService, staticmethod(coroutine), ""),
        (winsvc.AsyncService, staticmethod(plain), "write `async def {}`"),
    ],
)
def test_handler_of_the_wrong_kind_is_refused(
    rig: Rig, handler: str, base: Any, function: Any, remedy: str
) -> None:
    """With its class, its name and the remedy; an inherited one too."""
    mixin = type("Mixin", (), {handler: function})
    cls = type("Mixed", (mixin, base), {"name": "Mixed"})
    if not remedy:
        rig.scm.add(cls)
        return
    with pytest.raises(TypeError) as caught:
        rig.scm.add(cls)

    assert f"Mixed.{handler} " in str(caught.value)
    assert remedy.format(handler) in str(caught.value)

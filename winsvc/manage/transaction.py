"""Steps that are done one after the other, and all undone when one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from winsvc.manage.backend import reported


@dataclass(frozen=True, slots=True)
class Step:
    """Something that is done to a service, and how it is undone.

    Attributes:
        operation: What, as in "could not *change the settings of* service".
        do: Does it; if it raises OSError it has changed nothing.
        undo: Undoes it; ``None``: undoing an earlier step does it too.
        remains: What undoing cannot bring back, if there is something.
        sets: The settings that it sets, if there are several.
    """

    operation: str
    do: Callable[[], None]
    undo: Callable[[], None] | None = None
    remains: str | None = None
    sets: tuple[str, ...] = ()


def run_steps(service: str, steps: Iterable[Step]) -> None:
    """Do all steps, or none.

    Args:
        service: Key name, for errors.
        steps: In the order in which they are done.

    Raises:
        ServiceError: A step failed; those before it have been undone, the last
            one first.  What could not be undone is said in notes.
    """
    done: list[Step] = []
    try:
        for step in steps:
            with reported(step.operation, service, step.sets):
                try:
                    step.do()
                except OSError:
                    raise
                except BaseException:
                    done.append(step)  # nobody knows how far it got
                    raise
            done.append(step)
    except BaseException as error:
        for step in reversed(done):
            _undo(service, step, error)
        raise


def _undo(service: str, step: Step, error: BaseException) -> None:
    if step.undo is not None:
        try:
            with reported(f"undo: {step.operation}", service):
                step.undo()
        except (OSError, KeyboardInterrupt) as failure:
            # Those before it are undone all the same.
            interrupted = f"interrupted in undo: {step.operation} service {service!r}"
            error.add_note(str(failure) or interrupted)
            return
    if step.remains is not None:
        error.add_note(step.remains)

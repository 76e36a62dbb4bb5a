"""The right to log on as a service, which a service's account must be given.

The SCM's functions do not grant it, and without it the first start fails with 1069
(E-15); services.msc does, and so does ``apply``.
"""

from __future__ import annotations

from winsvc.errors import describe
from winsvc.manage.backend import Backend
from winsvc.manage.transaction import Step
from winsvc.settings.accounts import needs_logon_right, takes_password


def account_to_look_at(
    wanted: str | None, old: str | None, *, is_set: bool, has_password: bool
) -> str | None:
    """Return the account whose right a plan is to look at; ``None``: there is none.

    One that stays as it is, and gets no password, is left to its administrator: it
    may have the right by a group.  But a managed account never gets a password,
    so that naming it is the only way to ask for the right.

    Args:
        wanted: The account that the configuration names.
        old: The service's now, if it has been read.
        is_set: The plan sets the account.
        has_password: The plan sets a password, of ``wanted`` or else of ``old``.
    """
    account = wanted if wanted is not None or not has_password else old
    if account is None or not needs_logon_right(account):
        return None
    return account if is_set or has_password or not takes_password(account) else None


def lacks_right(backend: Backend, account: str) -> tuple[bool, str | None]:
    """Tell whether an account lacks the right, as far as it can be read.

    Returns:
        Whether it does; and what is to be said if it cannot be read: that it is not
        granted then.
    """
    try:
        return not backend.logon_right_held(backend.machine, account), None
    except OSError as error:
        code = getattr(error, "winerror", None)
        if code is None:
            raise
        why = f"{code} {describe(code).name}".rstrip()
        return False, (
            f"log on as a service: not granted to {account}, since it cannot be read "
            f"whether that has the right ({why}); if its start fails with 1069, grant "
            "it in secpol.msc under User Rights Assignment"
        )


def right_step(account: str, backend: Backend) -> Step:
    """Return the step that grants the right.

    Undone it takes the right away again, but not if somebody else has granted it
    since the plan was made.
    """
    is_ours = False

    def do() -> None:
        nonlocal is_ours
        if not backend.logon_right_held(backend.machine, account):
            is_ours = True  # first: nobody knows how far an interrupted call got
            backend.logon_right_grant(backend.machine, account)

    def undo() -> None:
        if is_ours:
            backend.logon_right_revoke(backend.machine, account)

    what = f"grant {account} the right to log on as a service, for"
    return Step(what, do, undo)

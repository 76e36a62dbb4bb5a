"""The right to log on as a service, in the policy of a real system (E-15).

Under Wine the policy's functions do nothing (H-55): what needs them is for Windows,
where a user is made for it and pywin32 is the second reader.
"""

from __future__ import annotations

import contextlib
import os
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import pywintypes
import win32net
import win32netcon
import win32security
from lab import Lab
from scm_bench import WINE, Bench, refused

from winsvc import ServiceConfig
from winsvc.errors import ServiceNotFound

RIGHT, OTHER_RIGHT = "SeServiceLogonRight", "SeBatchLogonRight"
ERROR_FILE_NOT_FOUND = 2  # pywin32 says of an account without rights
ME = os.environ["USERNAME"]
HERE = os.environ["COMPUTERNAME"]

windows_only = pytest.mark.skipif(WINE, reason="H-55: Wine's policy keeps no rights")


class User:
    """A user of this computer, as pywin32 sees it."""

    def __init__(self) -> None:
        self.name = f"wsv{uuid.uuid4().hex[:8]}"
        self.account = rf".\{self.name}"
        self.password = f"Aa1!{uuid.uuid4().hex}"
        win32net.NetUserAdd(
            None,
            1,
            {
                "name": self.name,
                "password": self.password,
                "priv": win32netcon.USER_PRIV_USER,
                "flags": win32netcon.UF_SCRIPT,
            },
        )
        self.sid, _, _ = win32security.LookupAccountName(None, rf"{HERE}\{self.name}")
        access = win32security.POLICY_LOOKUP_NAMES | win32security.POLICY_CREATE_ACCOUNT
        self._policy = win32security.LsaOpenPolicy(None, access)

    def rights(self) -> list[str]:
        """Return all that it has itself."""
        try:
            found = win32security.LsaEnumerateAccountRights(self._policy, self.sid)
        except pywintypes.error as error:
            if error.winerror != ERROR_FILE_NOT_FOUND:
                raise
            return []
        return sorted(found)

    def grant(self, right: str) -> None:
        """Give it another right."""
        win32security.LsaAddAccountRights(self._policy, self.sid, (right,))

    def close(self) -> None:
        """Remove it, with its rights."""
        if rights := tuple(self.rights()):
            win32security.LsaRemoveAccountRights(self._policy, self.sid, False, rights)
        win32net.NetUserDel(None, self.name)


@pytest.fixture
def user() -> Iterator[User]:
    """A user without any right."""
    user = User()
    yield user
    user.close()


@windows_only
def test_right_is_granted_read_and_revoked(bench: Bench, user: User) -> None:
    """Each twice, by both of its names; its other rights stay."""
    core, full = bench.core, rf"{HERE}\{user.name}"
    assert not core.logon_right_held(None, user.account)
    for account in (user.account, full):
        core.logon_right_grant(None, account)
        assert user.rights() == [RIGHT]
        assert core.logon_right_held(None, full)
    user.grant(OTHER_RIGHT)
    for account in (full, user.account):
        core.logon_right_revoke(None, account)
        assert user.rights() == [OTHER_RIGHT]
        assert not core.logon_right_held(None, account)


@windows_only
def test_revoking_what_nobody_has_is_no_error(bench: Bench, user: User) -> None:
    """The policy does not even have that account."""
    bench.core.logon_right_revoke(None, user.account)

    assert user.rights() == []


@windows_only
def test_apply_grants_it(lab: Lab, user: User) -> None:
    """Once; the service's removal does not take it away."""
    name = lab.unique("right")
    config = ServiceConfig(
        name=name,
        command=(r"C:\program.exe",),
        account=user.account,
        password=user.password,
    )
    try:
        first = lab.manager.apply(config)
        again = lab.manager.apply(config)
    finally:
        with contextlib.suppress(ServiceNotFound):
            lab.manager.remove(name)

    granted = f"log on as a service: granted to {user.account}"
    assert str(first).splitlines().count(granted) == 1
    assert str(again) == "password: (set)"
    assert first.notes == again.notes == ()
    assert user.rights() == [RIGHT]


@pytest.mark.skipif(not WINE, reason="H-55: Windows keeps rights")
def test_wine_keeps_no_rights(bench: Bench) -> None:
    """Its functions say yes and do nothing; reading finds that out."""
    bench.core.logon_right_grant(None, ME)
    with refused(120):
        bench.core.logon_right_held(None, ME)
    bench.core.logon_right_revoke(None, ME)


@pytest.mark.skipif(not WINE, reason="H-55: Windows keeps rights")
@pytest.mark.parametrize(
    ("account", "code"), [(rf".\{ME}", "120 ERROR_CALL"), (r".\nobody", "1332 ERROR_")]
)
def test_apply_on_wine_says_that_it_grants_none(
    lab: Lab, account: str, code: str
) -> None:
    """And sets the account, of which Wine checks nothing (H-29)."""
    name = lab.unique("right")
    config = ServiceConfig(name=name, command=(r"C:\program.exe",), account=account)
    try:
        first = lab.manager.apply(config)
        with lab.manager.open(name) as handle:
            found = handle.config().account
        again = lab.manager.apply(config)
    finally:
        with contextlib.suppress(ServiceNotFound):
            lab.manager.remove(name)

    (note,) = first.notes
    assert f"not granted to {account}, since it cannot be read" in note
    assert f"({code}" in note
    assert "log on as" not in str(first)
    assert found == account
    assert not again
    assert again.notes == ()


CALLS = ["logon_right_held", "logon_right_grant", "logon_right_revoke"]


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize(
    ("account", "code"),
    [
        ("", 1332),
        (".\\", 1332),
        ("no such account", 1332),
        (r".\no such account", 1332),
        ("Everyone", 1057),
        ("SERVICE", 1057),
        (r"BUILTIN\Administrators", 1057),
        (HERE, 1057),
    ],
)
def test_who_is_no_user_is_refused(
    bench: Bench, call: str, account: str, code: int
) -> None:
    """Nobody gives a right to all who are in a group by mistake."""
    with refused(code):
        getattr(bench.core, call)(None, account)


def test_dot_is_this_computer(bench: Bench) -> None:
    """As the SCM has it; a group that every system has is not meant."""
    sid = bench.core.account_sid

    assert sid(None, rf".\{ME}") == sid(None, rf"{HERE}\{ME}")
    assert sid(None, rf".\{ME}").startswith("S-1-5-21-")
    with refused(1332):
        sid(None, r".\SERVICE")


@pytest.mark.parametrize("call", CALLS)
def test_wrong_arguments_are_refused(bench: Bench, call: str) -> None:
    """A NUL would end a text where its writer did not think of it."""
    function: Any = getattr(bench.core, call)
    for arguments in ((None, "a\0b"), ("a\0b", ME)):
        with pytest.raises(ValueError, match="NUL"):
            function(*arguments)
    for arguments in ((None, None), (None, b"me"), (1, ME), (None,), (None, ME, ME)):
        with pytest.raises(TypeError):
            function(*arguments)

"""The DACL of a service as SDDL: read, written, compared, changed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from winsvc.manage.security import (
    TO_START,
    Ace,
    Dacl,
    ServiceRight,
    dacl_of,
    format_rights,
    parse_dacl,
    parse_rights,
    same_dacl,
)

# What Windows gives a service that is told nothing.
DEFAULT = (
    "D:(A;;CCLCSWRPWPDTLOCRRC;;;SY)(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;BA)"
    "(A;;CCLCSWLOCRRC;;;IU)(A;;CCLCSWLOCRRC;;;SU)"
)
USER = "S-1-5-21-1004336348-1177238915-682003330-1001"
SIDS = st.sampled_from(["SY", "BA", "AU", "S-1-5-80-1-2-3-4-5", USER, "LA", "WD"])
RIGHTS = st.integers(1, ServiceRight.ALL_ACCESS).map(
    lambda mask: mask & ServiceRight.ALL_ACCESS or 1
)
ACES = st.builds(Ace, st.booleans(), RIGHTS, SIDS, st.sampled_from(["", "ID"]))
DACLS = st.builds(
    Dacl, st.lists(ACES, max_size=6).map(tuple), st.sampled_from(["", "P"])
)
CANONICAL = DACLS.map(
    lambda dacl: Dacl(
        tuple(sorted(dacl.entries, key=lambda ace: ("ID" in ace.flags, ace.allows))),
        dacl.control,
    )
)


def test_default_descriptor_reads_as_documented() -> None:
    """Users of the computer may look and send codes of its own (D.4)."""
    dacl = parse_dacl(f"O:SYG:SY{DEFAULT}S:(AU;FA;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;WD)")

    assert str(dacl) == DEFAULT
    assert [ace.account for ace in dacl.entries] == ["SY", "BA", "IU", "SU"]
    assert dacl.entries[1].rights == ServiceRight.ALL_ACCESS
    assert dacl.allowed("S-1-5-4") == (
        ServiceRight.QUERY_CONFIG
        | ServiceRight.QUERY_STATUS
        | ServiceRight.ENUMERATE_DEPENDENTS
        | ServiceRight.INTERROGATE
        | ServiceRight.USER_DEFINED_CONTROL
        | ServiceRight.READ_CONTROL
    )


@given(DACLS)
def test_written_dacl_reads_back(dacl: Dacl) -> None:
    """What is written is what was meant."""
    again = parse_dacl(str(dacl))

    assert again.normal() == dacl.normal()
    assert str(again) == str(dacl)


@given(st.integers(0, 0xFFFFFFFF))
def test_written_rights_read_back(rights: int) -> None:
    """In letters where there are some for all, else as a number."""
    assert parse_rights(format_rights(rights)) == rights


@pytest.mark.parametrize(
    ("text", "rights"),
    [
        ("0x30", 0x30),
        ("48", 0x30),
        ("060", 0x30),
        ("rpwp", 0x30),
        ("", 0),
        ("GA", 1 << 28),
    ],
)
def test_rights_are_read_in_every_form(text: str, rights: int) -> None:
    """Letters in any case, and C's three kinds of numbers."""
    assert parse_rights(text) == rights


@given(CANONICAL, SIDS, RIGHTS)
def test_grant_allows_that_and_changes_nothing_else(
    dacl: Dacl, sid: str, rights: int
) -> None:
    """All others have what they had; the order stays canonical; again is nothing."""
    account = Ace(True, 0, sid).sid
    if any(
        not ace.allows and ace.sid == account and ace.rights & rights
        for ace in dacl.entries
    ):
        with pytest.raises(ValueError, match="denies"):
            dacl.grant(sid, rights)
        return
    granted = dacl.grant(sid, rights)

    def others(entries: tuple[Ace, ...]) -> list[Ace]:
        return [ace for ace in entries if ace.sid != account or ace.flags]

    assert granted.allowed(sid) == dacl.allowed(sid) | rights
    assert others(granted.entries) == others(dacl.entries)
    assert granted.is_canonical
    assert granted.grant(sid, rights) == granted


@given(CANONICAL, SIDS, RIGHTS)
def test_deny_comes_first(dacl: Dacl, sid: str, rights: int) -> None:
    """A denying entry is put before all that allow."""
    denied = dacl.deny(sid, rights)
    own = [ace for ace in denied.entries if not ace.allows and not ace.flags]

    assert denied.is_canonical
    assert any(
        ace.sid == Ace(True, 0, sid).sid and ace.rights & rights == rights
        for ace in own
    )


@given(DACLS, SIDS, RIGHTS)
def test_revoke_takes_back_that_alone(dacl: Dacl, sid: str, rights: int) -> None:
    """Denying and inherited entries stay, and all of other accounts."""
    revoked = dacl.revoke(sid, rights)

    assert revoked.allowed(sid) == dacl.allowed(sid) & ~rights
    assert dacl.revoke(sid).allowed(sid) == 0
    assert [ace for ace in revoked.entries if not ace.allows or ace.flags] == [
        ace for ace in dacl.entries if not ace.allows or ace.flags
    ]


def test_set_allowed_replaces_what_was_granted() -> None:
    """One entry has what is wanted, and no more."""
    dacl = parse_dacl(DEFAULT).grant(USER, ServiceRight.STOP | ServiceRight.START)
    again = dacl.set_allowed(USER, TO_START)

    assert again.allowed(USER) == TO_START
    assert str(again) == f"{DEFAULT}(A;;CCLCRPLO;;;{USER})"


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("D:(A;;GA;;;BA)", "D:AI(A;;CCDCLCSWRPWPDTLOCRSDRCWDWO;;;S-1-5-32-544)"),
        ("D:(A;;0x30;;;SY)", "O:BAG:BAD:(A;;WPRP;;;S-1-5-18)"),
        ("D:(A;;GR;;;AU)", "D:(A;;CCLCSWLORC;;;AU)"),
        ("D:(a;;rp;;;s-1-5-21-1-2-3-4)", "D:(A;;RP;;;S-1-5-21-1-2-3-4)"),
        ("D:(A;;GA;;;LA)", "D:(A;;GA;;;S-1-5-21-1-2-3-500)"),
        ("D:(A;;GA;;;S-1-5-21-1-2-3-512)(A;;RP;;;SY)", "D:(A;;GA;;;DA)(A;;RP;;;SY)"),
    ],
)
def test_spellings_of_one_dacl_are_the_same(one: str, other: str) -> None:
    """Generic rights, numbers, SIDs and marks of inheritance do not matter."""
    assert same_dacl(one, other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("D:(A;;RP;;;BA)", "D:(D;;RP;;;BA)"),
        ("D:(A;;RP;;;BA)", "D:P(A;;RP;;;BA)"),
        ("D:(A;;RP;;;BA)(A;;RP;;;SY)", "D:(A;;RP;;;SY)(A;;RP;;;BA)"),
        ("D:(A;;RP;;;BA)", "D:(A;;RPWP;;;BA)"),
        ("D:(A;;RP;;;BA)", "D:(A;;RP;;;BA)(A;;RP;;;SY)"),
        ("D:(A;;RP;;;LA)", "D:(A;;RP;;;S-1-5-21-1-2-3-1500)"),
        ("D:(A;;RP;;;LA)", "D:(A;;WP;;;S-1-5-21-1-2-3-500)"),
        ("D:(A;;RP;;;LA)", "D:(A;;RP;;;DA)"),
    ],
)
def test_order_and_content_matter(one: str, other: str) -> None:
    """The first entry that fits decides, so that their order counts."""
    assert not same_dacl(one, other)


@pytest.mark.parametrize(
    "sddl",
    [
        "",
        "O:SYG:SY",
        "D:NO_ACCESS_CONTROL",
        "D:(A;;RP;;;BA",
        "D:(A;;RP;;;)",
        "D:(A;;QQ;;;BA)",
        "D:(A;;R;;;BA)",
        "D:(OA;;RP;bf967aba-0de6-11d0-a285-00aa003049e2;;BA)",
        "D:(A;;RP;bf967aba-0de6-11d0-a285-00aa003049e2;;BA)",
        "D:(XA;;RP;;;BA;(@User.Title==1))",
        "D:(A;XX;RP;;;BA)",
        "D:(A;;08;;;BA)",
        "D:(A;;0x1ffffffff;;;BA)",
        "D:(A;;RP;;;Administrators)",
        "whatever",
    ],
)
def test_what_is_not_understood_is_refused(sddl: str) -> None:
    """Better no change than one that loses something."""
    with pytest.raises(ValueError, match=r"understood|has no DACL"):
        parse_dacl(sddl)


def test_grant_refuses_a_disordered_dacl() -> None:
    """Where an entry behind another may have been meant so, none is added."""
    dacl = parse_dacl("D:(A;;RP;;;BA)(D;;RP;;;AU)")
    with pytest.raises(ValueError, match="canonical order"):
        dacl.grant("SY", ServiceRight.START)


def test_dacl_of_is_its_text_alone() -> None:
    """Also of one that is not understood; without one there is none."""
    odd = "D:P(XA;;RP;;;BA;(Member_of {SID(BA)}))"

    assert dacl_of(f"O:SYG:SY{DEFAULT}S:(AU;FA;RP;;;WD)") == DEFAULT
    assert dacl_of(f"O:AU{odd}") == odd
    assert dacl_of("O:SYG:SY") is None
    assert same_dacl(odd, f"O:AU{odd}S:")
    assert not same_dacl(odd, DEFAULT)

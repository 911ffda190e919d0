"""Passwords that are tried once, and again."""

from __future__ import annotations

from cellrig.identity.passwords import hashed, matches


def test_a_password_that_has_matched_opens_nothing_but_its_own_account() -> None:
    kept, other = hashed("right"), hashed("other")
    assert [matches("right", kept), matches("right", kept)] == [True, True]
    assert not matches("wrong", kept)
    assert not matches("right", other)


def test_a_password_that_was_changed_does_not_match_any_more() -> None:
    kept = hashed("old")
    assert matches("old", kept)
    assert not matches("old", hashed("new"))


def test_the_same_password_is_never_kept_as_the_same_text() -> None:
    assert hashed("right") != hashed("right")
    assert "right" not in hashed("right")

"""Tokens that identity has seen are remembered, and for no longer than they hold."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig import Rig
from cellrig.errors import DatabaseUnavailable

Identity = Any  # the fixture of conftest.py


def _seen_token(identity: Identity, rig: Rig) -> str:
    """Return a token that has been looked at."""
    token = str(identity.sign_in(identity.user("ann")).headers["X-Subject-Token"])
    assert rig.identity.validate(token) is not None
    return token


def test_what_a_snapshot_does_not_know_of_holds_no_longer(identity: Identity, rig: Rig) -> None:
    before = rig.snapshot()
    token = _seen_token(identity, rig)
    rig.restore(before)
    assert rig.identity.validate(token) is None


def test_a_database_that_is_gone_is_not_made_up_for(identity: Identity, rig: Rig) -> None:
    token = _seen_token(identity, rig)
    rig.databases["identity"].take_down("maintenance")
    with pytest.raises(DatabaseUnavailable):
        rig.identity.validate(token)
    rig.databases["identity"].bring_back()
    assert rig.identity.validate(token) is not None


def test_a_token_that_has_expired_or_was_ended_is_not_remembered(
    identity: Identity, rig: Rig
) -> None:
    token = _seen_token(identity, rig)
    rig.identity.end_token(token)
    assert rig.identity.validate(token) is None
    token = str(
        identity.sign_in({"id": _id_of(identity), "name": "ann"}).headers["X-Subject-Token"]
    )
    assert rig.identity.validate(token) is not None
    rig.advance(2 * 3600)
    assert rig.identity.validate(token) is None


def _id_of(identity: Identity) -> str:
    (user_id,) = identity.ids("users?name=ann")
    return str(user_id)

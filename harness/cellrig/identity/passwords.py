"""Passwords and secrets: what is kept of them, and comparing with it."""

from __future__ import annotations

import hashlib
import hmac
import secrets

#: scrypt's cost: some ten milliseconds and 8 MB for each guess. The passwords of a cloud that
#: lives as long as a test need no more, and every sign-in of the test pays for it.
_COST = {"n": 2**13, "r": 8, "p": 1}


#: What has matched in this process, by what is kept of it: clients that sign in again and again,
#: as those whose clock is ahead of a rig's do with each request, pay for scrypt once.
_matched: dict[str, bytes] = {}
_MOST_MATCHED = 1024
_KEY = secrets.token_bytes(32)


def hashed(password: str) -> str:
    """Return what to keep of a password."""
    salt = secrets.token_bytes(16)
    return f"{salt.hex()}${_digest(password, salt)}"


def matches(password: str, kept: str) -> bool:
    """Whether a password is the one of which `kept` was made.

    A wrong one always takes the same time; a right one only the first time.
    """
    mark = hmac.digest(_KEY, password.encode(), "sha256")
    if hmac.compare_digest(_matched.get(kept, b""), mark):
        return True
    salt, _, digest = kept.partition("$")
    if not hmac.compare_digest(_digest(password, bytes.fromhex(salt)), digest):
        return False
    if len(_matched) >= _MOST_MATCHED:
        _matched.clear()
    _matched[kept] = mark
    return True


def new_secret() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(32)


def fingerprint(secret: str) -> str:
    """Return what to keep of a secret that `new_secret` has made: it needs no salt."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _digest(password: str, salt: bytes) -> str:
    return hashlib.scrypt(password.encode(), salt=salt, dklen=32, **_COST).hex()

"""Key pairs: what a user's guests let the user in with."""

from __future__ import annotations

from enum import StrEnum

import msgspec


class KeypairType(StrEnum):
    """What the public key is (microversion 2.2)."""

    SSH = "ssh"
    X509 = "x509"


class Keypair(msgspec.Struct, frozen=True):
    """A user's key pair; the private key is the user's alone.

    Args:
        name: unique among the user's.
        fingerprint: of the public key.
        created_at: seconds since the epoch.
        number: counts the key pairs; the API shows it as their id.
    """

    user_id: str
    name: str
    type: KeypairType
    fingerprint: str
    public_key: str
    created_at: float = 0.0
    number: int = 0

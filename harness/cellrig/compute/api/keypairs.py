"""Key pairs: made here or brought by their users."""

from __future__ import annotations

import base64
import binascii
import hashlib

from cellrig.compute.api.key_making import make_certificate, make_ssh_pair
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import Forbidden, Invalid
from cellrig.model import Keypair, KeypairType

_KINDS = ("ssh-rsa", "ssh-dss", "ssh-ed25519")
_CURVES = "ecdsa-sha2-nistp"


class Keypairs:
    """The key pairs of all users.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def create(
        self,
        context: RequestContext,
        name: str,
        *,
        public_key: str | None = None,
        type: KeypairType = KeypairType.SSH,  # noqa: A002 - the API's own name
        user_id: str | None = None,
    ) -> tuple[Keypair, str | None]:
        """Add a key pair.

        Args:
            context: who asks.
            name: unique among the user's.
            public_key: as OpenSSH writes it, or a certificate in PEM; None makes a new pair.
            type: what the public key is.
            user_id: whose it shall be, for administrators (microversion 2.10).

        Returns:
            The key pair, and the private key where one was made: nobody keeps it.

        Raises:
            Invalid: the public key cannot be read.
            Conflict: the user has one of this name.
            Forbidden: somebody who is no administrator names another user.
            ExtraMissing: a pair is to be made, and what makes it is not installed.
        """
        private = None
        if public_key is None:
            make = make_certificate if type is KeypairType.X509 else make_ssh_pair
            public_key, private = make()
        keypair = Keypair(
            self._owner(context, user_id),
            name,
            type,
            _fingerprint(public_key, type),
            public_key,
            self._around.runtime.now(),
        )
        return self._around.api.keypairs.create(keypair), private

    def show(self, context: RequestContext, name: str, user_id: str | None = None) -> Keypair:
        """Return one of the caller's key pairs; of any user's, to an administrator."""
        return self._around.api.keypairs.get(self._owner(context, user_id), name)

    def all(self, context: RequestContext, user_id: str | None = None) -> list[Keypair]:
        """Return the caller's key pairs, by name; any user's, to an administrator."""
        return self._around.api.keypairs.of_user(self._owner(context, user_id))

    def delete(self, context: RequestContext, name: str, user_id: str | None = None) -> None:
        """Delete one of the caller's key pairs; any user's, for an administrator."""
        self._around.api.keypairs.delete(self._owner(context, user_id), name)

    def _owner(self, context: RequestContext, user_id: str | None) -> str:
        if user_id not in (None, context.user_id) and not context.is_admin:
            raise Forbidden(
                f"user {context.user_id} may not see key pairs of user {user_id}: "
                "this takes an administrator"
            )
        return user_id or context.user_id


def _fingerprint(public_key: str, type_: KeypairType) -> str:
    """Return a key's MD5 sum, or a certificate's SHA-1 sum, in pairs of digits."""
    if type_ is KeypairType.X509:
        lines = [line.strip() for line in public_key.strip().splitlines()]
        if len(lines) < 3 or lines[0] != "-----BEGIN CERTIFICATE-----":
            raise Invalid("public_key is no certificate in PEM, which type x509 takes")
        return _pairs(hashlib.sha1(_decoded("".join(lines[1:-1])), usedforsecurity=False))
    words = public_key.split()
    if len(words) < 2 or not (words[0] in _KINDS or words[0].startswith(_CURVES)):
        raise Invalid("public_key is no OpenSSH public key: it takes a type and the key in base64")
    key = _decoded(words[1])
    # A key says its own type once more: its length in four bytes, and the type (RFC 4253, 6.6).
    kind = words[0].encode()
    if not key.startswith(len(kind).to_bytes(4, "big") + kind):
        raise Invalid(f"public_key is called {words[0]}, and its key in base64 is of no such type")
    return _pairs(hashlib.md5(key, usedforsecurity=False))


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error as error:
        raise Invalid(f"public_key cannot be decoded from base64: {error}") from error


def _pairs(digest: hashlib._Hash) -> str:
    return ":".join(f"{byte:02x}" for byte in digest.digest())

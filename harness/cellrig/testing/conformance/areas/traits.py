"""Capabilities of which the interface asks nothing but that the node tells of them."""

from __future__ import annotations

from typing import ClassVar

from cellrig.testing.conformance.areas.capability import Told


class TrustedCerts(Told):
    """Image signatures are checked; only the trait is verified."""

    name: ClassVar[str] = "trusted_certs"
    capability: ClassVar[str | None] = "trusted_certs"


class EphemeralEncryption(Told):
    """Local disks are encrypted; only the trait is verified."""

    name: ClassVar[str] = "ephemeral_encryption"
    capability: ClassVar[str | None] = "ephemeral_encryption"


class EphemeralEncryptionLuks(Told):
    """Local disks are encrypted as LUKS; only the trait is verified."""

    name: ClassVar[str] = "ephemeral_encryption_luks"
    capability: ClassVar[str | None] = "ephemeral_encryption_luks"


class EphemeralEncryptionPlain(Told):
    """Local disks are encrypted without a header; only the trait is verified."""

    name: ClassVar[str] = "ephemeral_encryption_plain"
    capability: ClassVar[str | None] = "ephemeral_encryption_plain"

"""Making keys and certificates for users who bring none (until microversion 2.91)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from cellrig.errors import ExtraMissing

#: Bits of the key of a certificate.
_BITS = 2048
#: How long a certificate holds. Nothing looks at it; guests that would are not here.
_LIFE = timedelta(days=3650)
_NAME = "Generated-by-Cellrig"


def make_ssh_pair() -> tuple[str, str]:
    """Return a new key pair, as OpenSSH writes them: the public key, the private key.

    Raises:
        ExtraMissing: what makes it is not installed.
    """
    try:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ed25519
    except ModuleNotFoundError as error:
        raise ExtraMissing("making a key pair", error.name, "http") from error
    key = ed25519.Ed25519PrivateKey.generate()
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.OpenSSH,
        serialization.NoEncryption(),
    )
    public = key.public_key().public_bytes(
        serialization.Encoding.OpenSSH, serialization.PublicFormat.OpenSSH
    )
    return f"{public.decode()} {_NAME}", private.decode()


def make_certificate() -> tuple[str, str]:
    """Return a new certificate, signed by itself, and its private key, both in PEM.

    Raises:
        ExtraMissing: what makes it is not installed.
    """
    try:
        from cryptography import x509
        from cryptography.hazmat.primitives import hashes, serialization
        from cryptography.hazmat.primitives.asymmetric import rsa
    except ModuleNotFoundError as error:
        raise ExtraMissing("making a certificate", error.name, "http") from error
    key = rsa.generate_private_key(public_exponent=65537, key_size=_BITS)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, _NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now)
        .not_valid_after(now + _LIFE)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    return certificate.public_bytes(serialization.Encoding.PEM).decode(), private.decode()

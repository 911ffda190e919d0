"""What the compute API shows of a server and no other part of the cloud needs."""

from __future__ import annotations

import msgspec


class Presentation(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What users say of a server for others to read.

    Args:
        description: for people (microversion 2.19).
        access_ip_v4, access_ip_v6: where users reach the server, as they say; empty for nothing.
        disk_config: ``MANUAL`` or ``AUTO``; told to nobody.
        config_drive: whether one was asked for.
        user_data: base64, as it was given.
        trusted_image_certificates: ids of certificates (2.63); None where none are asked for.
        security_groups: their names.
    """

    description: str | None = None
    access_ip_v4: str = ""
    access_ip_v6: str = ""
    disk_config: str = "MANUAL"
    config_drive: bool = False
    user_data: str | None = None
    trusted_image_certificates: tuple[str, ...] | None = None
    security_groups: tuple[str, ...] = ("default",)

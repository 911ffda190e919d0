"""Which services a cloud has, and where they are below the server's root."""

from __future__ import annotations

from typing import NamedTuple


class Service(NamedTuple):
    """One entry of the catalog.

    Attributes:
        type, name: of the service, as clients look for it.
        path: below the server's root; ``{project_id}`` stands for that of the token.
    """

    type: str
    name: str
    path: str


SERVICES = (
    Service("identity", "keystone", "/identity/v3"),
    Service("compute", "nova", "/compute/v2.1"),
    Service("placement", "placement", "/placement"),
    Service("block-storage", "cinder", "/volume/v3/{project_id}"),
    Service("volumev3", "cinderv3", "/volume/v3/{project_id}"),
    Service("image", "glance", "/image"),
    Service("network", "neutron", "/network"),
)

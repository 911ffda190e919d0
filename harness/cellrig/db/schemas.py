"""All kinds of databases that there are."""

from __future__ import annotations

from cellrig.db.api_tables import API_SCHEMA
from cellrig.db.cell_tables import CELL_SCHEMA
from cellrig.db.schema import Schema
from cellrig.identity import IDENTITY_SCHEMA
from cellrig.image import IMAGES_SCHEMA
from cellrig.lasting.tables import RIG_SCHEMA
from cellrig.network.tables import NETWORKS_SCHEMA
from cellrig.placement.tables import PLACEMENT_SCHEMA
from cellrig.volume.tables import VOLUMES_SCHEMA

#: By kind.
SCHEMAS: dict[str, Schema] = {
    schema.kind: schema
    for schema in (
        API_SCHEMA,
        CELL_SCHEMA,
        IDENTITY_SCHEMA,
        IMAGES_SCHEMA,
        NETWORKS_SCHEMA,
        PLACEMENT_SCHEMA,
        RIG_SCHEMA,
        VOLUMES_SCHEMA,
    )
}

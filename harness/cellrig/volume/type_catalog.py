"""The catalog of volume types."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import select

from cellrig.context import RequestContext
from cellrig.db.database import Statement
from cellrig.db.statements import delete_by, select_by
from cellrig.volume import tables
from cellrig.volume.errors import VolumeTypeExists, VolumeTypeInUse
from cellrig.volume.records import add_type, find_type, type_of
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import VolumeType
from cellrig.volume.volumes import check_admin

_BY_NAME = Statement(select(tables.volume_types).order_by(tables.volume_types.c.name))


class TypeCatalog:
    """Volume types."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def create(
        self,
        context: RequestContext,
        name: str,
        extra_specs: Mapping[str, str] | None,
        description: str | None,
        is_public: bool,
    ) -> VolumeType:
        """See `VolumeClient.type_create`."""
        check_admin(context, "make volume types")
        volume_type = VolumeType(
            id=self._around.new_uuid(),
            name=name,
            description=description,
            is_public=is_public,
            extra_specs=dict(extra_specs or {}),
        )
        with self._transaction() as transaction:
            if transaction.one(select_by(tables.volume_types, "name"), name=name):
                raise VolumeTypeExists(name)
            add_type(transaction, volume_type)
        return volume_type

    def get(self, context: RequestContext, name_or_id: str) -> VolumeType:
        """See `VolumeClient.type_get`."""
        with self._transaction() as transaction:
            return find_type(transaction, context, name_or_id)

    def all(self, context: RequestContext) -> tuple[VolumeType, ...]:
        """See `VolumeClient.type_list`."""
        with self._transaction() as transaction:
            found = map(type_of, transaction.all(_BY_NAME))
            return tuple(each for each in found if each.is_public or context.is_admin)

    def delete(self, context: RequestContext, name_or_id: str) -> None:
        """See `VolumeClient.type_delete`."""
        check_admin(context, "delete volume types")
        with self._transaction() as transaction:
            found = find_type(transaction, context, name_or_id)
            if transaction.one(
                select_by(tables.volumes, "volume_type_id"), volume_type_id=found.id
            ):
                raise VolumeTypeInUse(found.name)
            transaction.run(delete_by(tables.volume_types, "id"), id=found.id)

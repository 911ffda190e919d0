"""The catalog of volume types."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from msgspec.structs import replace
from sqlalchemy import select

from cellrig.context import RequestContext
from cellrig.db.database import Statement, Transaction
from cellrig.db.statements import delete_by, select_by
from cellrig.errors import Invalid
from cellrig.volume import tables
from cellrig.volume.checks import check_admin
from cellrig.volume.errors import VolumeTypeExists, VolumeTypeInUse
from cellrig.volume.records import add_type, change_type, find_type, may_use, type_of
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import VolumeType

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
            return tuple(each for each in found if may_use(transaction, context, each))

    def change(self, context: RequestContext, type_id: str, **changes: Any) -> VolumeType:
        """Change a type's name, description or publicity (administrators).

        Raises:
            VolumeTypeExists: another one has the name.
        """
        check_admin(context, "change volume types")
        with self._transaction() as transaction:
            found = find_type(transaction, context, type_id)
            name = changes.get("name", found.name)
            if name != found.name and transaction.one(
                select_by(tables.volume_types, "name"), name=name
            ):
                raise VolumeTypeExists(name)
            if changes:
                change_type(transaction, found.id, **changes)
            return find_type(transaction, context, found.id)

    def change_extra_specs(
        self,
        context: RequestContext,
        type_id: str,
        change: Callable[[dict[str, str]], dict[str, str]],
    ) -> dict[str, str]:
        """Let `change` make new extra specs of a type's, in one step; return them.

        Raises:
            VolumeTypeInUse: multiattach would change under volumes that are there.
        """
        check_admin(context, "change the extra specs of volume types")
        with self._transaction() as transaction:
            found = find_type(transaction, context, type_id)
            made = replace(found, extra_specs=change(found.extra_specs))
            if made.multiattach != found.multiattach and self._is_used(transaction, found):
                raise VolumeTypeInUse(found.name)
            change_type(transaction, found.id, extra_specs=made.extra_specs)
        return made.extra_specs

    def _is_used(self, transaction: Transaction, volume_type: VolumeType) -> bool:
        statement = select_by(tables.volumes, "volume_type_id")
        return transaction.one(statement, volume_type_id=volume_type.id) is not None

    def delete(self, context: RequestContext, name_or_id: str) -> None:
        """See `VolumeClient.type_delete`."""
        check_admin(context, "delete volume types")
        with self._transaction() as transaction:
            found = find_type(transaction, context, name_or_id)
            if self._is_used(transaction, found):
                raise VolumeTypeInUse(found.name)
            if found.name == self._around.default_type:
                raise Invalid(f"volume type {found.name!r} is the default one, so it must stay")
            for table in (tables.type_access, tables.default_types):
                transaction.run(delete_by(table, "volume_type_id"), volume_type_id=found.id)
            transaction.run(delete_by(tables.volume_types, "id"), id=found.id)

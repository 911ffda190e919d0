"""Which projects may use volume types that are not public, and which type a project has first."""

from __future__ import annotations

from sqlalchemy import select

from cellrig.context import RequestContext
from cellrig.db.database import Statement, Transaction
from cellrig.db.statements import delete_by, insert_into, select_by
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.volume import tables
from cellrig.volume.checks import check_admin
from cellrig.volume.records import find_type
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.types import VolumeType

_DEFAULTS = Statement(select(tables.default_types).order_by(tables.default_types.c.project_id))


class TypeAccess:
    """Projects and volume types; all but `default` is for administrators."""

    def __init__(self, around: Surroundings) -> None:
        self._around = around
        self._transaction = around.database.transaction

    def projects(self, context: RequestContext, type_id: str) -> list[str]:
        """Return the projects that may use a type.

        Raises:
            NotFound: the type is public, so that there is no such list.
        """
        check_admin(context, "see who may use a volume type")
        with self._transaction() as transaction:
            found = find_type(transaction, context, type_id)
            if found.is_public:
                raise NotFound("list of the projects that may use the public volume type", type_id)
            statement = select_by(tables.type_access, "volume_type_id")
            rows = transaction.all(statement, volume_type_id=found.id)
        return sorted(project_id for _type, project_id in rows)

    def add(self, context: RequestContext, type_id: str, project_id: str) -> None:
        """Let a project use a type.

        Raises:
            Conflict: it may already.
            Invalid: everybody may.
        """
        check_admin(context, "say who may use a volume type")
        with self._transaction() as transaction:
            entry = self._entry(transaction, context, type_id, project_id)
            if transaction.one(select_by(tables.type_access, *entry), **entry):
                raise Conflict(f"project {project_id} may use volume type {type_id} already")
            transaction.run(insert_into(tables.type_access), **entry)

    def remove(self, context: RequestContext, type_id: str, project_id: str) -> None:
        """Let a project no longer use a type.

        Raises:
            NotFound: it could not.
            Invalid: everybody may.
        """
        check_admin(context, "say who may use a volume type")
        with self._transaction() as transaction:
            entry = self._entry(transaction, context, type_id, project_id)
            if not transaction.run(delete_by(tables.type_access, *entry), **entry):
                raise NotFound(f"access to volume type {type_id} of project", project_id)

    def _entry(
        self, transaction: Transaction, context: RequestContext, type_id: str, project_id: str
    ) -> dict[str, str]:
        found = find_type(transaction, context, type_id)
        if found.is_public:
            raise Invalid(f"volume type {type_id} is public: every project may use it")
        return {"volume_type_id": found.id, "project_id": project_id}

    # -- defaults --------------------------------------------------------------------------------

    def default(self, context: RequestContext) -> VolumeType:
        """Return the type that a volume of the caller's project gets when it names none."""
        with self._transaction() as transaction:
            return default_type(transaction, context, self._around.default_type)

    def default_of(self, context: RequestContext, project_id: str) -> str:
        """Return the id of the type that a project has been given as its default.

        Raises:
            NotFound: it has been given none.
        """
        check_admin(context, "see the default volume types of projects")
        with self._transaction() as transaction:
            found = own_default(transaction, project_id)
        if found is None:
            raise NotFound("default volume type of project", project_id)
        return found

    def defaults(self, context: RequestContext) -> dict[str, str]:
        """Return the projects that have a default of their own, with the type's id."""
        check_admin(context, "see the default volume types of projects")
        with self._transaction() as transaction:
            return dict(transaction.all(_DEFAULTS))

    def set_default(self, context: RequestContext, project_id: str, type_id: str) -> str:
        """Give a project a default of its own; return the type's id."""
        check_admin(context, "set the default volume types of projects")
        with self._transaction() as transaction:
            found = find_type(transaction, context, type_id)
            key = {"project_id": project_id}
            transaction.run(delete_by(tables.default_types, "project_id"), **key)
            transaction.run(insert_into(tables.default_types), **key, volume_type_id=found.id)
        return found.id

    def unset_default(self, context: RequestContext, project_id: str) -> None:
        """Let a project have the cloud's default again."""
        check_admin(context, "set the default volume types of projects")
        with self._transaction() as transaction:
            statement = delete_by(tables.default_types, "project_id")
            if not transaction.run(statement, project_id=project_id):
                raise NotFound("default volume type of project", project_id)


def own_default(transaction: Transaction, project_id: str) -> str | None:
    """Return the id of the default type that a project has been given; None for none."""
    statement = select_by(tables.default_types, "project_id")
    row = transaction.one(statement, project_id=project_id)
    return None if row is None else str(row[1])


def default_type(transaction: Transaction, context: RequestContext, cloud: str) -> VolumeType:
    """Return the type that a project's volumes get when they name none.

    Args:
        transaction, context: whose project.
        cloud: the name of the cloud's default type.
    """
    chosen = own_default(transaction, context.project_id) or cloud
    return find_type(transaction, context.elevated(), chosen)

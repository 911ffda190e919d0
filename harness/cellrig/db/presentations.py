"""The API database's record of what is shown of servers and used by nobody."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cellrig.db import api_tables as tables
from cellrig.db.database import Database
from cellrig.db.statements import delete_by, insert_into, select_in
from cellrig.model import Presentation

_decode = msgspec.json.Decoder(Presentation).decode
_IN = select_in(tables.presentations, "instance_uuid", "instance_uuid")
#: The most uuids that go into one statement's list.
_LIST = 1000


class PresentationStore:
    """Presentations of servers; one that says nothing is not kept.

    Args:
        database: the API database.
    """

    def __init__(self, database: Database) -> None:
        self._database = database

    def save(self, instance_uuids: Sequence[str], presentation: Presentation) -> None:
        """Write what is shown of some servers, in place of what was."""
        text = msgspec.json.encode(presentation).decode()
        with self._database.transaction() as transaction:
            for uuid in instance_uuids:
                transaction.run(
                    delete_by(tables.presentations, "instance_uuid"), instance_uuid=uuid
                )
                if presentation != Presentation():
                    transaction.run(
                        insert_into(tables.presentations), instance_uuid=uuid, presentation=text
                    )

    def of_servers(self, instance_uuids: Sequence[str]) -> dict[str, Presentation]:
        """Return what is shown of some servers, of those for which there is anything."""
        found: dict[str, Presentation] = {}
        with self._database.reading() as transaction:
            for start in range(0, len(instance_uuids), _LIST):
                keys = instance_uuids[start : start + _LIST]
                found.update(
                    (uuid, _decode(text)) for uuid, text in transaction.all(_IN, keys=keys)
                )
        return found

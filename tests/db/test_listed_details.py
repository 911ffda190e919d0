"""What belongs to listed servers comes whole from every kind of database."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from database_servers import KINDS

from cellrig.compute.api.requests import MAX_TAG_LENGTH, MAX_TAGS
from cellrig.compute.api.server_filters import order_of
from cellrig.db.cell_tables import CELL_SCHEMA
from cellrig.db.database import Database
from cellrig.db.instances import InstanceStore
from cellrig.db.listing import ListingStore
from cellrig.db.places import place_of
from cellrig.db.questions import Question
from cellrig.model import Flavor, Instance, InstanceFault, Server
from cellrig.runtime.virtual import VirtualRuntime

NAMES_DOWN = order_of(["name"], ["desc"])


@pytest.fixture(params=["sqlite", *KINDS])
def cell(request: pytest.FixtureRequest, find_server: Callable[[str], str]) -> Iterator[Database]:
    """The database of a cell, of each kind."""
    place = place_of(None if request.param == "sqlite" else find_server(request.param))
    storage = place.storage("cell1", CELL_SCHEMA)
    database = Database("cell1", CELL_SCHEMA.image, VirtualRuntime(), storage)
    yield database
    database.close()
    place.close()


def write(cell: Database, name: str, *tags: str) -> None:
    server = Instance(
        uuid=f"id of {name}",
        name=name,
        project_id="p",
        user_id="u",
        flavor_id="1",
        flavor=Flavor("1", "tiny"),
    )
    InstanceStore(cell, lambda: 0.0).create(server, tags)


def listed(cell: Database) -> list[Server]:
    return ListingStore(cell).servers(Question((), NAMES_DOWN, 10)).rows


def test_as_many_tags_as_a_server_takes_come_sorted_by_their_code_points(cell: Database) -> None:
    tags = [chr(0x1F600 + number) * MAX_TAG_LENGTH for number in range(MAX_TAGS - 4)]
    tags += ["b", "B", "é", "a b"]
    write(cell, "tagged", *reversed(tags))
    write(cell, "plain")
    write(cell, "alone", "one")
    assert [(server.name, server.tags) for server in listed(cell)] == [
        ("tagged", tuple(sorted(tags))),
        ("plain", ()),
        ("alone", ("one",)),
    ]


def test_of_several_faults_the_latest_is_told_and_of_a_sound_server_none(cell: Database) -> None:
    write(cell, "ill")
    write(cell, "sound")
    store = InstanceStore(cell, lambda: 0.0)
    for message in ("first", "second"):
        store.add_fault(InstanceFault("id of ill", 500, message, "", None, 1.0))
    faults = {server.name: server.fault for server in listed(cell)}
    assert faults["sound"] is None
    assert faults["ill"] is not None
    assert faults["ill"].message == "second"

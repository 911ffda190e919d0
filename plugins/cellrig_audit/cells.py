"""An instance is in exactly one cell database, the one its mapping names."""

from __future__ import annotations

from collections.abc import Iterator

from cellrig_audit.picture import Picture, Record


def check(picture: Picture) -> Iterator[str]:
    """Find servers in two cells, in the wrong one, in none, and build requests that are over."""
    for uuid in sorted(picture.records):
        yield from _check_records(picture, uuid, picture.records[uuid])
    for uuid in sorted(picture.mappings):
        if uuid not in picture.records:
            yield from _check_mapping_alone(picture, uuid)
    for uuid in sorted(picture.build_requests):
        yield from _check_build_request(picture, uuid)


def _check_records(picture: Picture, uuid: str, records: list[Record]) -> Iterator[str]:
    cells = " and ".join(record.cell for record in records)
    if len(records) > 1 and not _is_being_placed(picture, uuid):
        yield f"server {uuid} is in the databases of the cells {cells}; it can be in one only"
    mapping = picture.mappings.get(uuid)
    if mapping is None:
        yield f"server {uuid} is in the database of cell {cells}, and has no instance mapping"
    elif mapping.cell is None:
        if not _is_being_placed(picture, uuid):
            yield (
                f"server {uuid} is in the database of cell {cells}, its instance mapping names no "
                "cell"
            )
    elif mapping.cell not in [record.cell for record in records]:
        yield (
            f"server {uuid} is in the database of cell {cells}, its instance mapping names cell "
            f"{mapping.cell}"
        )


def _check_mapping_alone(picture: Picture, uuid: str) -> Iterator[str]:
    mapping = picture.mappings[uuid]
    if mapping.cell is not None:
        yield (
            f"the instance mapping of server {uuid} names cell {mapping.cell}, whose database has "
            "no such server"
        )
    elif uuid not in picture.build_requests and not mapping.queued_for_delete:
        yield (
            f"server {uuid} is lost: nobody has deleted it, its instance mapping names no cell, "
            "and it has no build request"
        )


def _check_build_request(picture: Picture, uuid: str) -> Iterator[str]:
    mapping = picture.mappings.get(uuid)
    if mapping is None:
        yield f"the build request of server {uuid} has no instance mapping beside it"
    elif mapping.cell is not None:
        yield (
            f"the build request of server {uuid} has outlived its build: the instance mapping "
            f"names cell {mapping.cell}"
        )
    elif uuid in picture.records and not _is_being_placed(picture, uuid):
        cells = " and ".join(record.cell for record in picture.records[uuid])
        yield (
            f"the build request of server {uuid} has outlived its build: the server is in the "
            f"database of cell {cells}"
        )


def _is_being_placed(picture: Picture, uuid: str) -> bool:
    """Whether a super-conductor that is down had it in its hands; it cleans up when it is back."""
    return "conductor" in picture.crashed and uuid in picture.build_requests

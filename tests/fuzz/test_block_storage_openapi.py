"""Requests made up from the OpenAPI description of block storage: none may end in a 500.

Every example begins in the same start state: a volume with a snapshot, one that is attached, a
private type and a transfer. Most made-up ids are replaced by some that this state knows.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellrig import Rig
from cellrig.http.rig_faces import rig_face
from cellrig.http.volume import ROUTES
from cellrig.snapshot import Snapshot

schemathesis = pytest.importorskip(
    "schemathesis", reason="made-up requests need schemathesis (tox -e fuzz)"
)
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402

load_all_checks()
NO_ERROR = CHECKS.get_by_names(["not_a_server_error"])
#: Also of answers that have a body; what only says that it has been done has none.
PROMISES = CHECKS.get_by_names(
    ["not_a_server_error", "content_type_conformance", "response_schema_conformance"]
)
#: The first, and the last: bodies change little in between.
MINOR_VERSIONS = [0, 71]
#: Three requests that fit the description for each one that does not.
MODES = [*[GenerationMode.POSITIVE] * 3, GenerationMode.NEGATIVE]
TOKEN = {"X-Auth-Token": "admin"}


class World(NamedTuple):
    """A rig in its start state, the way back to it, and ids that it knows."""

    rig: Rig
    start: Snapshot
    schema: Any
    known: dict[str, list[str]]


def fill(rig: Rig) -> dict[str, list[str]]:
    """Make what requests can be about; return the ids by the parameters that take them."""
    storage = rig.session("volume")
    storage.headers["OpenStack-API-Version"] = "volume 3.71"
    plain, used, offered = (rig.volumes.create().id for _each in range(3))
    snapshot = rig.volume_snapshots.create(plain).id
    body: dict[str, Any] = {"attachment": {"volume_uuid": used, "connector": {"host": "one"}}}
    attachment = storage.post("/v3/attachments", json=body).json()["attachment"]["id"]
    body = {"transfer": {"volume_id": offered}}
    transfer = storage.post("/v3/volume-transfers", json=body).json()["transfer"]["id"]
    kind = rig.volume_types.create("secret", is_public=False, extra_specs={"a": "b"}).id
    return {
        "volume_id": [plain, used, offered],
        "snapshot_id": [snapshot],
        "attachment_id": [attachment],
        "transfer_id": [transfer],
        "type_id": [kind, rig.volume_types.list()[0].id],
        "of_project": ["admin", "other"],
        "host_name": ["cellrig@fake", "cellrig@fake#fake"],
        "project_id": ["admin"],
        "key": ["a"],
    }


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with Rig(audit=False) as rig:
        known = fill(rig)
        schema = schemathesis.openapi.from_wsgi(
            f"/volume/openapi.json?microversion={request.param}", rig_face(rig, "volume", "/volume")
        )
        schema.config.generation.update(with_security_parameters=False)
        ids = [value for values in known.values() for value in values]

        def known_segments(_context: Any, segments: Any) -> st.SearchStrategy[Any]:
            chosen = {
                name: any_of(value, st.sampled_from(known.get(name, ["nothing"])))
                for name, value in (segments or {}).items()
            }
            return st.fixed_dictionaries(chosen) if chosen else st.just(segments)

        def known_body(_context: Any, body: Any) -> st.SearchStrategy[Any]:
            return any_of(body, fitting(body, ids))

        schema.hook("flatmap_path_parameters")(known_segments)
        schema.hook("flatmap_body")(known_body)
        yield World(rig, rig.snapshot(), schema, known)


def any_of(value: Any, known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Choose a known value three times out of four; equal branches of one_of count as one."""
    return st.integers(0, 3).flatmap(lambda number: known if number else st.just(value))


def fitting(value: Any, ids: list[str]) -> st.SearchStrategy[Any]:
    """Replace uuids wherever they are in a body."""
    if isinstance(value, dict):
        return st.fixed_dictionaries({key: fitting(each, ids) for key, each in value.items()})
    if isinstance(value, str) and len(value) == 36:
        return st.sampled_from(ids)
    return st.just(value)


def operations() -> list[tuple[str, str]]:
    """Return every microversion with each operation that it knows, without a project's id."""
    return [
        (f"3.{minor}", f"{route.method} /volume{route.path}")
        for minor in MINOR_VERSIONS
        for route in ROUTES
        if (3, minor) >= route.since and "{project_id}" not in route.path and route.policy
    ]


@pytest.mark.parametrize(("world", "operation"), operations(), indirect=["world"])
def test_no_made_up_request_ends_in_a_server_error(
    world: World, operation: str, pytestconfig: pytest.Config
) -> None:
    described = world.schema.find_operation_by_label(operation)
    assert described is not None
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=pytestconfig.getoption("--max-examples"),
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(MODES).flatmap(described.as_strategy))
    def ask(case: Any) -> None:
        answer = case.call(headers=TOKEN)
        if case.method != "GET":
            world.rig.restore(world.start)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=PROMISES if answer.content else NO_ERROR)

    ask()
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    sys.stdout.write(f"{operation} ({told})\n")


@pytest.mark.parametrize("world", [f"3.{minor}" for minor in MINOR_VERSIONS], indirect=True)
def test_the_description_is_valid(world: World) -> None:
    world.schema.validate()

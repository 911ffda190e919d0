"""Requests made up from the OpenAPI description of the network API: none may end in a 500.

Every example begins in the same start state: a network with a port, one that a server has, and a
security group. Most made-up ids are replaced by some that this state knows.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellrig import Rig, Topology
from cellrig.http.network import ROUTES
from cellrig.http.rig_faces import rig_face
from cellrig.network.starting import NetworkTopology
from cellrig.snapshot import Snapshot

schemathesis = pytest.importorskip(
    "schemathesis", reason="made-up requests need schemathesis (tox -e fuzz)"
)
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402

load_all_checks()
NO_ERROR = CHECKS.get_by_names(["not_a_server_error"])
PROMISES = CHECKS.get_by_names(
    ["not_a_server_error", "content_type_conformance", "response_schema_conformance"]
)
#: Three requests that fit the description for each one that does not.
MODES = [*[GenerationMode.POSITIVE] * 3, GenerationMode.NEGATIVE]


class World(NamedTuple):
    """A rig in its start state, the way back to it, and its description."""

    rig: Rig
    start: Snapshot
    schema: Any


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    networks = [NetworkTopology("private", subnets=["10.0.0.0/24", "2001:db8::/64"])]
    with Rig(Topology(networks=networks), audit=False) as rig:
        private = rig.networks.find("private")
        rig.servers.create()
        rig.networks.create_port(private)
        group = rig.networks.create_group("web")
        known = [
            private.id,
            group.id,
            *(each.id for each in rig.networks.ports()),
            *(each.id for each in rig.networks.subnets()),
            *(each.id for each in rig.networks.rules(group)),
        ]
        schema = schemathesis.openapi.from_wsgi(
            "/network/openapi.json", rig_face(rig, "network", "/network")
        )
        schema.config.generation.update(with_security_parameters=False)

        def known_segments(_context: Any, segments: Any) -> st.SearchStrategy[Any]:
            chosen = {name: any_of(value, known) for name, value in (segments or {}).items()}
            return st.fixed_dictionaries(chosen) if chosen else st.just(segments)

        def known_body(_context: Any, body: Any) -> st.SearchStrategy[Any]:
            return any_id_of(body, known)

        schema.hook("flatmap_path_parameters")(known_segments)
        schema.hook("flatmap_body")(known_body)
        yield World(rig, rig.snapshot(), schema)


def any_of(value: Any, known: list[str]) -> st.SearchStrategy[Any]:
    """Choose a known id three times out of four."""
    return st.integers(0, 3).flatmap(
        lambda number: st.sampled_from(known) if number else st.just(value)
    )


def any_id_of(value: Any, known: list[str]) -> st.SearchStrategy[Any]:
    """Replace ids wherever they are in a body, most of the time."""
    if not isinstance(value, dict):
        return st.just(value)
    return st.fixed_dictionaries(
        {
            key: any_of(each, known) if key.endswith("_id") else any_id_of(each, known)
            for key, each in value.items()
        }
    )


@pytest.mark.parametrize(
    "operation", [f"{each.method} /network{each.path}" for each in ROUTES if each.policy]
)
def test_no_made_up_request_to_networks_ends_in_a_server_error(
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
        answer = case.call(headers={"X-Auth-Token": "admin"})
        if case.method != "GET":
            world.rig.restore(world.start)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=PROMISES if answer.content else NO_ERROR)

    ask()
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    sys.stdout.write(f"{operation} ({told})\n")


def test_the_description_of_the_network_api_is_valid(world: World) -> None:
    world.schema.validate()

"""Requests made up from the OpenAPI descriptions of compute, identity, images and the control face.

None may end in a 500. Every example begins in the same start state, in which there is something of
each kind; most made-up ids are replaced by some that this state knows.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellrig import Cell, Rig, Topology
from cellrig.http import compute, image
from cellrig.http.front_door import front_door
from cellrig.http.identity.table import ROUTES as IDENTITY_ROUTES
from cellrig.http.rig.doors import with_control
from cellrig.http.rig.table import ROUTES as CONTROL_ROUTES
from cellrig.http.routes import Route
from cellrig.http.session import FaceSession
from cellrig.http.sign_in import by_token_or_name
from cellrig.snapshot import Snapshot

schemathesis = pytest.importorskip(
    "schemathesis", reason="made-up requests need schemathesis (tox -e fuzz)"
)
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402

load_all_checks()


def as_json(_context: Any, value: Any) -> bytes:
    """Write what changes an image."""
    return json.dumps(value).encode()


schemathesis.serializer("application/openstack-images-v2.1-json-patch")(as_json)


NO_ERROR = CHECKS.get_by_names(["not_a_server_error"])
#: Also of answers that have a body; what only says that it has been done has none.
PROMISES = CHECKS.get_by_names(
    ["not_a_server_error", "content_type_conformance", "response_schema_conformance"]
)
#: Three requests that fit the description for each one that does not.
MODES = [*[GenerationMode.POSITIVE] * 3, GenerationMode.NEGATIVE]
TOKEN = "admin"  # noqa: S105 - in the same process a name is a token
#: What a deployment without it says of consoles, network hosts and the like.
NOT_IMPLEMENTED = 501

Ids = dict[str, list[str]]


class World(NamedTuple):
    """A rig in its start state, the way back to it, and its description."""

    rig: Rig
    start: Snapshot
    schema: Any
    door: FaceSession
    live: bool

    def bring_back(self) -> None:
        """Go back to the start state, whatever a request has broken."""
        # A served cloud must be at rest for that, which its own control face sees to.
        for database in self.rig.databases.values():
            database.bring_back()
        if self.live:
            for label, process in self.rig.cloud.processes.items():
                if process.crashed:
                    self.rig.restart(label)
            assert self.door.post("/rig/reset").status_code == 204
        else:
            self.rig.restore(self.start)


class Fuzzed(NamedTuple):
    """A face in one microversion."""

    name: str
    routes: tuple[Route[Any], ...]
    version: str = ""

    @property
    def label(self) -> str:
        return f"{self.name} {self.version}".strip()

    def operations(self) -> list[str]:
        minor = tuple(int(part) for part in self.version.split(".")) if self.version else None
        return [
            f"{route.method} /{self.name}{route.path}"
            for route in self.routes
            if route.policy and (minor is None or route.exists_in((minor[0], minor[1])))
        ]


FACES = [
    *(Fuzzed("compute", compute.ROUTES, version) for version in ("2.1", "2.104")),
    Fuzzed("identity", IDENTITY_ROUTES),
    Fuzzed("image", image.ROUTES),
    Fuzzed("rig", CONTROL_ROUTES),
]


def ids_of(found: Any) -> list[str]:
    return [str(each["id"]) for each in found]


def fill(rig: Rig) -> Ids:
    """Make one of each kind; return the ids by the parameters that take them."""
    nova, keystone = rig.session("compute"), rig.session("identity")
    glance = rig.session("image")
    nova.headers["OpenStack-API-Version"] = "compute 2.104"
    plain, moved, shelved = (rig.servers.create() for _each in range(3))
    volume, free = rig.volumes.create(), rig.volumes.create()
    rig.settle()
    rig.servers.attach_volume(plain, volume)
    rig.servers.migrate(moved)
    rig.servers.shelve(shelved)
    rig.settle()
    group = nova.post(
        "/v2.1/os-server-groups", json={"server_group": {"name": "g", "policy": "affinity"}}
    ).json()["server_group"]
    aggregate = nova.post("/v2.1/os-aggregates", json={"aggregate": {"name": "a"}}).json()
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILZ3xq0rEeUuKbBpVq9uVf0a8H9nGg7rwBqwuJ7VnJ5m me"
    nova.post("/v2.1/os-keypairs", json={"keypair": {"name": "k", "public_key": key}})
    actions = nova.get(f"/v2.1/servers/{plain.id}/os-instance-actions").json()
    project = keystone.post("/v3/projects", json={"project": {"name": "p"}}).json()["project"]
    user = keystone.post("/v3/users", json={"user": {"name": "u"}}).json()["user"]
    domain = keystone.post("/v3/domains", json={"domain": {"name": "d"}}).json()["domain"]
    queued = glance.post(
        "/v2/images", json={"name": "i", "disk_format": "raw", "container_format": "bare"}
    ).json()
    return {
        "server_id": [plain.id, moved.id, shelved.id],
        "volume_id": [volume.id, free.id],
        "group_id": [group["id"]],
        "aggregate_id": [str(aggregate["aggregate"]["id"])],
        "flavor_id": ["1", "2"],
        "name": ["k", "here", "image", "member"],
        "request_id": [each["request_id"] for each in actions["instanceActions"]],
        "hypervisor_id": ids_of(nova.get("/v2.1/os-hypervisors").json()["hypervisors"]),
        "service_id": ids_of(nova.get("/v2.1/os-services").json()["services"]),
        "migration_id": ["1", "2"],
        "host_name": ["here-host1"],
        "label": ["private"],
        "project_id": [project["id"], "admin"],
        "user_id": [user["id"], "admin"],
        "domain_id": [domain["id"], "default"],
        "role_id": ids_of(keystone.get("/v3/roles").json()["roles"]),
        "image_id": [rig.images.list()[0].id, queued["id"]],
        "service": sorted(rig.cloud.processes),
        "database": sorted(rig.databases),
        "key": ["a"],
    }


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    face: Fuzzed = request.param
    # Only a cloud that is served has a control face, and that one runs on the wall's clock.
    live = face.name == "rig"
    with Rig(Topology(cells=[Cell("here", hosts=2)]), live=live, audit=False) as rig:
        known = fill(rig)
        ids = [value for values in known.values() for value in values]
        cloud = with_control(rig, front_door(rig, by_token_or_name(rig.identity)), TOKEN)
        schema = schemathesis.openapi.from_wsgi(
            f"/{face.name}/openapi.json" + (f"?microversion={face.version}" * bool(face.version)),
            cloud,
        )
        schema.config.generation.update(with_security_parameters=False)

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
        door = FaceSession(cloud, "http://rig", token=TOKEN)
        yield World(rig, rig.snapshot(), schema, door, live)


def any_of(value: Any, known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Choose a known value three times out of four; equal branches of one_of count as one."""
    return st.integers(0, 3).flatmap(lambda number: known if number else st.just(value))


def fitting(value: Any, ids: list[str]) -> st.SearchStrategy[Any]:
    """Replace uuids wherever they are in a body."""
    if isinstance(value, dict):
        return st.fixed_dictionaries({key: fitting(each, ids) for key, each in value.items()})
    if isinstance(value, int | float) and not isinstance(
        value, bool
    ):  # the clock's: many days take long
        return st.just(min(value, 100.0))
    if isinstance(value, str) and len(value) == 36:
        return st.sampled_from(ids)
    return st.just(value)


def cases() -> list[Any]:
    return [
        pytest.param(face, operation, id=f"{face.label}-{operation}")
        for face in FACES
        for operation in face.operations()
    ]


def check(case: Any, answer: Any) -> None:
    if answer.status_code != NOT_IMPLEMENTED:
        case.validate_response(answer, checks=PROMISES if answer.content else NO_ERROR)


def asks(world: World, examples: int, described: Any) -> tuple[Callable[[], None], Counter[int]]:
    """Return what asks as many made-up requests, and the count of what was answered."""
    statuses: Counter[int] = Counter()

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(MODES).flatmap(described.as_strategy))
    def ask(case: Any) -> None:
        answer = case.call(headers={"X-Auth-Token": TOKEN})
        if case.method != "GET":
            world.bring_back()
        statuses[answer.status_code] += 1
        check(case, answer)

    return ask, statuses


@pytest.mark.parametrize(("world", "operation"), cases(), indirect=["world"])
def test_no_made_up_request_to_a_face_ends_in_a_server_error(
    world: World, operation: str, pytestconfig: pytest.Config
) -> None:
    described = world.schema.find_operation_by_label(operation)
    assert described is not None
    ask, statuses = asks(world, pytestconfig.getoption("--max-examples"), described)
    ask()
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    sys.stdout.write(f"{operation} ({told})\n")


@pytest.mark.parametrize("world", FACES, indirect=True, ids=lambda face: face.label)
def test_the_description_of_a_face_is_valid(world: World) -> None:
    world.schema.validate()

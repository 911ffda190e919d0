"""Requests made up from the OpenAPI description of placement: none may end in a 500.

Every example begins in the same start state, so that it can be made again: a tree and a provider
that shares with it, with traits, aggregates, allocations, a class and a trait of their own. Most
made-up values are replaced by some that this state knows, or nearly does. What an accepted
write leaves behind is then read by every reader there is.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import werkzeug.test
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellrig.db.database import Database
from cellrig.http.placement import placement_application
from cellrig.http.placement.table import ROUTES
from cellrig.placement import Placement, placement_image
from cellrig.placement.types import AllocationsWrite, Inventory
from cellrig.runtime.live import LiveRuntime

schemathesis = pytest.importorskip(
    "schemathesis", reason="made-up requests need schemathesis (tox -e fuzz)"
)
from schemathesis import GenerationMode  # noqa: E402
from schemathesis.checks import CHECKS, load_all_checks  # noqa: E402

load_all_checks()
PROMISES = CHECKS.get_by_names(
    [
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
    ]
)
#: Those in which bodies changed, and the last.
MINOR_VERSIONS = [0, 8, 12, 19, 28, 34, 39]
#: Three requests that fit the description for each one that does not.
MODES = [*[GenerationMode.POSITIVE] * 3, GenerationMode.NEGATIVE]
TOKEN = {"X-Auth-Token": "admin"}

ROOT, PF, SHARING, FREE, ABSENT = (str(UUID(int=number, version=4)) for number in range(1, 6))
AGGREGATE = str(UUID(int=10, version=4))
HOLDER = str(UUID(int=20, version=4))
PROVIDERS = [ROOT, PF, SHARING, FREE]
UUIDS = [*PROVIDERS, ABSENT, AGGREGATE, HOLDER]
CLASSES = ["VCPU", "MEMORY_MB", "DISK_GB", "SRIOV_NET_VF", "CUSTOM_LICENSE", "CUSTOM_ABSENT"]
TRAITS = ["HW_CPU_X86_AVX", "MISC_SHARES_VIA_AGGREGATE", "CUSTOM_PHYSNET", "CUSTOM_ABSENT"]

READS = (
    "/resource_providers?resources=VCPU:1",
    f"/resource_providers?in_tree={ROOT}",
    "/allocation_candidates?resources=VCPU:1,DISK_GB:1",
    "/allocation_candidates?resources=VCPU:1&resources1=SRIOV_NET_VF:1&group_policy=none&limit=3",
    f"/allocations/{HOLDER}",
    "/usages?project_id=project",
    "/traits?associated=true",
    "/resource_classes",
    *(
        f"/resource_providers/{uuid}{part}"
        for uuid in PROVIDERS
        for part in ("", "/inventories", "/usages", "/aggregates", "/traits", "/allocations")
    ),
)


class World(NamedTuple):
    """A service in its start state, and the way back to it."""

    database: Database
    image: Any
    schema: Any


def fill(placement: Placement) -> None:
    placement.create_provider("root", uuid=ROOT)
    placement.create_provider("pf", uuid=PF, parent_uuid=ROOT)
    placement.create_provider("sharing", uuid=SHARING)
    placement.create_provider("free", uuid=FREE, parent_uuid=ROOT)
    placement.create_resource_class("CUSTOM_LICENSE")
    placement.create_trait("CUSTOM_PHYSNET")
    stock = {
        ROOT: {"VCPU": Inventory(8, allocation_ratio=16.0), "MEMORY_MB": Inventory(4096)},
        PF: {"SRIOV_NET_VF": Inventory(8, step_size=2), "CUSTOM_LICENSE": Inventory(1)},
        SHARING: {"DISK_GB": Inventory(100, reserved=10)},
    }
    tags = {ROOT: {TRAITS[0]}, PF: {TRAITS[2]}, SHARING: {TRAITS[1]}}
    for uuid, inventories in stock.items():
        generation = placement.set_inventories(uuid, inventories, generation=0)
        generation = placement.set_traits(uuid, tags[uuid], generation=generation)
        placement.set_aggregates(uuid, {AGGREGATE}, generation=generation)
    held = {ROOT: {"VCPU": 2, "MEMORY_MB": 64}, PF: {"SRIOV_NET_VF": 2}, SHARING: {"DISK_GB": 1}}
    placement.put_allocations(HOLDER, AllocationsWrite(held, "project", "user"))


@pytest.fixture(scope="module")
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    runtime = LiveRuntime()
    database = Database("placement", placement_image(), runtime)
    placement = Placement(database)
    fill(placement)
    schema = schemathesis.openapi.from_wsgi(
        f"/placement/openapi.json?microversion={request.param}",
        placement_application(placement),
    )
    schema.config.generation.update(with_security_parameters=False)
    schema.hook("flatmap_path_parameters")(known_segments)
    schema.hook("flatmap_query")(known_query)
    schema.hook("flatmap_body")(known_body)
    yield World(database, database.dump(), schema)
    database.close()
    runtime.close()


# -- values that the start state knows ------------------------------------------------------------


def any_of(value: Any, known: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Choose a known value three times out of four; equal branches of one_of count as one."""
    return st.integers(0, 3).flatmap(lambda number: known if number else st.just(value))


def known_segments(_context: Any, segments: Any) -> st.SearchStrategy[Any]:
    if not segments:
        return st.just(segments)
    known = {
        "uuid": [*PROVIDERS, ABSENT],
        "consumer_uuid": [HOLDER, ABSENT],
        "name": [*CLASSES, *TRAITS],
        "resource_class": CLASSES,
    }
    choices = {name: st.sampled_from(known[name]) for name in segments}
    return any_of(segments, st.fixed_dictionaries(choices))


_odd_amounts = st.integers() | st.sampled_from([2**31, 2**63, 10**30]) | st.text(max_size=3)
_amounts = st.integers(0, 5).flatmap(lambda number: st.just(number) if number else _odd_amounts)
_resource = st.builds("{}:{}".format, st.sampled_from(CLASSES), _amounts)
_resources = st.lists(_resource, min_size=1, max_size=2)
_marked_traits = st.builds("{}{}".format, st.sampled_from(["", "!"]), st.sampled_from(TRAITS))
_traits = st.lists(_marked_traits, min_size=1, max_size=2).map(",".join)
_uuid = st.sampled_from(UUIDS)
_PARAMETERS = {
    "resources": _resources.map(",".join),
    "required": st.builds("{}{}".format, st.sampled_from(["", "", "in:", "!in:"]), _traits),
    "root_required": _traits,
    "member_of": st.builds("{}{}".format, st.sampled_from(["", "!", "in:", "!in:"]), _uuid),
    "in_tree": _uuid,
    "uuid": _uuid,
    "limit": st.sampled_from(["1", "2", "999999999999999999"]),
    "group_policy": st.sampled_from(["none", "isolate"]),
    "same_subtree": st.sampled_from(["1,2", "1", "_A,1", ""]),
    "name": st.sampled_from(["root", f"in:{','.join(TRAITS)}", "startswith:CUSTOM"]),
    "associated": st.sampled_from(["true", "FALSE", "0"]),
    "project_id": st.just("project"),
    "user_id": st.just("user"),
    "consumer_type": st.sampled_from(["INSTANCE", "all", "unknown"]),
}
_SUFFIXED = ("resources", "required", "member_of", "in_tree")
_suffixes = st.sampled_from(["", "1", "2", "_A"])
_candidates = st.dictionaries(
    st.builds("{}{}".format, st.sampled_from(_SUFFIXED), _suffixes)
    | st.sampled_from(["limit", "group_policy", "same_subtree", "root_required"]),
    st.none(),
    max_size=2,
).map(lambda query: {"resources": None, **query})


def known_query(context: Any, query: Any) -> st.SearchStrategy[Any]:
    if not query:
        return st.just(query)
    asks_candidates = context.operation.path.endswith("/allocation_candidates")
    known = _candidates.flatmap(fitting_query) if asks_candidates else fitting_query(query)
    return any_of(query, known)


def fitting_query(query: Any) -> st.SearchStrategy[dict[str, Any]]:
    """Give each parameter a value of its language, also those with a suffix."""
    found = {}
    for name, value in query.items():
        bare = next((one for one in _SUFFIXED if name.startswith(one)), name)
        found[name] = _PARAMETERS.get(bare, st.just(value))
    return st.fixed_dictionaries(found)


def known_body(_context: Any, body: Any) -> st.SearchStrategy[Any]:
    return any_of(body, fitting(body)) if isinstance(body, dict | list) else st.just(body)


_VALUES: dict[str, st.SearchStrategy[Any]] = {
    "resource_provider_generation": st.sampled_from([0, 4]),  # of FREE, and of the others
    "total": st.sampled_from([1, 8, 2**31 - 1, 2**31]),
    "allocation_ratio": st.sampled_from([0.0, 0.1, 1.0, 16, 1e20, 3.4e38, 1e39]),
    "consumer_generation": st.sampled_from([None, 0, 1, 2]),
    "resource_class": st.sampled_from(CLASSES),
    "traits": st.lists(st.sampled_from(TRAITS)),
    "uuid": _uuid,
    "parent_provider_uuid": st.none() | _uuid,
}


def fitting(value: Any, name: str = "") -> st.SearchStrategy[Any]:
    """Replace uuids, classes and generations, wherever they are in a body."""
    if name in _VALUES:
        return any_of(value, _VALUES[name])
    if isinstance(value, list):
        return st.tuples(*(fitting(one) for one in value)).map(list)
    if isinstance(value, dict):
        pairs = [st.tuples(key_of(key), fitting(one, key)) for key, one in value.items()]
        return st.tuples(*pairs).map(dict)
    if isinstance(value, str) and len(value) == 36:
        return _uuid
    if isinstance(value, int) and not isinstance(value, bool):
        return any_of(value, st.integers(1, 4))
    return st.just(value)


def key_of(key: str) -> st.SearchStrategy[str]:
    if len(key) == 36:
        return _uuid
    return st.sampled_from(CLASSES) if key.isupper() else st.just(key)


# -- the tests ------------------------------------------------------------------------------------


def operations() -> list[tuple[str, str]]:
    """Return every microversion with each operation that it knows."""
    return [
        (f"1.{minor}", f"{route.method} /placement{route.path}")
        for minor in MINOR_VERSIONS
        for route in ROUTES
        if (1, minor) >= route.since
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
        world.database.load(world.image)
        answer = case.call(headers=TOKEN)
        statuses[answer.status_code] += 1
        case.validate_response(answer, checks=PROMISES)
        if case.method != "GET" and answer.status_code < 300:
            refuse_broken_reads(world.schema.app)

    ask()
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    sys.stdout.write(f"{operation} ({told})\n")


@pytest.mark.parametrize("world", [f"1.{minor}" for minor in MINOR_VERSIONS], indirect=True)
def test_the_description_is_valid(world: World) -> None:
    world.schema.validate()


def refuse_broken_reads(application: Any) -> None:
    client = werkzeug.test.Client(application)
    latest = {**TOKEN, "OpenStack-API-Version": "placement latest"}
    for path in READS:
        answer = client.get(f"/placement{path}", headers=latest)
        assert answer.status_code < 500, f"{path}: {answer.status}"

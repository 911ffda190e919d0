"""``Last-Modified``: when what is answered was written last, by the rig's clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest

from cellrig.db.database import Database
from cellrig.http.placement import placement_application
from cellrig.http.session import FaceSession
from cellrig.placement import Placement, placement_image
from cellrig.placement.types import AllocationsWrite
from cellrig.runtime.virtual import VirtualRuntime


def uuid_of(number: int) -> str:
    return str(UUID(int=number, version=4))


HOST, CARD, CONSUMER, OTHER = map(uuid_of, range(1, 5))
OF_HOST, OF_CARD = f"/resource_providers/{HOST}", f"/resource_providers/{CARD}"


class Dated:
    """A placement service on a clock that only the test moves; times are seconds since it began."""

    def __init__(self) -> None:
        self.runtime = VirtualRuntime()
        self.database = Database("placement", placement_image(), self.runtime)
        self.began = self.runtime.now()
        self.placement = Placement(self.database)
        application = placement_application(self.placement, "", now=self.runtime.now)
        self.session = FaceSession(application, "http://rig.test")

    def at(self, seconds: float) -> None:
        self.runtime.advance(self.began + seconds - self.runtime.now())

    def send(self, method: str, path: str, body: Any = None, version: str = "1.39") -> Any:
        told = {"OpenStack-API-Version": f"placement {version}"}
        answer = self.session.request(method, path, json=body, headers=told)
        assert answer.ok, answer.text
        return answer

    def date(self, path: str, method: str = "GET", body: Any = None) -> float:
        """Return what an answer says of when it was written."""
        answer = self.send(method, path, body)
        assert answer.headers["Cache-Control"] == "no-cache"
        told = parsedate_to_datetime(answer.headers["Last-Modified"])
        return told.timestamp() - self.began

    def fill(self, generation: int, **totals: int) -> None:
        stock = {name: {"total": total} for name, total in totals.items()}
        body = {"resource_provider_generation": generation, "inventories": stock}
        self.send("PUT", f"{OF_HOST}/inventories", body)

    def claim(self, consumer: str, amount: int, generation: int | None) -> None:
        body = {
            "allocations": {HOST: {"resources": {"VCPU": amount}}},
            "project_id": "project",
            "user_id": "user",
            "consumer_generation": generation,
            "consumer_type": "INSTANCE",
        }
        self.send("PUT", f"/allocations/{consumer}", body)


@pytest.fixture
def dated() -> Iterator[Dated]:
    dated = Dated()
    dated.send("POST", "/resource_providers", {"name": "host", "uuid": HOST})
    yield dated
    dated.database.close()


def test_a_provider_is_of_its_last_change(dated: Dated) -> None:
    dated.at(100)
    assert dated.date(OF_HOST) == dated.date("/resource_providers") == 0
    card = {"name": "card", "uuid": CARD, "parent_provider_uuid": HOST}
    assert dated.date("/resource_providers", "POST", card) == 100
    dated.at(200)
    assert (dated.date(OF_HOST), dated.date(OF_CARD)) == (0, 100)
    assert dated.date("/resource_providers") == 100
    assert dated.date("/resource_providers?name=nobody") == 200  # nothing is of this moment
    assert dated.date(OF_HOST, "PUT", {"name": "renamed"}) == 200
    dated.at(300)
    dated.fill(0, VCPU=4)
    dated.at(400)
    assert dated.date(OF_HOST) == 300
    dated.claim(CONSUMER, 1, None)
    dated.at(500)
    assert (dated.date(OF_HOST), dated.date(OF_CARD)) == (400, 100)


def test_an_inventory_is_of_its_own_last_change(dated: Dated) -> None:
    dated.at(100)
    dated.fill(0, VCPU=4, MEMORY_MB=10)
    dated.at(200)
    dated.fill(1, VCPU=5, MEMORY_MB=10)
    dated.at(300)
    assert dated.date(f"{OF_HOST}/inventories") == 200
    assert dated.date(f"{OF_HOST}/inventories/VCPU") == 200
    assert dated.date(f"{OF_HOST}/inventories/MEMORY_MB") == 100
    dated.claim(CONSUMER, 1, None)  # what is used of it is no part of an inventory
    assert dated.date(f"{OF_HOST}/inventories/VCPU") == 200


def test_allocations_are_of_the_last_write_of_their_consumers(dated: Dated) -> None:
    dated.fill(0, VCPU=4)
    dated.at(100)
    dated.claim(CONSUMER, 1, None)
    dated.at(200)
    dated.claim(OTHER, 1, None)
    dated.at(300)
    assert dated.date(f"/allocations/{CONSUMER}") == 100
    assert dated.date(f"{OF_HOST}/allocations") == 200
    dated.claim(CONSUMER, 2, 1)
    dated.at(400)
    assert dated.date(f"/allocations/{CONSUMER}") == 300
    assert dated.date(f"/allocations/{OTHER}") == 200
    assert dated.date(f"{OF_HOST}/allocations") == 300
    assert dated.date(f"/allocations/{uuid_of(9)}") == 400


def test_names_are_of_the_youngest_of_them(dated: Dated) -> None:
    dated.at(100)
    assert dated.date("/traits/CUSTOM_A", "PUT") == 100
    dated.send("PUT", "/resource_classes/CUSTOM_A")
    dated.at(200)
    assert dated.date("/traits/CUSTOM_A", "PUT") == 100  # it was there
    assert dated.date("/traits") == dated.date("/traits?name=startswith:CUSTOM_") == 100
    assert dated.date("/traits/CUSTOM_A") == dated.date("/resource_classes/CUSTOM_A") == 100
    assert dated.date("/resource_classes") == 100
    assert dated.date("/traits/HW_CPU_X86_AVX") == dated.date("/resource_classes/VCPU") == 0
    assert dated.date("/traits?name=startswith:CUSTOM_Z") == 200
    assert dated.date(f"{OF_HOST}/traits") == 200
    body = {"traits": ["CUSTOM_A"], "resource_provider_generation": 0}
    assert dated.date(f"{OF_HOST}/traits", "PUT", body) == 100
    assert dated.date(f"{OF_HOST}/traits") == 100
    dated.send("PUT", "/resource_classes/CUSTOM_A", {"name": "CUSTOM_B"}, version="1.6")
    assert dated.date("/resource_classes/CUSTOM_B") == 200


@pytest.mark.parametrize(
    "path",
    [
        "/",
        f"{OF_HOST}/usages",
        f"{OF_HOST}/aggregates",
        f"{OF_HOST}/inventories",
        "/usages?project_id=project",
        "/allocation_candidates?resources=VCPU:1",
    ],
)
def test_what_has_no_time_of_its_own_is_of_this_moment(dated: Dated, path: str) -> None:
    dated.at(100)
    assert dated.date(path) == 100


def test_what_an_older_image_says_is_said_again(dated: Dated) -> None:
    image = dated.database.dump()
    dated.at(100)
    dated.send("PUT", OF_HOST, {"name": "renamed"})
    assert dated.date(OF_HOST) == 100
    dated.database.load(image)
    assert dated.date(OF_HOST) == 0


def test_times_are_those_of_the_clock_and_not_of_the_machine(dated: Dated) -> None:
    dated.at(0.75)
    dated.send("PUT", OF_HOST, {"name": "renamed"})
    told = dated.send("GET", OF_HOST).headers["Last-Modified"]
    began = datetime.fromtimestamp(dated.began, UTC)
    assert told == began.strftime("%a, %d %b %Y %H:%M:%S GMT")


class _Interrupted:
    """Placement in which somebody else writes between any two calls of one request."""

    def __init__(self, placement: Placement) -> None:
        self._placement = placement
        self._calls = 0

    def __getattribute__(self, name: str) -> Any:
        if name.startswith("_"):
            return object.__getattribute__(self, name)
        if self._calls:
            held = self._placement.get_allocations(CONSUMER)
            generation = None if held is None else held.generation
            write = AllocationsWrite(
                {HOST: {"VCPU": 1 + self._calls}}, "project", "user", generation
            )
            self._placement.put_allocations(CONSUMER, write)
        self._calls += 1
        return getattr(self._placement, name)


@pytest.mark.parametrize("is_empty", [False, True])
@pytest.mark.parametrize("path", [f"/allocations/{CONSUMER}", f"{OF_HOST}/allocations"])
def test_allocations_come_with_the_generations_of_their_providers(
    dated: Dated, path: str, is_empty: bool
) -> None:
    dated.fill(0, VCPU=8)
    if not is_empty:
        dated.claim(CONSUMER, 1, None)
    whole = dated.send("GET", path).json()
    interrupted: Any = _Interrupted(dated.placement)
    application = placement_application(interrupted, "")
    session = FaceSession(application, "http://rig.test")
    told = {"OpenStack-API-Version": "placement 1.39"}
    assert session.get(path, headers=told).json() == whole

"""A placement service of its own for each test, asked over its REST face."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple
from uuid import UUID

import pytest
import requests
from wsgi_intercept.interceptor import RequestsInterceptor

from cellrig.db.database import Database
from cellrig.http.placement import placement_application
from cellrig.placement import Placement, placement_image
from cellrig.runtime.virtual import VirtualRuntime

LATEST = "1.39"


def uuid_of(number: int) -> str:
    return str(UUID(int=number, version=4))


class Result(NamedTuple):
    """What came back; `json` is None where there was no body."""

    status_code: int
    headers: Mapping[str, str]
    text: str
    json: Any


class Rest:
    """A client of the face; each call names the microversion that it is made in."""

    def __init__(self, placement: Placement, root: str) -> None:
        self.placement = placement
        self._root = root
        self._session = requests.Session()

    @staticmethod
    def uuid(number: int) -> str:
        return uuid_of(number)

    @staticmethod
    def claim_body(held: dict[int, dict[str, int]], **more: Any) -> dict[str, Any]:
        """Return what lets a consumer hold this, in the form of the latest microversion."""
        return {
            "allocations": {uuid_of(number): {"resources": r} for number, r in held.items()},
            "project_id": "project",
            "user_id": "user",
            "consumer_generation": None,
            "consumer_type": "INSTANCE",
            **more,
        }

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = LATEST,
        token: str | None = "admin",  # noqa: S107
        expect: int | None = None,
        **headers: str,
    ) -> Result:
        """Send one request; fail the test where the status is not the expected one."""
        told = {"OpenStack-API-Version": f"placement {version}"} if version else {}
        told |= {"X-Auth-Token": token} if token else {}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        given = {"data": body} if isinstance(body, bytes) else {"json": body}
        response = self._session.request(method, self._root + path, headers=told, **given)
        text = response.text
        result = Result(response.status_code, response.headers, text, text and response.json())
        if expect is not None:
            assert result.status_code == expect, result.text
        return result

    def get(self, path: str, version: str | None = LATEST) -> Any:
        return self("GET", path, version=version, expect=200).json

    def detail(self, method: str, path: str, body: Any = None, **how: Any) -> str:
        """Return what the service says of a request that it refuses."""
        told: str = self(method, path, body, **how).json["errors"][0]["detail"]
        return told

    def provider(self, number: int, name: str | None = None, parent: int | None = None) -> str:
        uuid = uuid_of(number)
        body: dict[str, Any] = {"name": name or f"provider-{number}", "uuid": uuid}
        if parent is not None:
            body["parent_provider_uuid"] = uuid_of(parent)
        self("POST", "/resource_providers", body, expect=200)
        return uuid

    def fill(self, number: int, **totals: int) -> int:
        """Give a provider inventories in place of those it has; return its new generation."""
        path = f"/resource_providers/{uuid_of(number)}/inventories"
        body = {
            "resource_provider_generation": self.get(path)["resource_provider_generation"],
            "inventories": {name: {"total": total} for name, total in totals.items()},
        }
        generation: int = self("PUT", path, body, expect=200).json["resource_provider_generation"]
        return generation

    def tag(self, number: int, *traits: str) -> None:
        """Give a provider traits in place of those it has."""
        for trait in traits:
            if trait.startswith("CUSTOM_"):
                self("PUT", f"/traits/{trait}")
        path = f"/resource_providers/{uuid_of(number)}/traits"
        generation = self.get(path)["resource_provider_generation"]
        body = {"traits": traits, "resource_provider_generation": generation}
        self("PUT", path, body, expect=200)

    def join(self, number: int, *aggregates: int) -> None:
        """Put a provider into aggregates."""
        path = f"/resource_providers/{uuid_of(number)}/aggregates"
        body = {
            "aggregates": [uuid_of(aggregate) for aggregate in aggregates],
            "resource_provider_generation": self.get(path)["resource_provider_generation"],
        }
        self("PUT", path, body, expect=200)

    def claim(self, consumer: int, held: dict[int, dict[str, int]], **more: Any) -> Result:
        """Let a consumer hold this."""
        body = self.claim_body(held, **more)
        return self("PUT", f"/allocations/{uuid_of(consumer)}", body, expect=204)


@pytest.fixture
def rest() -> Iterator[Rest]:
    database = Database("placement", placement_image(), VirtualRuntime())
    placement = Placement(database)
    application = placement_application(placement, now=lambda: 86400.0)
    with RequestsInterceptor(lambda: application, host="rig.test", port=80) as root:
        yield Rest(placement, f"{root}/placement")
    database.close()

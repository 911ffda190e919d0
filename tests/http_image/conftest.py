"""A rig's image API over its REST face, in process."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from cellrig import Rig

PATCH = "application/openstack-images-v2.1-json-patch"
DATA = "application/octet-stream"

#: Two users of a project, and one of another.
ANN, BOB, CAT = "ann:one", "bob:one", "cat:two"


class Glance:
    """A client of the face."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._session = rig.session("image")

    def __call__(
        self,
        method: str,
        path: str,
        *,
        who: str | None = ANN,
        expect: int | None = None,
        headers: dict[str, str] | None = None,
        **options: Any,
    ) -> requests.Response:
        """Send one request below ``/v2``; fail the test where the status is another."""
        told = {"X-Auth-Token": who, **(headers or {})}
        response: requests.Response = self._session.request(
            method, f"/v2{path}", headers=told, **options
        )
        if expect is not None:
            assert response.status_code == expect, response.text
        return response

    def get(self, path: str, **how: Any) -> Any:
        return self("GET", path, expect=200, **how).json()

    def refusal(self, status: int, method: str, path: str, **how: Any) -> str:
        """Return what the face says of a request that it refuses."""
        told = self(method, path, expect=status, **how).json()
        assert set(told) == {"message", "code", "title"}
        assert told["code"].startswith(str(status))
        return str(told["message"])

    def create(self, data: bytes | None = None, who: str = ANN, **more: Any) -> dict[str, Any]:
        """Register an image, with data where they are given; return it."""
        body = {"name": "image", "disk_format": "raw", "container_format": "bare", **more}
        made = self("POST", "/images", json=body, who=who, expect=201).json()
        if data is not None:
            self.upload(made["id"], data, who=who, expect=204)
        return self.show(made["id"], who=who)

    def show(self, image_id: str, **how: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.get(f"/images/{image_id}", **how)
        return told

    def upload(self, image_id: str, data: Any, what: str = "file", **how: Any) -> requests.Response:
        headers = {"Content-Type": DATA, **how.pop("headers", {})}
        return self("PUT", f"/images/{image_id}/{what}", data=data, headers=headers, **how)

    def patch(self, image_id: str, *operations: dict[str, Any], **how: Any) -> requests.Response:
        how.setdefault("expect", 200)
        headers = {"Content-Type": PATCH}
        return self("PATCH", f"/images/{image_id}", json=operations, headers=headers, **how)

    def names(self, query: str = "", **how: Any) -> list[str]:
        """Return the names in a list."""
        return [image["name"] for image in self.get(f"/images?{query}", **how)["images"]]


@pytest.fixture
def glance(rig: Rig) -> Glance:
    return Glance(rig)


def op(verb: str, path: str, value: Any = None) -> dict[str, Any]:
    """Return one operation of a patch."""
    return {"op": verb, "path": path, **({} if verb == "remove" else {"value": value})}

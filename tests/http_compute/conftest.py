"""A rig's compute API over its REST face, in process."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from cellrig import Rig

LATEST = "2.104"


class Compute:
    """A client of the face; each call names the microversion that it is made in."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._session = rig.session("compute")

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        version: str | None = LATEST,
        who: str | None = "admin",
        expect: int | None = None,
        **headers: str | None,
    ) -> requests.Response:
        """Send one request below ``/v2.1``; fail the test where the status is another."""
        told: dict[str, str | None] = {"X-Auth-Token": who}
        told |= {"OpenStack-API-Version": f"compute {version}"} if version else {}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else f"/v2.1{path}"
        response: requests.Response = self._session.request(
            method, url, headers=told, **({} if body is None else {"json": body})
        )
        if expect is not None:
            assert response.status_code == expect, response.text
        return response

    def get(self, path: str, version: str | None = LATEST, **how: Any) -> Any:
        return self("GET", path, version=version, expect=200, **how).json()

    def refusal(self, method: str, path: str, body: Any = None, **how: Any) -> str:
        """Return what the face says of a request that it refuses."""
        (told,) = self(method, path, body, **how).json().values()
        return str(told["message"])

    @property
    def image(self) -> str:
        return self.rig.images.list()[0].id

    def body(self, **more: Any) -> dict[str, Any]:
        """Return what creates a server, by default a small one without networks."""
        server = {"name": "server", "flavorRef": "1", "imageRef": self.image, "networks": "none"}
        return {"server": {**server, **more}}

    def create(self, version: str = LATEST, who: str = "admin", **more: Any) -> str:
        """Create a server and return its id."""
        if version < "2.37" and len(version) == 4:
            more.setdefault("networks", [])
        told = self(
            "POST", "/servers", self.body(**more), version=version, who=who, expect=202
        ).json()
        return str(told["server"]["id"])

    def show(self, server: str, version: str = LATEST, **how: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.get(f"/servers/{server}", version, **how)["server"]
        return told

    def act(self, server: str, name: str, value: Any = None, **how: Any) -> requests.Response:
        how.setdefault("expect", 202)
        return self("POST", f"/servers/{server}/action", {name: value}, **how)


@pytest.fixture
def compute(rig: Rig) -> Compute:
    return Compute(rig)

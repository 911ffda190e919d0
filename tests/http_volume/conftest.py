"""A rig's block storage over its REST face, in process."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from cellrig import Rig

LATEST = "3.71"
PROJECT, ALICE, BOB = "admin", "alice:wonderland", "bob:builders"


class Storage:
    """A client of the face; each call names the microversion that it is made in."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self._session = rig.session("volume")

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
        """Send one request below ``/v3``; fail the test where the status is another."""
        told: dict[str, str | None] = {"X-Auth-Token": who}
        told |= {"OpenStack-API-Version": f"volume {version}"} if version else {}
        told |= {name.replace("_", "-"): value for name, value in headers.items()}
        url = path if path.startswith("http") else f"/v3{path}"
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

    def create(self, who: str = "admin", version: str = LATEST, **given: Any) -> str:
        """Create a volume of 1 GiB and return its id."""
        body = {"volume": {"size": 1, **given}}
        told = self("POST", "/volumes", body, who=who, version=version, expect=202).json()
        return str(told["volume"]["id"])

    def show(self, volume: str, version: str = LATEST, **how: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.get(f"/volumes/{volume}", version, **how)["volume"]
        return told

    def status(self, volume: str) -> str:
        return str(self.show(volume)["status"])

    def act(self, volume: str, name: str, value: Any = None, **how: Any) -> requests.Response:
        how.setdefault("expect", 202)
        return self("POST", f"/volumes/{volume}/action", {name: value}, **how)

    def snapshot(self, volume: str, who: str = "admin", **given: Any) -> str:
        body = {"snapshot": {"volume_id": volume, **given}}
        told = self("POST", "/snapshots", body, who=who, expect=202).json()
        return str(told["snapshot"]["id"])

    def attachment(self, volume: str, **given: Any) -> dict[str, Any]:
        how = {"who": given.pop("who", "admin"), "expect": 200}
        body = {"attachment": {"volume_uuid": volume, **given}}
        told: dict[str, Any] = self("POST", "/attachments", body, **how).json()["attachment"]
        return told


@pytest.fixture
def storage(rig: Rig) -> Storage:
    return Storage(rig)

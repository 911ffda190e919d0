"""Requests to a placement service, and what its refusals mean."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NoReturn, Protocol
from urllib.parse import quote

import msgspec

from cellrig.errors import CellrigError
from cellrig.placement.errors import (
    AllocationRefused,
    ConcurrentUpdate,
    DuplicateName,
    InvalidQuery,
    InvalidWrite,
    InventoryInUse,
    ProviderHasChildren,
    ProviderInUse,
    ProviderNotFound,
)
from cellrig.placement.rest.forms import MICROVERSION, Response, told


class PlacementFailed(CellrigError):
    """A placement service answered with something that its API does not have.

    Args: method, path, status, body.
    """

    template = "placement answered {0} {1} with status {2}: {3}"


class PlacementUnreachable(CellrigError):
    """A placement service did not answer at all.

    Args: url, why.
    """

    template = "placement at {0} cannot be reached: {1}"


class Session(Protocol):
    """What is needed to reach the service; `requests.Session` is one."""

    def request(
        self,
        method: str,
        url: str,
        *,
        params: Any = None,
        data: Any = None,
        headers: Any = None,
    ) -> Response:
        """Make one request; raises OSError where it cannot be made."""


class Wire:
    """Makes requests and reads answers.

    Args:
        session, url: see `RestPlacement`.
    """

    def __init__(self, session: Session, url: str) -> None:
        self._session = session
        self._url = url.rstrip("/")

    def get(
        self, path: str, parameters: list[tuple[str, str]] | None = None, what: str = ""
    ) -> Any:
        """Return what is at `path`, which is a part of `what`."""
        response = self.request("GET", path, parameters=parameters)
        if response.status_code != 200:
            self.refuse("GET", path, response, what)
        return msgspec.json.decode(response.content)

    def send(
        self, method: str, path: str, body: Any = None, *, what: str, version: str = MICROVERSION
    ) -> Any:
        """Write to `path`, which is a part of `what`; return what is answered, or None."""
        response = self.request(method, path, body=body, version=version)
        if response.status_code not in (200, 201, 204):
            self.refuse(method, path, response, what)
        return msgspec.json.decode(response.content) if response.content else None

    def put_name(self, collection: str, name: str) -> bool:
        """Create a trait or a resource class, unless it exists; return whether it was created."""
        path = f"/{collection}/{quote(name, safe='')}"
        response = self.request("PUT", path)
        if response.status_code == 404:
            raise InvalidWrite(f"{name!r} is no name for one of {collection}")
        if response.status_code not in (201, 204):
            self.refuse("PUT", path, response, name)
        return response.status_code == 201

    def delete_name(
        self, collection: str, name: str, errors: Mapping[int, type[CellrigError]]
    ) -> None:
        """Delete a trait or a resource class; raise the error that `errors` has for a status."""
        path = f"/{collection}/{quote(name, safe='')}"
        response = self.request("DELETE", path)
        if response.status_code in errors:
            raise errors[response.status_code](name)
        if response.status_code != 204:
            self.refuse("DELETE", path, response, name)

    def request(
        self,
        method: str,
        path: str,
        *,
        parameters: list[tuple[str, str]] | None = None,
        body: Any = None,
        version: str = MICROVERSION,
    ) -> Response:
        """Make one request.

        Raises:
            PlacementUnreachable: there is no answer.
        """
        headers = {"OpenStack-API-Version": f"placement {version}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            return self._session.request(
                method,
                f"{self._url}{path}",
                params=parameters,
                data=None if body is None else msgspec.json.encode(body),
                headers=headers,
            )
        except OSError as error:  # what requests raises is one
            raise PlacementUnreachable(self._url, error) from error

    def refuse(self, method: str, path: str, response: Response, what: str) -> NoReturn:
        """Raise the error that placement called directly would have raised."""
        code, detail = told(response)
        if response.status_code == 404 or code == ProviderNotFound.code:
            raise ProviderNotFound(what)
        if response.status_code == 400:
            raise (InvalidQuery if method == "GET" else InvalidWrite)(detail)
        if response.status_code != 409:
            raise PlacementFailed(method, path, response.status_code, detail)
        by_code: dict[str, CellrigError] = {
            ConcurrentUpdate.code: ConcurrentUpdate(what, "the one that was read", "another one"),
            DuplicateName.code: DuplicateName("name or uuid", what),
            InventoryInUse.code: InventoryInUse(what, detail),
            ProviderInUse.code: ProviderInUse(what),
            ProviderHasChildren.code: ProviderHasChildren(what),
        }
        raise by_code.get(code, AllocationRefused(detail))

"""The identity service as its face sees it: things found by id or by name, and the catalog."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from cellrig.http.calls import Call
from cellrig.http.catalog import Service
from cellrig.identity.service import Identity
from cellrig.identity.types import (
    DEFAULT_DOMAIN,
    ApplicationCredential,
    Domain,
    Project,
    User,
)

REGION = "RegionOne"


class Directory:
    """What the handlers of the identity face work with.

    Args:
        identity: the service.
        services: the catalog.
        id_of: makes the id of a catalog entry from its name, the same one always.
    """

    def __init__(
        self, identity: Identity, services: tuple[Service, ...], id_of: Callable[[str], str]
    ) -> None:
        self.identity = identity
        self._services = services
        self._id_of = id_of

    def catalog(self, origin: str, project_id: str | None) -> list[dict[str, Any]]:
        """Return the catalog of a token: our own services, and those that were added.

        Args:
            origin: scheme, host and port by which the client reached us.
            project_id: of the token; None leaves out what is below a project.
        """
        found = {each["id"]: each for each in self.own_services(origin, project_id)}
        for service in self.identity.records("service", "service").all():
            if service["enabled"]:
                told = {key: service.get(key, "") for key in ("id", "type", "name")}
                found[service["id"]] = {**told, "endpoints": []}
        for endpoint in self.identity.records("endpoint", "endpoint").all():
            url = _filled(endpoint["url"], project_id)
            if endpoint["enabled"] and endpoint["service_id"] in found and url is not None:
                told = {key: endpoint[key] for key in ("id", "interface", "region", "region_id")}
                found[endpoint["service_id"]]["endpoints"].append({**told, "url": url})
        return list(found.values())

    def own_services(self, origin: str, project_id: str | None) -> list[dict[str, Any]]:
        """Return our own part of the catalog; see `catalog`."""
        found = []
        for service in self._services:
            if "{project_id}" in service.path and project_id is None:
                continue
            url = origin + service.path.replace("{project_id}", project_id or "")
            endpoints = [
                {
                    "id": self._id_of(f"{service.type}/{interface}"),
                    "interface": interface,
                    "region": REGION,
                    "region_id": REGION,
                    "url": url,
                }
                for interface in ("public", "internal", "admin")
            ]
            found.append(
                {
                    "id": self._id_of(service.type),
                    "type": service.type,
                    "name": service.name,
                    "endpoints": endpoints,
                }
            )
        return found

    # -- found by id, or by name in a domain ----------------------------------------------------

    def find_domain(self, named: Mapping[str, Any]) -> Domain | None:
        """Return the domain that is named by ``id`` or ``name``."""
        domains = self.identity.domains
        if "id" in named:
            return domains.find(id=named["id"])
        return domains.find(name=named["name"])

    def find_user(self, named: Mapping[str, Any]) -> User | None:
        """Return the user that is named by ``id``, or by ``name`` and ``domain``."""
        users = self.identity.users
        if "id" in named:
            return users.find(id=named["id"])
        return users.find(domain_id=self._domain_id(named), name=named.get("name", ""))

    def find_project(self, named: Mapping[str, Any]) -> Project | None:
        """Return the project that is named by ``id``, or by ``name`` and ``domain``."""
        projects = self.identity.projects
        if "id" in named:
            return projects.find(id=named["id"])
        return projects.find(domain_id=self._domain_id(named), name=named.get("name", ""))

    def find_credential(self, named: Mapping[str, Any]) -> ApplicationCredential | None:
        """Return the credential that is named by ``id``, or by ``name`` and ``user``."""
        credentials = self.identity.credentials
        if "id" in named:
            return credentials.find(id=named["id"])
        user = self.find_user(named.get("user", {}))
        if user is None:
            return None
        return credentials.find(user_id=user.id, name=named.get("name", ""))

    def _domain_id(self, named: Mapping[str, Any]) -> str:
        domain = self.find_domain(named.get("domain") or {"id": DEFAULT_DOMAIN})
        return "" if domain is None else domain.id

    # -- shown ----------------------------------------------------------------------------------

    def domain_of(self, domain_id: str) -> dict[str, str]:
        """Return a domain as it stands inside of something else."""
        domain = self.identity.domains.get(domain_id)
        return {"id": domain.id, "name": domain.name}

    def domain(self, call: Call[Directory], domain: Domain) -> dict[str, Any]:
        """Return a domain as clients see it."""
        return {
            "id": domain.id,
            "name": domain.name,
            "description": domain.description,
            "enabled": domain.enabled,
            "tags": [],
            "options": {},
            "links": _self(call, f"domains/{domain.id}"),
        }

    def domain_as_project(self, call: Call[Directory], domain: Domain) -> dict[str, Any]:
        """Return a domain as clients see it that take it for a project."""
        return {
            **self.domain(call, domain),
            "domain_id": None,
            "parent_id": None,
            "is_domain": True,
            "links": _self(call, f"projects/{domain.id}"),
        }

    def project(self, call: Call[Directory], project: Project) -> dict[str, Any]:
        """Return a project as clients see it."""
        return {
            **project.extra,
            "id": project.id,
            "name": project.name,
            "domain_id": project.domain_id,
            "description": project.description,
            "enabled": project.enabled,
            "parent_id": project.parent_id or project.domain_id,
            "is_domain": False,
            "tags": sorted(project.tags),
            "options": {},
            "links": _self(call, f"projects/{project.id}"),
        }

    def user(self, call: Call[Directory], user: User) -> dict[str, Any]:
        """Return a user as clients see it."""
        told = {
            **user.extra,
            "id": user.id,
            "name": user.name,
            "domain_id": user.domain_id,
            "enabled": user.enabled,
            "description": user.description,
            "password_expires_at": None,
            "options": {},
            "links": _self(call, f"users/{user.id}"),
        }
        if user.email is not None:
            told["email"] = user.email
        if user.default_project_id is not None:
            told["default_project_id"] = user.default_project_id
        return told


def _filled(url: str, project_id: str | None) -> str | None:
    """Return an endpoint's URL for a project; None of one that takes a project where is none."""
    for name in ("project_id", "tenant_id"):
        for word in (f"$({name})s", f"%({name})s"):
            if word in url:
                if project_id is None:
                    return None
                url = url.replace(word, project_id)
    return url


def _self(call: Call[Directory], path: str) -> dict[str, str]:
    return {"self": f"{call.origin}{call.base}/v3/{path}"}

"""All routes of the identity face."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cellrig.http.calls import Answer, Call
from cellrig.http.checking import Schema
from cellrig.http.identity import grants, people, root, schemas, tokens
from cellrig.http.identity.directory import Directory
from cellrig.http.routes import Policy, Route, administrators, anybody

Handler = Callable[[Call[Directory]], Answer]

_V3 = "/v3"
_TOKENS = "/v3/auth/tokens"
_ROLES_OF = "/users/{user_id}/roles"
_CREDENTIALS = "/users/{user_id}/application_credentials"


def _route(
    method: str,
    path: str,
    handler: Handler,
    status: int = 200,
    *,
    body: Schema | None = None,
    policy: Policy | None = administrators,
) -> Route[Directory]:
    bodies = {} if body is None else {(0, 0): body}
    return Route(method, path, handler, (status,), since=(0, 0), body=bodies, policy=policy)


_open = partial(_route, policy=None)
_for_all = partial(_route, policy=anybody)


def _grants(place: str) -> tuple[Route[Directory], ...]:
    """Return the routes of roles in a project, in a domain or in the system."""
    one = f"{_V3}{place}{_ROLES_OF}/{{role_id}}"
    return (
        _route("GET", f"{_V3}{place}{_ROLES_OF}", grants.list_grants),
        _route("PUT", one, grants.grant, 204),
        _route("HEAD", one, grants.check, 204),
        _route("GET", one, grants.check, 204),
        _route("DELETE", one, grants.revoke, 204),
    )


ROUTES: tuple[Route[Directory], ...] = (
    _open("GET", "", root.list_versions, 300),
    _open("GET", "/", root.list_versions, 300),
    _open("GET", _V3, root.show_version),
    _open("GET", f"{_V3}/", root.show_version),
    _open("POST", _TOKENS, tokens.create_token, 201, body=schemas.AUTH),
    _for_all("GET", _TOKENS, tokens.show_token),
    _for_all("HEAD", _TOKENS, tokens.show_token),
    _for_all("DELETE", _TOKENS, tokens.delete_token, 204),
    _for_all("GET", f"{_V3}/auth/catalog", tokens.show_catalog),
    _for_all("GET", f"{_V3}/auth/projects", tokens.list_own_projects),
    _for_all("GET", f"{_V3}/auth/domains", tokens.list_own_domains),
    _for_all("GET", f"{_V3}/auth/system", tokens.list_own_system),
    _route("GET", f"{_V3}/domains", people.list_domains),
    _route("POST", f"{_V3}/domains", people.create_domain, 201, body=schemas.CREATE_DOMAIN),
    _route("GET", f"{_V3}/domains/{{domain_id}}", people.show_domain),
    _route(
        "PATCH", f"{_V3}/domains/{{domain_id}}", people.update_domain, body=schemas.UPDATE_DOMAIN
    ),
    _route("DELETE", f"{_V3}/domains/{{domain_id}}", people.delete_domain, 204),
    _route("GET", f"{_V3}/projects", people.list_projects),
    _route("POST", f"{_V3}/projects", people.create_project, 201, body=schemas.CREATE_PROJECT),
    _for_all("GET", f"{_V3}/projects/{{project_id}}", people.show_project),
    _route(
        "PATCH",
        f"{_V3}/projects/{{project_id}}",
        people.update_project,
        body=schemas.UPDATE_PROJECT,
    ),
    _route("DELETE", f"{_V3}/projects/{{project_id}}", people.delete_project, 204),
    _route("GET", f"{_V3}/users", people.list_users),
    _route("POST", f"{_V3}/users", people.create_user, 201, body=schemas.CREATE_USER),
    _for_all("GET", f"{_V3}/users/{{user_id}}", people.show_user),
    _route("PATCH", f"{_V3}/users/{{user_id}}", people.update_user, body=schemas.UPDATE_USER),
    _route("DELETE", f"{_V3}/users/{{user_id}}", people.delete_user, 204),
    _for_all(
        "POST",
        f"{_V3}/users/{{user_id}}/password",
        people.change_password,
        204,
        body=schemas.CHANGE_PASSWORD,
    ),
    _for_all("GET", f"{_V3}/users/{{user_id}}/projects", people.list_users_projects),
    _route("GET", f"{_V3}/roles", grants.list_roles),
    _route("POST", f"{_V3}/roles", grants.create_role, 201, body=schemas.CREATE_ROLE),
    _route("GET", f"{_V3}/roles/{{role_id}}", grants.show_role),
    _route("PATCH", f"{_V3}/roles/{{role_id}}", grants.update_role, body=schemas.UPDATE_ROLE),
    _route("DELETE", f"{_V3}/roles/{{role_id}}", grants.delete_role, 204),
    *_grants("/projects/{project_id}"),
    *_grants("/domains/{domain_id}"),
    *_grants("/system"),
    _route("GET", f"{_V3}/role_assignments", grants.list_assignments),
    _for_all("GET", f"{_V3}{_CREDENTIALS}", grants.list_credentials),
    _for_all(
        "POST",
        f"{_V3}{_CREDENTIALS}",
        grants.create_credential,
        201,
        body=schemas.CREATE_CREDENTIAL,
    ),
    _for_all("GET", f"{_V3}{_CREDENTIALS}/{{credential_id}}", grants.show_credential),
    _for_all("DELETE", f"{_V3}{_CREDENTIALS}/{{credential_id}}", grants.delete_credential, 204),
    _route("GET", f"{_V3}/services", root.list_services),
    _route("GET", f"{_V3}/services/{{service_id}}", root.show_service),
    _route("GET", f"{_V3}/endpoints", root.list_endpoints),
    _route("GET", f"{_V3}/endpoints/{{endpoint_id}}", root.show_endpoint),
    _route("GET", f"{_V3}/regions", root.list_regions),
    _route("GET", f"{_V3}/regions/{{region_id}}", root.show_region),
)

"""All routes of the identity face."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from cellrig.http.calls import Answer, Call
from cellrig.http.checking import Schema
from cellrig.http.identity import (
    application_credentials,
    catalog,
    grants,
    groups,
    people,
    projects,
    roles,
    root,
    schemas,
    secrets,
    tokens,
)
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.records import Kind, handlers_of
from cellrig.http.routes import Policy, Route, administrators, anybody

Handler = Callable[[Call[Directory]], Answer]

_V3 = "/v3"
_TOKENS = "/v3/auth/tokens"
_ACTORS = ("users/{user_id}", "groups/{group_id}")
_IMPLIED = "/v3/roles/{prior_id}/implies/{implied_id}"
_TAGS = "/v3/projects/{project_id}/tags"
_GROUP = "/v3/groups/{group_id}"
_RULES = "/users/{user_id}/access_rules"
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
    found = []
    for actor in _ACTORS:
        every = f"{_V3}{place}/{actor}/roles"
        one = f"{every}/{{role_id}}"
        found += [
            _route("GET", every, grants.list_grants),
            _route("PUT", one, grants.grant, 204),
            _route("HEAD", one, grants.check, 204),
            _route("GET", one, grants.check, 204),
            _route("DELETE", one, grants.revoke, 204),
        ]
    return tuple(found)


def _grants_below(place: str) -> tuple[Route[Directory], ...]:
    """Return the routes of roles that are had below a project or a domain."""
    found = []
    for actor in _ACTORS:
        every = f"{_V3}/OS-INHERIT{place}/{actor}/roles"
        one = f"{every}/{{role_id}}{grants.INHERITED}"
        found += [
            _route("GET", f"{every}{grants.INHERITED}", grants.list_grants_below),
            _route("PUT", one, grants.grant_below, 204),
            _route("HEAD", one, grants.check_below, 204),
            _route("GET", one, grants.check_below, 204),
            _route("DELETE", one, grants.revoke_below, 204),
        ]
    return tuple(found)


def _records(kind: Kind) -> tuple[Route[Directory], ...]:
    """Return the routes of what is only kept and shown."""
    handlers, every = handlers_of(kind), f"{_V3}/{kind.path}"
    one = f"{every}/{{id}}"
    return (
        _route("GET", every, handlers.every),
        _route("POST", every, handlers.create, 201, body=kind.new),
        _route("GET", one, handlers.show),
        _route("HEAD", one, handlers.show),
        _route("PATCH", one, handlers.change, body=kind.changed),
        _route("DELETE", one, handlers.delete, 204),
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
    _for_all("GET", f"{_V3}/domains/{{domain_id}}", people.show_domain),
    _route(
        "PATCH", f"{_V3}/domains/{{domain_id}}", people.update_domain, body=schemas.UPDATE_DOMAIN
    ),
    _route("DELETE", f"{_V3}/domains/{{domain_id}}", people.delete_domain, 204),
    _route("GET", f"{_V3}/projects", projects.list_projects),
    _route("POST", f"{_V3}/projects", projects.create_project, 201, body=schemas.CREATE_PROJECT),
    _for_all("GET", f"{_V3}/projects/{{project_id}}", projects.show_project),
    _route(
        "PATCH",
        f"{_V3}/projects/{{project_id}}",
        projects.update_project,
        body=schemas.UPDATE_PROJECT,
    ),
    _route("DELETE", f"{_V3}/projects/{{project_id}}", projects.delete_project, 204),
    _for_all("GET", _TAGS, projects.list_tags),
    _route("PUT", _TAGS, projects.set_tags, body=schemas.SET_TAGS),
    _route("DELETE", _TAGS, projects.delete_tags, 204),
    _for_all("GET", f"{_TAGS}/{{tag}}", projects.check_tag, 204),
    _for_all("HEAD", f"{_TAGS}/{{tag}}", projects.check_tag, 204),
    _route("PUT", f"{_TAGS}/{{tag}}", projects.add_tag, 201),
    _route("DELETE", f"{_TAGS}/{{tag}}", projects.delete_tag, 204),
    _route("GET", f"{_V3}/groups", groups.list_groups),
    _route("POST", f"{_V3}/groups", groups.create_group, 201, body=schemas.CREATE_GROUP),
    _route("GET", _GROUP, groups.show_group),
    _route("PATCH", _GROUP, groups.update_group, body=schemas.UPDATE_GROUP),
    _route("DELETE", _GROUP, groups.delete_group, 204),
    _route("GET", f"{_GROUP}/users", groups.list_members),
    _route("PUT", f"{_GROUP}/users/{{user_id}}", groups.add_member, 204),
    _route("HEAD", f"{_GROUP}/users/{{user_id}}", groups.check_member, 204),
    _route("GET", f"{_GROUP}/users/{{user_id}}", groups.check_member, 204),
    _route("DELETE", f"{_GROUP}/users/{{user_id}}", groups.remove_member, 204),
    _for_all("GET", f"{_V3}/users/{{user_id}}/groups", groups.list_users_groups),
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
    _route("GET", f"{_V3}/roles", roles.list_roles),
    _route("POST", f"{_V3}/roles", roles.create_role, 201, body=schemas.CREATE_ROLE),
    _route("GET", f"{_V3}/roles/{{role_id}}", roles.show_role),
    _route("PATCH", f"{_V3}/roles/{{role_id}}", roles.update_role, body=schemas.UPDATE_ROLE),
    _route("DELETE", f"{_V3}/roles/{{role_id}}", roles.delete_role, 204),
    *_grants("/projects/{project_id}"),
    *_grants("/domains/{domain_id}"),
    *_grants("/system"),
    *_grants_below("/projects/{project_id}"),
    *_grants_below("/domains/{domain_id}"),
    _route("GET", f"{_V3}/role_inferences", roles.list_all_rules),
    _route("GET", f"{_V3}/roles/{{prior_id}}/implies", roles.list_rules),
    _route("PUT", _IMPLIED, roles.add_rule, 201),
    _route("GET", _IMPLIED, roles.show_rule),
    _route("HEAD", _IMPLIED, roles.check_rule, 204),
    _route("DELETE", _IMPLIED, roles.delete_rule, 204),
    _route("GET", f"{_V3}/role_assignments", grants.list_assignments),
    _for_all("GET", f"{_V3}{_CREDENTIALS}", application_credentials.list_credentials),
    _for_all(
        "POST",
        f"{_V3}{_CREDENTIALS}",
        application_credentials.create_credential,
        201,
        body=schemas.CREATE_CREDENTIAL,
    ),
    _for_all(
        "GET", f"{_V3}{_CREDENTIALS}/{{credential_id}}", application_credentials.show_credential
    ),
    _for_all(
        "DELETE",
        f"{_V3}{_CREDENTIALS}/{{credential_id}}",
        application_credentials.delete_credential,
        204,
    ),
    _for_all("GET", f"{_V3}{_RULES}", application_credentials.list_rules),
    _for_all("GET", f"{_V3}{_RULES}/{{rule_id}}", application_credentials.show_rule),
    _for_all("DELETE", f"{_V3}{_RULES}/{{rule_id}}", application_credentials.delete_rule, 204),
    *(route for kind in catalog.KINDS for route in _records(kind)),
    _route(
        "PUT",
        f"{_V3}/regions/{{id}}",
        handlers_of(catalog.REGIONS).create,
        201,
        body=catalog.REGIONS.new,
    ),
    _for_all("GET", f"{_V3}/credentials", secrets.list_credentials),
    _for_all(
        "POST", f"{_V3}/credentials", secrets.create_credential, 201, body=schemas.CREATE_SECRET
    ),
    _for_all("GET", f"{_V3}/credentials/{{id}}", secrets.show_credential),
    _for_all(
        "PATCH",
        f"{_V3}/credentials/{{id}}",
        secrets.update_credential,
        body=schemas.UPDATE_SECRET,
    ),
    _for_all("DELETE", f"{_V3}/credentials/{{id}}", secrets.delete_credential, 204),
)

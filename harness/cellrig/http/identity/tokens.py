"""Tokens: signing in, looking at a token, ending it."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer, Call
from cellrig.http.dates import zulu
from cellrig.http.errors import Refusal
from cellrig.http.identity.directory import Directory
from cellrig.identity.errors import Unauthorized
from cellrig.identity.types import ApplicationCredential, Project, Scope, Token, User

SUBJECT_HEADER = "X-Subject-Token"


def create_token(call: Call[Directory]) -> Answer:
    """Sign in by password, by token or by application credential, and get a token."""
    identity = call.service.identity
    wanted = call.body["auth"]
    methods = tuple(wanted["identity"]["methods"])
    try:
        user, credential, parent = _signed_in(call.service, wanted["identity"])
        scope = _scope(call.service, wanted.get("scope"), user, credential)
        secret, token = identity.issue(user, scope, methods, credential=credential, parent=parent)
    except Unauthorized as error:
        raise Refusal(401, str(error)) from error
    return Answer(201, {"token": shown(call, token)}, headers={SUBJECT_HEADER: secret})


def show_token(call: Call[Directory]) -> Answer:
    """Show what a token stands for."""
    secret = call.headers.get(SUBJECT_HEADER.upper())
    token = call.service.identity.validate(secret)
    if token is None or secret is None:
        raise Refusal(404, "there is no such token")
    return Answer(body={"token": shown(call, token)}, headers={SUBJECT_HEADER: secret})


def delete_token(call: Call[Directory]) -> Answer:
    """End a token."""
    secret = call.headers.get(SUBJECT_HEADER.upper())
    if call.service.identity.validate(secret) is None or secret is None:
        raise Refusal(404, "there is no such token")
    call.service.identity.end_token(secret)
    return Answer(204)


def show_catalog(call: Call[Directory]) -> Answer:
    """List the services and where they are."""
    return Answer(
        body={
            "catalog": call.service.catalog(call.origin, _project_of(call)),
            "links": {"self": f"{call.origin}{call.base}/v3/auth/catalog"},
        }
    )


def list_own_projects(call: Call[Directory]) -> Answer:
    """List the projects in which the caller has a role."""
    identity = call.service.identity
    ids = identity.grants.targets(call.caller.user_id, "project") if call.caller else set()
    projects = [project for project in identity.projects.all() if project.id in ids]
    links = {"self": f"{call.origin}{call.base}/v3/auth/projects", "next": None, "previous": None}
    return Answer(
        body={"projects": [call.service.project(call, p) for p in projects], "links": links}
    )


def list_own_domains(call: Call[Directory]) -> Answer:
    """List the domains in which the caller has a role."""
    identity = call.service.identity
    ids = identity.grants.targets(call.caller.user_id, "domain") if call.caller else set()
    told = [call.service.domain(call, each) for each in identity.domains.all() if each.id in ids]
    links = {"self": f"{call.origin}{call.base}/v3/auth/domains", "next": None, "previous": None}
    return Answer(body={"domains": told, "links": links})


def list_own_system(call: Call[Directory]) -> Answer:
    """Tell whether the caller has a role in the system."""
    caller = call.caller
    given = caller and call.service.identity.roles_in(caller.user_id, Scope(system=True))
    links = {"self": f"{call.origin}{call.base}/v3/auth/system"}
    return Answer(body={"system": [{"all": True}] if given else [], "links": links})


def _project_of(call: Call[Directory]) -> str | None:
    return call.caller.project_id or None if call.caller else None


def _signed_in(
    directory: Directory, asked: dict[str, Any]
) -> tuple[User, ApplicationCredential | None, Token | None]:
    identity = directory.identity
    methods = asked["methods"]
    if "password" in methods:
        named = asked["password"]["user"]
        user = identity.user_by_password(directory.find_user(named), named["password"])
        return user, None, None
    credential: ApplicationCredential | None
    if "application_credential" in methods:
        named = asked["application_credential"]
        credential = identity.credentials.by_secret(
            directory.find_credential(named), named["secret"]
        )
        return _enabled(directory, credential.user_id), credential, None
    parent = identity.validate(asked["token"]["id"])
    if parent is None:
        raise Unauthorized
    credential = None
    if parent.application_credential_id is not None:
        credential = identity.credentials.find(id=parent.application_credential_id)
        if credential is None:
            raise Unauthorized
    return _enabled(directory, parent.user_id), credential, parent


def _enabled(directory: Directory, user_id: str) -> User:
    user = directory.identity.users.find(id=user_id)
    if user is None or not user.enabled:
        raise Unauthorized
    return user


def _scope(
    directory: Directory,
    asked: dict[str, Any] | str | None,
    user: User,
    credential: ApplicationCredential | None,
) -> Scope:
    """Return what a token is asked for; without a scope, the user's default project, if any."""
    if credential is not None:
        return Scope(project_id=credential.project_id)
    if asked is None:
        default = user.default_project_id
        if default is not None and directory.identity.roles_in(user.id, Scope(project_id=default)):
            return Scope(project_id=default)
        return Scope()
    return Scope() if isinstance(asked, str) else _named_scope(directory, asked)


def _named_scope(directory: Directory, asked: dict[str, Any]) -> Scope:
    project = directory.find_project(asked["project"]) if "project" in asked else None
    domain = directory.find_domain(asked["domain"]) if "domain" in asked else None
    scope = Scope(
        project_id=None if project is None else project.id,
        domain_id=None if domain is None else domain.id,
        system="system" in asked,
    )
    if scope == Scope():
        raise Unauthorized
    return scope


def shown(call: Call[Directory], token: Token) -> dict[str, Any]:
    """Return a token as clients see it."""
    directory = call.service
    identity = directory.identity
    user = identity.users.get(token.user_id)
    told: dict[str, Any] = {
        "methods": list(token.methods),
        "user": {
            "id": user.id,
            "name": user.name,
            "domain": directory.domain_of(user.domain_id),
            "password_expires_at": None,
        },
        "audit_ids": list(token.audit_ids),
        "expires_at": zulu(token.expires_at),
        "issued_at": zulu(token.issued_at),
    }
    scope = token.scope
    if scope != Scope():
        names = {role.id: role.name for role in identity.roles.all()}
        told["roles"] = [{"id": id_, "name": names[id_]} for id_ in token.roles if id_ in names]
        told["catalog"] = directory.catalog(call.origin, scope.project_id)
    if scope.project_id is not None:
        project: Project = identity.projects.get(scope.project_id)
        told["project"] = {
            "id": project.id,
            "name": project.name,
            "domain": directory.domain_of(project.domain_id),
        }
        told["is_domain"] = False
    elif scope.domain_id is not None:
        told["domain"] = directory.domain_of(scope.domain_id)
    elif scope.system:
        told["system"] = {"all": True}
    if token.application_credential_id is not None:
        credential = identity.credentials.find(id=token.application_credential_id)
        if credential is not None:
            told["application_credential"] = {
                "id": credential.id,
                "name": credential.name,
                "restricted": not credential.unrestricted,
            }
            if token.access_rules is not None:
                told["application_credential"]["access_rules"] = [
                    identity.credentials.rules.get(id_) for id_ in credential.access_rules or ()
                ]
    return told

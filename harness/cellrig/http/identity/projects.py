"""Projects, and the words they are tagged with.

A domain is a project too: one that ``is_domain``. It is kept as a domain, and shown as either.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cellrig.errors import Forbidden, Invalid, NotFound
from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.identity import people
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import added, changes, listed, wanted
from cellrig.identity.service import Identity
from cellrig.identity.tree import below
from cellrig.identity.types import DEFAULT_DOMAIN, Domain, Project, Scope

_KNOWN = ("parent_id", "is_domain", "tags")
#: What a query asks of tags: whether all or any are there, and whether that is what is wanted.
_TAGGED = {
    "tags": (all, True),
    "tags-any": (any, True),
    "not-tags": (all, False),
    "not-tags-any": (any, False),
}
_MOST_TAGS = 80


def list_projects(call: Call[Directory]) -> Answer:
    """List projects, or domains as projects where ``is_domain`` asks for them."""
    identity, told = call.service.identity, call.service
    asked = wanted(call, "name", "domain_id", "enabled")
    if (call.single("is_domain") or "").lower() in ("true", "1"):
        asked.pop("domain_id", None)
        domains = identity.domains.all(asked)
        return listed(call, "projects", [told.domain_as_project(call, each) for each in domains])
    parent_id = call.single("parent_id")
    found = [
        told.project(call, each)
        for each in identity.projects.all(asked)
        if parent_id in (None, each.parent_id or each.domain_id) and _is_tagged(call, each)
    ]
    return listed(call, "projects", found)


def _is_tagged(call: Call[Directory], project: Project) -> bool:
    for name, (how, is_wanted) in _TAGGED.items():
        value = call.single(name)
        if value is not None:
            fits = how(tag in project.tags for tag in value.split(","))
            if fits != is_wanted:
                return False
    return True


def create_project(call: Call[Directory]) -> Answer:
    """Add a project, below a domain or below another project."""
    asked = call.body["project"]
    identity = call.service.identity
    if asked.get("is_domain"):
        return _create_domain(call, asked)
    domain_id, parent_id = _parent(identity, asked)
    project = identity.projects.create(
        Project(
            id=identity.new_id(),
            name=asked["name"],
            domain_id=domain_id,
            description=asked.get("description") or "",
            enabled=asked.get("enabled", True),
            parent_id=parent_id,
            tags=tuple(asked.get("tags", ())),
            extra=added(call, "project", *_KNOWN),
        )
    )
    return Answer(201, {"project": call.service.project(call, project)})


def _parent(identity: Identity, asked: dict[str, Any]) -> tuple[str, str]:
    """Return the domain that a project is to be in, and the project above it."""
    parent_id = asked.get("parent_id") or ""
    parent = identity.projects.find(id=parent_id)
    if parent is None:
        domain_id = asked.get("domain_id") or parent_id or DEFAULT_DOMAIN
        identity.domains.get(domain_id)
    else:
        domain_id = asked.get("domain_id") or parent.domain_id
    if parent_id and domain_id != (parent.domain_id if parent else parent_id):
        raise Invalid(f"project {parent_id} is not in the domain {domain_id}")
    return domain_id, "" if parent is None else parent_id


def _create_domain(call: Call[Directory], asked: dict[str, Any]) -> Answer:
    if asked.get("parent_id") or asked.get("domain_id"):
        raise Invalid("a project that is a domain is in no other one")
    identity = call.service.identity
    domain = identity.domains.create(
        Domain(
            id=identity.new_id(),
            name=asked["name"],
            description=asked.get("description") or "",
            enabled=asked.get("enabled", True),
        )
    )
    return Answer(201, {"project": call.service.domain_as_project(call, domain)})


def show_project(call: Call[Directory]) -> Answer:
    """Show a project; a plain user sees those in which they have a role."""
    identity = call.service.identity
    project_id, caller = call.parameters["project_id"], call.caller
    if caller is not None and not caller.is_admin:
        _check_role(call, caller.user_id, project_id)
    domain = identity.domains.find(id=project_id)
    if domain is not None:
        return Answer(body={"project": call.service.domain_as_project(call, domain)})
    project = identity.projects.get(project_id)
    return Answer(body={"project": call.service.project(call, project)})


def _check_role(call: Call[Directory], user_id: str, project_id: str) -> None:
    if not call.service.identity.roles_in(user_id, Scope(project_id=project_id)):
        raise Refusal(403, f"project {project_id} is not shown to {user_id}")


def update_project(call: Call[Directory]) -> Answer:
    """Change a project."""
    identity, asked = call.service.identity, call.body["project"]
    project_id = call.parameters["project_id"]
    domain = identity.domains.find(id=project_id)
    if domain is not None:
        domain = identity.domains.replace(replace(domain, **changes(call, "project")))
        return Answer(body={"project": call.service.domain_as_project(call, domain)})
    known = identity.projects.get(project_id)
    if asked.get("parent_id", known.parent_id or known.domain_id) not in (
        known.parent_id or known.domain_id,
        None,
    ):
        raise Forbidden(f"project {project_id} stays below what it is below")
    changed = changes(call, "project")
    if "tags" in asked:
        changed["tags"] = tuple(asked["tags"])
    extra = {**known.extra, **added(call, "project", *_KNOWN)}
    project = identity.projects.replace(replace(known, **changed, extra=extra))
    return Answer(body={"project": call.service.project(call, project)})


def delete_project(call: Call[Directory]) -> Answer:
    """Remove a project that has none below it."""
    identity, project_id = call.service.identity, call.parameters["project_id"]
    if identity.domains.find(id=project_id) is not None:
        return people.delete_domain(
            replace(call, parameters={**call.parameters, "domain_id": project_id})
        )
    if below(identity.projects, project_id):
        raise Forbidden(f"project {project_id} has others below it, which must go first")
    identity.delete_project(project_id)
    return Answer(204)


# -- tags ---------------------------------------------------------------------------------------


def list_tags(call: Call[Directory]) -> Answer:
    """List the tags of a project."""
    return _tags(call, _seen(call))


def set_tags(call: Call[Directory]) -> Answer:
    """Let a project have the tags that are given, and no others."""
    return _tags(call, _retag(call, tuple(call.body["tags"])))


def delete_tags(call: Call[Directory]) -> Answer:
    """Take all tags off a project."""
    _retag(call, ())
    return Answer(204)


def check_tag(call: Call[Directory]) -> Answer:
    """Tell whether a project has a tag."""
    if call.parameters["tag"] not in _seen(call).tags:
        raise NotFound("tag", call.parameters["tag"])
    return Answer(204)


def add_tag(call: Call[Directory]) -> Answer:
    """Put a tag on a project; twice is harmless."""
    tag = call.parameters["tag"]
    if "/" in tag or "," in tag or len(tag) > 255:
        raise Invalid(f"tag {tag!r}: it takes up to 255 characters, neither / nor comma")
    tags = call.service.identity.projects.get(call.parameters["project_id"]).tags
    if tag not in tags and len(tags) >= _MOST_TAGS:
        raise Invalid(f"a project has {_MOST_TAGS} tags at most")
    _retag(call, tuple(dict.fromkeys((*tags, tag))))
    return Answer(201)


def delete_tag(call: Call[Directory]) -> Answer:
    """Take a tag off a project."""
    tags = call.service.identity.projects.get(call.parameters["project_id"]).tags
    tag = call.parameters["tag"]
    if tag not in tags:
        raise NotFound("tag", tag)
    _retag(call, tuple(each for each in tags if each != tag))
    return Answer(204)


def _seen(call: Call[Directory]) -> Project:
    project_id, caller = call.parameters["project_id"], call.caller
    if caller is not None and not caller.is_admin:
        _check_role(call, caller.user_id, project_id)
    return call.service.identity.projects.get(project_id)


def _retag(call: Call[Directory], tags: tuple[str, ...]) -> Project:
    projects = call.service.identity.projects
    return projects.replace(replace(projects.get(call.parameters["project_id"]), tags=tags))


def _tags(call: Call[Directory], project: Project) -> Answer:
    links = {"self": f"{call.origin}{call.base}/v3/projects/{project.id}/tags"}
    return Answer(body={"tags": sorted(project.tags), "links": links})

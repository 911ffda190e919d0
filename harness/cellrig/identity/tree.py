"""Projects below projects."""

from __future__ import annotations

from cellrig.identity.things import Things
from cellrig.identity.types import Project


def above(projects: Things[Project], project: Project) -> list[Project]:
    """Return the projects above one, the next one first; its domain is above them all."""
    found: list[Project] = []
    parent = projects.find(id=project.parent_id) if project.parent_id else None
    while parent is not None:
        found.append(parent)
        parent = projects.find(id=parent.parent_id) if parent.parent_id else None
    return found


def below(projects: Things[Project], id_: str) -> list[Project]:
    """Return the projects below a project or a domain, each after the one above it."""
    children: dict[str, list[Project]] = {}
    for project in projects.all():
        children.setdefault(project.parent_id or project.domain_id, []).append(project)
    found = list(children.get(id_, ()))
    for project in found:
        found += children.get(project.id, ())
    return found

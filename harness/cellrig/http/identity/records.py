"""What the identity service only keeps and shows: each `Kind` has the same handlers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from cellrig.http.calls import Answer, Call
from cellrig.http.checking import Schema
from cellrig.http.identity.directory import Directory
from cellrig.http.identity.people import listed, wanted
from cellrig.identity.errors import Immutable
from cellrig.identity.records import Records

Shown = dict[str, Any]
IdentityCall = Call[Directory]
Handler = Callable[[IdentityCall], Answer]


def _as_given(_call: IdentityCall, fields: Shown) -> Shown:
    return fields


def _harmless(_call: IdentityCall, _thing: Shown) -> None:
    """Let a thing go without more ado."""


def _nothing(_call: IdentityCall) -> list[Shown]:
    return []


class Kind(NamedTuple):
    """One kind of thing.

    Attributes:
        one, many: what bodies call it.
        path: below ``/v3/``.
        plain: its attributes, as they are where nobody says anything.
        filters: the attributes that a list can be asked for.
        new, changed: the bodies' schemas.
        founded: those that every cloud has; nobody changes them.
        checked: looks at the fields that are given, and returns them completed.
        ending: refuses to let one go, or lets go what goes with it.
    """

    one: str
    many: str
    path: str
    plain: Shown
    filters: tuple[str, ...]
    new: Schema
    changed: Schema
    founded: Callable[[IdentityCall], list[Shown]] = _nothing
    checked: Callable[[IdentityCall, Shown], Shown] = _as_given
    ending: Callable[[IdentityCall, Shown], None] = _harmless


def kept(call: IdentityCall, kind: Kind) -> Records:
    """Return where the things of a kind are."""
    return call.service.identity.records(kind.one, kind.one.replace("_", " "))


def every(call: IdentityCall, kind: Kind) -> list[Shown]:
    """Return all things of a kind, those that every cloud has first."""
    return [*kind.founded(call), *kept(call, kind).all()]


class Handlers(NamedTuple):
    """What answers the calls about one kind of thing."""

    every: Handler
    show: Handler
    create: Handler
    change: Handler
    delete: Handler


def handlers_of(kind: Kind) -> Handlers:
    """Return what answers the calls about a kind of thing."""

    def list_all(call: IdentityCall) -> Answer:
        asked = wanted(call, *kind.filters)
        found = [
            _shown(call, kind, each)
            for each in every(call, kind)
            if all(each.get(name) == value for name, value in asked.items())
        ]
        return listed(call, kind.path, found)

    def show(call: IdentityCall) -> Answer:
        id_ = call.parameters["id"]
        for each in kind.founded(call):
            if each["id"] == id_:
                return _told(call, kind, each)
        return _told(call, kind, kept(call, kind).get(id_))

    def create(call: IdentityCall) -> Answer:
        given = {key: value for key, value in call.body[kind.one].items() if key != "links"}
        id_ = call.parameters.get("id") or given.get("id") or call.service.identity.new_id()
        _check_free(call, kind, id_)
        thing = kind.checked(call, {**kind.plain, **given, "id": id_})
        return _told(call, kind, kept(call, kind).create(thing), 201)

    def change(call: IdentityCall) -> Answer:
        id_ = call.parameters["id"]
        _check_free(call, kind, id_)
        known = kept(call, kind).get(id_)
        changed = kind.checked(call, {**known, **call.body[kind.one], "id": id_})
        return _told(call, kind, kept(call, kind).replace(changed))

    def delete(call: IdentityCall) -> Answer:
        id_ = call.parameters["id"]
        _check_free(call, kind, id_)
        kind.ending(call, kept(call, kind).get(id_))
        kept(call, kind).delete(id_)
        return Answer(204)

    for handler, verb in (
        (list_all, "List"),
        (show, "Show"),
        (create, "Add"),
        (change, "Change"),
        (delete, "Remove"),
    ):
        many = kind.many.replace("_", " ")
        handler.__doc__ = f"{verb} {many if verb == 'List' else f'one of the {many}'}."
    return Handlers(list_all, show, create, change, delete)


def _check_free(call: IdentityCall, kind: Kind, id_: str) -> None:
    if any(each["id"] == id_ for each in kind.founded(call)):
        raise Immutable(kind.one, id_)


def _told(call: IdentityCall, kind: Kind, thing: Shown, status: int = 200) -> Answer:
    return Answer(status, {kind.one: _shown(call, kind, thing)})


def _shown(call: IdentityCall, kind: Kind, thing: Shown) -> Shown:
    links = {"self": f"{call.origin}{call.base}/v3/{kind.path}/{thing['id']}"}
    return {**thing, "links": links}

"""By what servers are listed: the field's filters and sort keys, as conditions and an order.

Source: Compute API, "List Servers", and its microversions 2.5 (ip), 2.26 (tags), 2.66
(changes-before), 2.73 (locked).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import TypedDict

import msgspec

from cellrig.context import RequestContext
from cellrig.db.conditions import AtLeast, AtMost, Condition, Either, Equals, Matches, OneOf, Tagged
from cellrig.db.ordering import Order, SortKey
from cellrig.errors import Forbidden, Invalid
from cellrig.model import PowerState, TaskState, VmState, status_of

#: Sort key to column and whether that can be null.
_SORT_KEYS = {
    "id": ("uuid", False),
    "uuid": ("uuid", False),
    "name": ("name", False),
    "display_name": ("name", False),
    "project_id": ("project_id", False),
    "user_id": ("user_id", False),
    "vm_state": ("vm_state", False),
    "task_state": ("task_state", True),
    "power_state": ("power_state", False),
    "host": ("host", True),
    "node": ("node", True),
    "availability_zone": ("availability_zone", True),
    "flavor": ("flavor_id", False),
    "image": ("image_id", True),
    "image_ref": ("image_id", True),
    "key_name": ("key_name", True),
    "hostname": ("hostname", True),
    "reservation_id": ("reservation_id", False),
    "launch_index": ("launch_index", False),
    "locked": ("locked", False),
    "created_at": ("created_at", False),
    "updated_at": ("updated_at", False),
    "launched_at": ("launched_at", True),
    "deleted_at": ("deleted_at", True),
}
_DIRECTIONS = ("asc", "desc")
_ANCHORED = re.compile(r"\^([\w -]*)\$", re.ASCII)

Words = str | Sequence[str]


class ServerFilterArguments(TypedDict, total=False):
    """The arguments of `ServerFilters`, for those who hand them on."""

    project: str
    user: str
    ids: Words
    name: str
    status: Words
    vm_state: VmState | Sequence[VmState]
    task_state: TaskState | Sequence[TaskState | None]
    power_state: PowerState | Sequence[PowerState]
    host: str
    node: str
    zone: str
    flavor: Words
    image: Words
    key_name: str
    hostname: str
    reservation_id: str
    launch_index: int
    locked: bool
    created_at: float
    changes_since: float
    changes_before: float
    deleted: bool
    ip: str
    ip6: str
    tags: Words
    tags_any: Words
    not_tags: Words
    not_tags_any: Words


class ServerFilters(msgspec.Struct, frozen=True, kw_only=True):
    """Which servers to list; what is None is not looked at. All that is given must hold.

    Where several values can be given, one of them is enough.

    Args:
        project, user: whose; a user's own project is always meant.
        ids: which.
        name: a regular expression that is found in the name; upper and lower case differ.
        status: the API's word: ACTIVE, BUILD, ...
        vm_state, task_state, power_state: None among task states means that nothing goes on.
        host, node: where it is, for administrators.
        zone: its availability zone.
        flavor, image: ids.
        key_name, hostname, reservation_id, launch_index, locked: its own.
        created_at: exactly then; seconds since the epoch.
        changes_since: changed then or later; deleted servers are listed too.
        changes_before: changed then or earlier.
        deleted: only deleted servers, for administrators; False for none of them.
        ip, ip6: a regular expression that is found in one of its addresses of that version.
        tags, tags_any: it has all of them, or any.
        not_tags, not_tags_any: it has not all of them, or not any.
    """

    project: str | None = None
    user: str | None = None
    ids: Words | None = None
    name: str | None = None
    status: Words | None = None
    vm_state: VmState | Sequence[VmState] | None = None
    task_state: TaskState | Sequence[TaskState | None] | None = None
    power_state: PowerState | Sequence[PowerState] | None = None
    host: str | None = None
    node: str | None = None
    zone: str | None = None
    flavor: Words | None = None
    image: Words | None = None
    key_name: str | None = None
    hostname: str | None = None
    reservation_id: str | None = None
    launch_index: int | None = None
    locked: bool | None = None
    created_at: float | None = None
    changes_since: float | None = None
    changes_before: float | None = None
    deleted: bool | None = None
    ip: str | None = None
    ip6: str | None = None
    tags: Words | None = None
    tags_any: Words | None = None
    not_tags: Words | None = None
    not_tags_any: Words | None = None

    def seen_by(self, context: RequestContext) -> ServerFilters:
        """Return the filters as far as the caller may use them.

        Raises:
            Forbidden: one is for administrators only.
        """
        asks_deleted = self.status is not None and "DELETED" in _upper(self.status)
        if context.is_admin:
            deleted = True if asks_deleted and self.deleted is None else self.deleted
            return msgspec.structs.replace(self, deleted=deleted)
        for name in ("host", "node", "deleted", "status"):
            if getattr(self, name) and (name != "status" or asks_deleted):
                raise Forbidden(
                    f"user {context.user_id} may not list servers by {name}: "
                    "this takes an administrator"
                )
        if self.project not in (None, context.project_id):
            raise Forbidden(
                f"user {context.user_id} may not list the servers of project {self.project}: "
                "this takes an administrator"
            )
        return msgspec.structs.replace(self, project=context.project_id)

    def conditions(self) -> tuple[Condition, ...]:
        """Return the conditions on what the cells have.

        Raises:
            Invalid: a status that there is not, or no regular expression.
        """
        return (*self._life(), *self._equalities(), *self._choices(), *self._others())

    def of_mappings(self) -> tuple[Condition, ...] | None:
        """Return the conditions on what the mappings have; None where they cannot tell."""
        told = ServerFilters(project=self.project, user=self.user, ids=self.ids)
        if self != msgspec.structs.replace(told, deleted=self.deleted) or self.deleted:
            return None
        found: list[Condition] = []
        if self.project is not None:
            found.append(Equals("project_id", self.project))
        if self.user is not None:
            found.append(Equals("user_id", self.user))
        if self.ids is not None:
            found.append(OneOf("instance_uuid", _several(self.ids)))
        return tuple(found)

    def _life(self) -> Iterator[Condition]:
        """A deleted server is listed when it is asked for, or when changes are."""
        if self.deleted is not None:
            yield Equals("deleted", int(self.deleted))
        elif self.changes_since is None:
            yield Equals("deleted", 0)

    def _equalities(self) -> Iterator[Condition]:
        for column, value in (
            ("project_id", self.project),
            ("user_id", self.user),
            ("host", self.host),
            ("node", self.node),
            ("availability_zone", self.zone),
            ("key_name", self.key_name),
            ("hostname", self.hostname),
            ("reservation_id", self.reservation_id),
            ("launch_index", self.launch_index),
            ("locked", None if self.locked is None else int(self.locked)),
            ("created_at", self.created_at),
        ):
            if value is not None:
                yield Equals(column, value)

    def _choices(self) -> Iterator[Condition]:
        for column, words in (
            ("uuid", self.ids),
            ("vm_state", self.vm_state),
            ("flavor_id", self.flavor),
            ("image_id", self.image),
        ):
            if words is not None:
                yield OneOf(column, _several(words))
        if self.task_state is not None:
            tasks = (
                (self.task_state,) if isinstance(self.task_state, str) else tuple(self.task_state)
            )
            yield OneOf("task_state", tasks)
        if self.power_state is not None:
            powers = (self.power_state,) if isinstance(self.power_state, int) else self.power_state
            yield OneOf("power_state", tuple(int(power) for power in powers))
        if self.status is not None:
            yield _has_status(_several(self.status))

    def _others(self) -> Iterator[Condition]:
        if self.name is not None:
            yield _named(self.name)
        if self.changes_since is not None:
            yield AtLeast("updated_at", self.changes_since)
        if self.changes_before is not None:
            yield AtMost("updated_at", self.changes_before)
        for tags, all_of, negated in (
            (self.tags, True, False),
            (self.tags_any, False, False),
            (self.not_tags, True, True),
            (self.not_tags_any, False, True),
        ):
            if tags:
                yield Tagged(_several(tags), all_of=all_of, negated=negated)


def order_of(sort_keys: Sequence[str], sort_dirs: Sequence[str]) -> Order:
    """Return the order that a list is asked for in.

    Args:
        sort_keys: names of attributes; ``created_at`` where none is given. The id is added, in the
            direction of the first, so that no two servers are equal.
        sort_dirs: ``asc`` or ``desc``, one a key. A key without has the first one's; where none
            is given all are ``desc``.

    Raises:
        Invalid: a key or direction that there is not, or more directions than keys.
    """
    names = tuple(sort_keys) or ("created_at",)
    if len(sort_dirs) > len(names):
        raise Invalid(f"{len(sort_dirs)} sort directions were given for {len(names)} sort keys")
    keys: list[SortKey] = []
    first = sort_dirs[0] if sort_dirs else "desc"
    for index, name in enumerate((*names, "id")):
        direction = sort_dirs[index] if index < len(sort_dirs) else first
        if name not in _SORT_KEYS:
            raise Invalid(f"{name!r} is no sort key: this takes {', '.join(sorted(_SORT_KEYS))}")
        if direction not in _DIRECTIONS:
            raise Invalid(f"{direction!r} is no sort direction: this takes asc or desc")
        column, nullable = _SORT_KEYS[name]
        if all(key.column != column for key in keys):
            keys.append(SortKey(column, direction == "desc", nullable))
    unique = next(index for index, key in enumerate(keys) if key.column == "uuid")
    return Order(tuple(keys[: unique + 1]))


def _several(words: str | Sequence[str]) -> tuple[str, ...]:
    return (words,) if isinstance(words, str) else tuple(words)


def _upper(words: Words) -> list[str]:
    return [word.upper() for word in _several(words)]


def _named(pattern: str) -> Condition:
    """Return the condition of a name; a whole literal name can be found by an index."""
    try:
        re.compile(pattern)
    except re.error as error:
        raise Invalid(f"name {pattern!r} is no regular expression: {error}") from error
    whole = _ANCHORED.fullmatch(pattern)
    return Equals("name", whole[1]) if whole else Matches("name", pattern)


def _has_status(words: tuple[str, ...]) -> Condition:
    known = {status_of(state, task) for state in VmState for task in (None, *TaskState)}
    wanted = _upper(words)
    for word in wanted:
        if word not in known:
            raise Invalid(f"{word!r} is no status: this takes {', '.join(sorted(known))}")
    groups: list[tuple[Condition, ...]] = []
    for state in VmState:
        tasks = [task for task in (None, *TaskState) if status_of(state, task) in wanted]
        if len(tasks) == len(TaskState) + 1:
            groups.append((Equals("vm_state", state.value),))
        elif tasks:
            groups.append((Equals("vm_state", state.value), OneOf("task_state", tuple(tasks))))
    return Either(tuple(groups))

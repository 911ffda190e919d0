"""What volumes and snapshots a query asks for."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar

from cellrig.http.compute.paging import truth_of
from cellrig.http.errors import Refusal
from cellrig.http.volume.paging import NO_FILTERS, time_filter
from cellrig.http.volume.service import VolumeCall, context_of
from cellrig.volume.choosing import pool_of
from cellrig.volume.types import Volume, VolumeSnapshot

T = TypeVar("T")

Filter = Callable[[T], bool]

#: What a volume is asked by, and what it is then compared with.
VOLUME_FIELDS: Mapping[str, Callable[[Volume], Any]] = {
    "id": lambda volume: volume.id,
    "name": lambda volume: volume.name,
    "display_name": lambda volume: volume.name,
    "description": lambda volume: volume.description,
    "status": lambda volume: str(volume.status),
    "size": lambda volume: volume.size,
    "bootable": lambda volume: volume.bootable,
    "multiattach": lambda volume: volume.multiattach,
    "metadata": lambda volume: volume.metadata,
    "glance_metadata": lambda volume: volume.image_metadata,
    "migration_status": lambda volume: volume.migration_status,
    "availability_zone": lambda volume: volume.availability_zone,
    "host": lambda volume: pool_of(volume.backend),
    "project_id": lambda volume: volume.project_id,
    "user_id": lambda volume: volume.user_id,
    "volume_type_id": lambda volume: volume.volume_type_id,
    "snapshot_id": lambda volume: volume.snapshot_id,
    "source_volid": lambda volume: volume.source_volume_id,
    "created_at": lambda volume: volume.created_at,
    "updated_at": lambda volume: volume.updated_at,
    "group_id": lambda _volume: None,
    "consumes_quota": lambda _volume: True,
}
#: What everybody may ask volumes by (Cinder's default resource filters).
VOLUME_FILTERS = (
    *("name", "status", "metadata", "bootable", "migration_status", "availability_zone"),
    *("group_id", "size", "created_at", "updated_at", "consumes_quota"),
)
SNAPSHOT_FIELDS: Mapping[str, Callable[[VolumeSnapshot], Any]] = {
    "id": lambda snapshot: snapshot.id,
    "name": lambda snapshot: snapshot.name,
    "display_name": lambda snapshot: snapshot.name,
    "description": lambda snapshot: snapshot.description,
    "status": lambda snapshot: snapshot.status,
    "volume_id": lambda snapshot: snapshot.volume_id,
    "volume_size": lambda snapshot: snapshot.size,
    "metadata": lambda snapshot: snapshot.metadata,
    "project_id": lambda snapshot: snapshot.project_id,
    "user_id": lambda snapshot: snapshot.user_id,
    "availability_zone": lambda _snapshot: "nova",
    "created_at": lambda snapshot: snapshot.created_at,
    "updated_at": lambda snapshot: snapshot.updated_at,
    "consumes_quota": lambda _snapshot: True,
}
SNAPSHOT_FILTERS = (
    *("name", "status", "volume_id", "metadata", "availability_zone"),
    *("created_at", "updated_at", "consumes_quota"),
)
#: What lists can be sorted by.
VOLUME_KEYS = {
    name: key
    for name, key in VOLUME_FIELDS.items()
    if name not in ("metadata", "glance_metadata", "consumes_quota", "multiattach")
}
SNAPSHOT_KEYS = {
    name: key for name, key in SNAPSHOT_FIELDS.items() if name not in ("metadata", "consumes_quota")
}

_OTHER_NAMES = {"tenant_id": "project_id", "display_description": "description"}


def filters_of(
    call: VolumeCall,
    fields: Mapping[str, Callable[[T], Any]],
    of_everybody: Collection[str],
    dates_since: tuple[int, int],
) -> list[Filter[T]]:
    """Return the filters of a query.

    Administrators may filter by all that there is. Others may by `of_everybody`; anything else is
    not looked at before 3.31, and refused from then on.

    Args:
        call: the request.
        fields: what there is.
        of_everybody: what everybody may filter by.
        dates_since: from which microversion on also by times.

    Raises:
        Refusal: 400 for what may not be asked by, or a value that cannot be.
    """
    is_admin, found = context_of(call).is_admin, []
    unknown = []
    for given, value in dict(call.query).items():
        if given in NO_FILTERS:
            continue
        alike = given.endswith("~") and call.version >= (3, 34)
        name = given.removesuffix("~") if alike else given
        name = _OTHER_NAMES.get(name, name)
        late = name in ("created_at", "updated_at") and call.version < dates_since
        if name not in fields or late or not (is_admin or name in of_everybody):
            unknown.append(given)
        else:
            found.append(_filter(name, fields[name], value, alike=alike))
    if unknown and call.version >= (3, 31):
        raise Refusal(400, f"Invalid filters {','.join(unknown)} are found in query options.")
    return found


def _filter(name: str, field: Callable[[T], Any], value: str, *, alike: bool) -> Filter[T]:
    if name in ("created_at", "updated_at"):
        fits = time_filter(name, value)
        return lambda each: fits(field(each))
    if name in ("bootable", "multiattach", "consumes_quota"):
        wanted = truth_of(name, value)
        return lambda each: field(each) == wanted
    if name in ("metadata", "glance_metadata"):
        pairs = pairs_of(name, value).items()
        return lambda each: pairs <= field(each).items()
    if alike:
        return lambda each: value in str(field(each))
    return lambda each: str(field(each)) == value


def pairs_of(name: str, value: str) -> dict[str, str]:
    """Return a mapping that is written as Python or JSON writes it.

    Raises:
        Refusal: 400 for another value.
    """
    try:
        found = ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError) as error:
        raise Refusal(400, f"{name} takes keys and values in braces; given {value!r}") from error
    if not isinstance(found, dict):
        raise Refusal(400, f"{name} takes keys and values in braces; given {value!r}")
    return {str(key): str(each) for key, each in found.items()}

"""Quotas: how much a project may have, and how much it has.

Servers are counted by their mappings; cores and memory are what placement says that the project
holds, as the field counts them with ``count_usage_from_placement``. So a server that is shelved and
offloaded holds none, and one that is being resized holds both sizes.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cellrig.compute.api.policy import check_admin
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import Forbidden, Invalid
from cellrig.model import Flavor

UNLIMITED = -1
DEFAULT_CLASS = "default"

#: The field's own defaults (Nova's configuration group ``quota``).
DEFAULTS: Mapping[str, int] = {
    "instances": 10,
    "cores": 20,
    "ram": 50 * 1024,
    "metadata_items": 128,
    "injected_files": 5,
    "injected_file_content_bytes": 10240,
    "injected_file_path_bytes": 255,
    "key_pairs": 100,
    "server_groups": 10,
    "server_group_members": 10,
    "fixed_ips": UNLIMITED,
    "floating_ips": UNLIMITED,
    "security_groups": UNLIMITED,
    "security_group_rules": UNLIMITED,
}


class OverQuota(Forbidden):
    """The project may not have so much (the field's 403).

    Args: the resource, how much was asked for, how much is used, how much is allowed.
    """

    template = "Quota exceeded for {0}: Requested {1}, but already used {2} of {3} {0}"


class Usage(msgspec.Struct, frozen=True):
    """One resource of a project."""

    limit: int
    in_use: int


class Quotas:
    """The quotas of all projects.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def defaults(self) -> dict[str, int]:
        """Return the limits of a project for which nothing was set."""
        return {**DEFAULTS, **self._around.api.quotas.of_class(DEFAULT_CLASS)}

    def of_class(self, context: RequestContext, name: str) -> dict[str, int]:
        """Return the limits of a class of projects; only ``default`` has any effect."""
        check_admin(context, "see quota classes")
        return {**DEFAULTS, **self._around.api.quotas.of_class(name)}

    def limits(self, context: RequestContext, project_id: str) -> dict[str, int]:
        """Return a project's limits.

        Raises:
            Forbidden: it is another project's, and the caller is no administrator.
        """
        if project_id != context.project_id:
            check_admin(context, f"see the quotas of project {project_id}")
        return {**self.defaults(), **self._around.api.quotas.of_project(project_id)}

    def usages(self, context: RequestContext, project_id: str) -> dict[str, Usage]:
        """Return a project's limits and what it uses; raises as `limits`."""
        limits = self.limits(context, project_id)
        used = self._used(project_id)
        return {name: Usage(limit, used.get(name, 0)) for name, limit in limits.items()}

    def change(
        self,
        context: RequestContext,
        project_id: str,
        wanted: Mapping[str, int],
        *,
        force: bool = False,
    ) -> dict[str, int]:
        """Set some limits of a project and return all (administrators).

        Raises:
            Invalid: a limit is below what is used, and it is not forced.
        """
        check_admin(context, "change quotas")
        if not force:
            used = self._used(project_id)
            for name, limit in wanted.items():
                if UNLIMITED < limit < used.get(name, 0):
                    raise Invalid(
                        f"quota limit {limit} for {name} must be greater than or equal to "
                        f"already used {used[name]}"
                    )
        self._around.api.quotas.set_project(project_id, wanted)
        return self.limits(context, project_id)

    def change_class(
        self, context: RequestContext, name: str, wanted: Mapping[str, int]
    ) -> dict[str, int]:
        """Set some limits of a class of projects and return all (administrators)."""
        check_admin(context, "change quotas")
        self._around.api.quotas.set_class(name, wanted)
        return self.of_class(context, name)

    def reset(self, context: RequestContext, project_id: str) -> None:
        """Let a project have the defaults again (administrators)."""
        check_admin(context, "change quotas")
        self._around.api.quotas.reset_project(project_id)

    def servers(self, context: RequestContext, flavor: Flavor, least: int, most: int) -> int:
        """Return how many servers more the caller's project may have.

        Args:
            context: who asks.
            flavor: of the servers.
            least, most: how many are asked for.

        Raises:
            OverQuota: not even `least`.
        """
        each = {"instances": 1, "cores": flavor.vcpus, "ram": flavor.memory_mb}
        usages = self.usages(context, context.project_id)
        allowed = most
        for name, amount in each.items():
            limit, used = usages[name].limit, usages[name].in_use
            room = most if limit == UNLIMITED else max(limit - used, 0) // amount
            if room < least:
                raise OverQuota(name, least * amount, used, limit)
            allowed = min(allowed, room)
        return allowed

    def check_resize(
        self, context: RequestContext, project_id: str, old: Flavor, new: Flavor
    ) -> None:
        """Check that a server of a project may have another size; raises `OverQuota`."""
        more = {"cores": new.vcpus - old.vcpus, "ram": new.memory_mb - old.memory_mb}
        owner = msgspec.structs.replace(context, project_id=project_id)
        self._check(owner, {name: count for name, count in more.items() if count > 0})

    def check_metadata(self, context: RequestContext, count: int) -> None:
        """Check that a server may have so many metadata items; raises `OverQuota`."""
        limit = self.limits(context, context.project_id)["metadata_items"]
        if limit != UNLIMITED and count > limit:
            raise OverQuota("metadata_items", count, 0, limit)

    def check_keypairs(self, context: RequestContext, user_id: str | None) -> None:
        """Check that a user may have one more key pair; raises `OverQuota`."""
        limit = self.limits(context, context.project_id)["key_pairs"]
        used = len(self._around.api.keypairs.of_user(user_id or context.user_id))
        if limit != UNLIMITED and used >= limit:
            raise OverQuota("key_pairs", 1, used, limit)

    def check_groups(self, context: RequestContext) -> None:
        """Check that a project may have one more server group; raises `OverQuota`."""
        self._check(context, {"server_groups": 1})

    def check_members(self, context: RequestContext, group_uuid: str, count: int) -> None:
        """Check that a server group may have so many members more; raises `OverQuota`."""
        limit = self.limits(context, context.project_id)["server_group_members"]
        used = len(self._around.api.server_groups.get(group_uuid).members)
        if limit != UNLIMITED and used + count > limit:
            raise OverQuota("server_group_members", count, used, limit)

    def _check(self, context: RequestContext, wanted: Mapping[str, int]) -> None:
        usages = self.usages(context, context.project_id)
        for name, count in wanted.items():
            limit, used = usages[name].limit, usages[name].in_use
            if limit != UNLIMITED and used + count > limit:
                raise OverQuota(name, count, used, limit)

    def _used(self, project_id: str) -> dict[str, int]:
        around = self._around
        told = around.placement.get_usages(project_id, consumer_type="all")
        held = told["all"].usages if "all" in told else {}
        groups = around.api.server_groups.all()
        return {
            "instances": around.api.mappings.count_of_project(project_id),
            "cores": held.get("VCPU", 0) + held.get("PCPU", 0),
            "ram": held.get("MEMORY_MB", 0),
            "server_groups": sum(group.project_id == project_id for group in groups),
        }

"""What servers are made from and grouped by: flavors and server groups."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cellrig.compute.api.policy import check_admin, may_see
from cellrig.compute.api.requests import find_group
from cellrig.compute.api.surroundings import Surroundings
from cellrig.context import RequestContext
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.flavors import validate_extra_specs
from cellrig.model import Flavor, ServerGroup

POLICIES = ("affinity", "anti-affinity", "soft-affinity", "soft-anti-affinity")


class Flavors:
    """The flavors.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def create(self, context: RequestContext, flavor: Flavor) -> Flavor:
        """Add a flavor.

        Raises:
            Invalid: a size is negative, or an extra spec is not the field's.
            Conflict: its id or name is taken.
        """
        check_admin(context, "create flavors")
        for name, least in (("vcpus", 1), ("memory_mb", 1), ("root_gb", 0), ("ephemeral_gb", 0)):
            value = getattr(flavor, name)
            if not isinstance(value, int) or value < least:
                raise Invalid(
                    f"flavor {flavor.name!r}: {name} takes a number from {least} on, not {value!r}"
                )
        validate_extra_specs(flavor.extra_specs)
        self._around.api.flavors.create(flavor)
        return flavor

    def show(self, context: RequestContext, flavor: str) -> Flavor:
        """Return a flavor by id or name."""
        return self._around.api.flavors.get(flavor)

    def visible(self, context: RequestContext, is_public: bool | None = True) -> list[Flavor]:
        """Return the flavors that the caller may use, by name.

        Args:
            context: who asks.
            is_public: only those that are public, or only those that are not; None for all.
                Of others than administrators only their project's own are told.
        """
        flavors = self._around.api.flavors.all()
        if context.is_admin:
            return [each for each in flavors if is_public in (None, each.is_public)]
        own = self._around.api.flavor_access.flavors(context.project_id)
        return [each for each in flavors if each.is_public or each.id in own]

    def find(self, context: RequestContext, flavor_id: str) -> Flavor:
        """Return a flavor that the caller may use, by its id alone.

        Raises:
            NotFound: there is none.
        """
        flavor = self._around.api.flavors.get(flavor_id)
        usable = flavor.is_public or context.is_admin
        if not usable:
            usable = flavor.id in self._around.api.flavor_access.flavors(context.project_id)
        if flavor.id != flavor_id or not usable:
            raise NotFound("flavor", flavor_id)
        return flavor

    def describe(self, context: RequestContext, flavor_id: str, description: str | None) -> Flavor:
        """Give a flavor another description (microversion 2.55; administrators)."""
        check_admin(context, "change flavors")
        flavor = self.find(context, flavor_id)
        changed = msgspec.structs.replace(flavor, description=description)
        self._around.api.flavors.save(changed)
        return changed

    def projects(self, context: RequestContext, flavor_id: str) -> tuple[str, ...]:
        """Return the projects that may use a flavor that is not public (administrators).

        Raises:
            NotFound: there is no such flavor, or everybody may use it.
        """
        check_admin(context, "see who may use a flavor")
        if self.find(context, flavor_id).is_public:
            raise NotFound("access list of public flavor", flavor_id)
        return self._around.api.flavor_access.projects(flavor_id)

    def add_project(self, context: RequestContext, flavor_id: str, project_id: str) -> None:
        """Let a project use a flavor (administrators).

        Raises:
            Conflict: everybody may, or the project may already.
        """
        check_admin(context, "say who may use a flavor")
        if self.find(context, flavor_id).is_public:
            raise Conflict(f"flavor {flavor_id} is public: every project may use it")
        self._around.api.flavor_access.add(flavor_id, project_id)

    def remove_project(self, context: RequestContext, flavor_id: str, project_id: str) -> None:
        """Let a project use a flavor no more (administrators).

        Raises:
            NotFound: it may not.
            Conflict: everybody may.
        """
        check_admin(context, "say who may use a flavor")
        if self.find(context, flavor_id).is_public:
            raise Conflict(f"flavor {flavor_id} is public: every project may use it")
        self._around.api.flavor_access.remove(flavor_id, project_id)

    def all(self, context: RequestContext) -> list[Flavor]:
        """Return all flavors, by name."""
        return self._around.api.flavors.all()

    def set_extra_specs(
        self, context: RequestContext, flavor: str, extra_specs: Mapping[str, str]
    ) -> Flavor:
        """Replace a flavor's extra specs; servers that exist keep theirs."""
        check_admin(context, "change flavors")
        validate_extra_specs(extra_specs)
        changed = msgspec.structs.replace(
            self._around.api.flavors.get(flavor), extra_specs=dict(extra_specs)
        )
        self._around.api.flavors.save(changed)
        return changed

    def delete(self, context: RequestContext, flavor: str) -> None:
        """Delete a flavor; servers that exist keep theirs."""
        check_admin(context, "delete flavors")
        known = self._around.api.flavors.get(flavor)
        self._around.api.flavors.delete(known.id)
        if not known.is_public:
            self._around.api.flavor_access.forget(known.id)


class ServerGroups:
    """The server groups.

    Args:
        around: the compute API's surroundings.
    """

    def __init__(self, around: Surroundings) -> None:
        self._around = around

    def create(
        self,
        context: RequestContext,
        name: str,
        policy: str,
        rules: Mapping[str, int] | None = None,
    ) -> ServerGroup:
        """Add a server group.

        Raises:
            Invalid: an unknown policy, or a rule that it does not take.
        """
        if policy not in POLICIES:
            raise Invalid(f"policy {policy!r} is unknown; there are: {', '.join(POLICIES)}")
        given = dict(rules or {})
        wrong = sorted(set(given) - {"max_server_per_host"})
        if wrong or (given and policy != "anti-affinity"):
            raise Invalid(
                f"policy {policy!r} does not take the rules {sorted(given)}; "
                "only anti-affinity takes one: max_server_per_host"
            )
        if given and given["max_server_per_host"] < 1:
            raise Invalid("max_server_per_host takes a number from 1 on")
        group = ServerGroup(
            self._around.new_uuid(), name, context.project_id, context.user_id, policy, given
        )
        self._around.api.server_groups.create(group)
        return group

    def show(self, context: RequestContext, group_uuid: str) -> ServerGroup:
        """Return a server group with its members."""
        return find_group(context, self._around, group_uuid)

    def all(self, context: RequestContext) -> list[ServerGroup]:
        """Return the server groups of the caller's project; all, to an administrator."""
        groups = self._around.api.server_groups.all()
        return [group for group in groups if may_see(context, group.project_id)]

    def delete(self, context: RequestContext, group_uuid: str) -> None:
        """Delete a server group; its members live on."""
        find_group(context, self._around, group_uuid)
        self._around.api.server_groups.delete(group_uuid)

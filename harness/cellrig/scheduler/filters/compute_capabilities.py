"""Compares a flavor with the node's own record (the field's ComputeCapabilitiesFilter)."""

from __future__ import annotations

from cellrig.flavors.comparisons import satisfies
from cellrig.flavors.extra_specs import CAPABILITIES_SCOPE
from cellrig.model import ComputeNode
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class ComputeCapabilitiesFilter:
    """Compares extra specs ``capabilities:KEY`` with what the node says of itself.

    KEY is a field of the node: hypervisor_type, hypervisor_version, hypervisor_hostname, vcpus,
    memory_mb, disk_gb. What a driver can do is asked for by traits instead.
    """

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Where the flavor has such an extra spec."""
        return any(key.startswith(CAPABILITIES_SCOPE) for key in request.spec.flavor.extra_specs)

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse nodes that do not say it."""
        for scoped, wanted in request.spec.flavor.extra_specs.items():
            if not scoped.startswith(CAPABILITIES_SCOPE):
                continue
            key = scoped.removeprefix(CAPABILITIES_SCOPE)
            if key not in ComputeNode.__struct_fields__:
                return f"the node says nothing of {key!r}"
            value = str(getattr(host.node, key))
            if not satisfies(value, wanted):
                return f"{key} must be {wanted!r}, the node has {value!r}"
        return None

"""Flavors: what a server is made of."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from cellrig.model.network import NetworkInterface, has_functions, with_functions


class Flavor(msgspec.Struct, frozen=True):
    """A flavor.

    Args:
        id: the id that users give.
        name: unique name.
        vcpus: virtual processors.
        memory_mb: memory in MiB.
        root_gb: root disk in GiB; 0 where the guest boots from a volume.
        ephemeral_gb, swap_mb: further local disks, in GiB and MiB.
        extra_specs: the field's keys: ``resources:VCPU``, ``trait:HW_CPU_X86_AVX``, ...
        is_public: whether every project may use it.
        description: for people (microversion 2.55).
        disabled: shown only: no call of the API sets it.
        rxtx_factor: of network bandwidth; kept, and used by nothing.
    """

    id: str
    name: str
    vcpus: int = 1
    memory_mb: int = 512
    root_gb: int = 1
    ephemeral_gb: int = 0
    swap_mb: int = 0
    extra_specs: dict[str, str] = {}
    is_public: bool = True
    description: str | None = None
    disabled: bool = False
    rxtx_factor: float = 1.0

    def without_root_disk(self) -> Flavor:
        """Return the flavor as it counts for a server that boots from a volume."""
        return msgspec.structs.replace(self, root_gb=0)

    def with_functions(self, interfaces: Sequence[NetworkInterface]) -> Flavor:
        """Return the flavor as it counts for a server with these interfaces.

        Each that is a virtual function asks for one in a group of its own.
        """
        if not has_functions(interfaces):
            return self
        return msgspec.structs.replace(
            self, extra_specs=with_functions(self.extra_specs, interfaces)
        )

"""Flavors: what a server is made of."""

from __future__ import annotations

import msgspec


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

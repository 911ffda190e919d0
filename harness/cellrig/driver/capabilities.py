"""What a driver can do, told so that the scheduler can use it and so that it can be checked."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType

import msgspec


class Capabilities(msgspec.Struct, frozen=True, kw_only=True):
    """What a driver can do. A driver names them all as its class attribute `capabilities`.

    One driver object may have fewer than its class (an option switched one off, the hypervisor is
    too old), never more.

    Args:
        multiattach: several guests at once use one volume, each by a shareable disk.
        extend_volume: a running guest sees that its volume has grown.
        swap_volume: a disk of a running guest moves from one volume to another.
        live_migration: a running guest moves to another host.
        cold_migration: a stopped guest moves to another host.
        resize_on_same_host: a guest gets another size without leaving its host.
        cold_migrate_on_same_host: a cold migration may end on the host where it began.
        evacuate: a guest of a dead host is built again here, on its shared or volume disks.
        pause: a guest is stopped in memory and goes on.
        suspend: a guest's memory goes to disk and comes back.
        rescue: a guest boots from another image, its own disk attached beside it.
        rescue_volume_backed: the same for a guest that boots from a volume.
        snapshot: an image is made of a guest's root disk.
        attach_interface: network interfaces come and go while the guest runs.
        device_tagging: the guest can tell its devices apart by the tags that the user gave.
        sriov: guests get virtual functions of network cards.
        multiple_nodes: one driver serves several nodes.
        image_cache: images are fetched ahead of the first guest that boots from them.
        trusted_certs: image signatures are checked against certificates that the user names.
        ephemeral_encryption, ephemeral_encryption_luks, ephemeral_encryption_plain: local disks
            are encrypted, and in which formats.
    """

    multiattach: bool = False
    extend_volume: bool = False
    swap_volume: bool = False
    live_migration: bool = False
    cold_migration: bool = False
    resize_on_same_host: bool = False
    cold_migrate_on_same_host: bool = False
    evacuate: bool = False
    pause: bool = False
    suspend: bool = False
    rescue: bool = False
    rescue_volume_backed: bool = False
    snapshot: bool = False
    attach_interface: bool = False
    device_tagging: bool = False
    sriov: bool = False
    multiple_nodes: bool = False
    image_cache: bool = False
    trusted_certs: bool = False
    ephemeral_encryption: bool = False
    ephemeral_encryption_luks: bool = False
    ephemeral_encryption_plain: bool = False

    def names(self) -> tuple[str, ...]:
        """The names of the capabilities that are there, in the order of the struct."""
        return tuple(name for name in self.__struct_fields__ if getattr(self, name))

    def without(self, *names: str) -> Capabilities:
        """Return the same with the capabilities `names` switched off."""
        return msgspec.structs.replace(self, **dict.fromkeys(names, False))

    def traits(self) -> tuple[str, ...]:
        """The standard traits that a node with these capabilities reports, sorted."""
        return _traits_of(self)


#: Capability to the standard trait (os-traits) that tells of it. Where a name is missing,
#: os-traits has no word for it. Written out because importing os_traits costs 60 ms.
TRAITS: Mapping[str, str] = MappingProxyType(
    {
        "multiattach": "COMPUTE_VOLUME_MULTI_ATTACH",
        "extend_volume": "COMPUTE_VOLUME_EXTEND",
        "cold_migrate_on_same_host": "COMPUTE_SAME_HOST_COLD_MIGRATE",
        "rescue_volume_backed": "COMPUTE_RESCUE_BFV",
        "attach_interface": "COMPUTE_NET_ATTACH_INTERFACE",
        "device_tagging": "COMPUTE_DEVICE_TAGGING",
        "sriov": "COMPUTE_NET_VIF_MODEL_SRIOV",
        "trusted_certs": "COMPUTE_TRUSTED_CERTS",
        "ephemeral_encryption": "COMPUTE_EPHEMERAL_ENCRYPTION",
        "ephemeral_encryption_luks": "COMPUTE_EPHEMERAL_ENCRYPTION_LUKS",
        "ephemeral_encryption_plain": "COMPUTE_EPHEMERAL_ENCRYPTION_PLAIN",
    }
)


@lru_cache(maxsize=256)
def _traits_of(capabilities: Capabilities) -> tuple[str, ...]:
    return tuple(sorted(TRAITS[name] for name in capabilities.names() if name in TRAITS))


_COLD = (
    "migrate_disk_and_power_off",
    "finish_migration",
    "confirm_migration",
    "finish_revert_migration",
)

#: Capability to the methods that a driver which has it must implement. Where it is missing, the
#: capability changes what the methods take that every driver has.
METHODS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "extend_volume": ("extend_volume",),
        "swap_volume": ("swap_volume",),
        "live_migration": (
            "check_can_live_migrate_destination",
            "check_can_live_migrate_source",
            "pre_live_migration",
            "live_migration",
            "live_migration_abort",
            "live_migration_force_complete",
            "post_live_migration_at_source",
            "post_live_migration_at_destination",
            "rollback_live_migration_at_destination",
        ),
        "cold_migration": _COLD,
        "resize_on_same_host": _COLD,
        "cold_migrate_on_same_host": _COLD,
        "pause": ("pause", "unpause"),
        "suspend": ("suspend", "resume"),
        "rescue": ("rescue", "unrescue"),
        "rescue_volume_backed": ("rescue", "unrescue"),
        "snapshot": ("snapshot",),
        "attach_interface": ("attach_interface", "detach_interface"),
        "image_cache": ("cache_image",),
    }
)

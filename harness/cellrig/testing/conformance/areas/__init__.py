"""The areas of the conformance suite, in the order of its table."""

from cellrig.testing.conformance.areas.changing_volumes import ExtendVolume, SwapVolume
from cellrig.testing.conformance.areas.cold_moves import (
    ColdMigrateOnSameHost,
    ColdMigration,
    ResizeOnSameHost,
)
from cellrig.testing.conformance.areas.errors import Errors
from cellrig.testing.conformance.areas.evacuation import Evacuate
from cellrig.testing.conformance.areas.events import Events
from cellrig.testing.conformance.areas.functions import Sriov
from cellrig.testing.conformance.areas.guests import Guests
from cellrig.testing.conformance.areas.images import ImageCache, Images, Snapshot
from cellrig.testing.conformance.areas.interfaces import AttachInterface
from cellrig.testing.conformance.areas.inventory import Inventory
from cellrig.testing.conformance.areas.live_moves import LiveMigration, SlowLiveMigration
from cellrig.testing.conformance.areas.multiattach import Multiattach
from cellrig.testing.conformance.areas.nodes import MultipleNodes, OneNode
from cellrig.testing.conformance.areas.rescuing import Rescue, RescueVolumeBacked
from cellrig.testing.conformance.areas.standing_still import Pause, Suspend
from cellrig.testing.conformance.areas.traits import (
    EphemeralEncryption,
    EphemeralEncryptionLuks,
    EphemeralEncryptionPlain,
    TrustedCerts,
)
from cellrig.testing.conformance.areas.volumes import DeviceTagging, Volumes
from cellrig.testing.conformance.case import Area

#: All areas.
AREAS: tuple[type[Area], ...] = (
    Inventory,
    Guests,
    Images,
    Volumes,
    Events,
    Errors,
    Multiattach,
    ExtendVolume,
    SwapVolume,
    LiveMigration,
    SlowLiveMigration,
    ColdMigration,
    ResizeOnSameHost,
    ColdMigrateOnSameHost,
    Evacuate,
    Pause,
    Suspend,
    Rescue,
    RescueVolumeBacked,
    Snapshot,
    ImageCache,
    AttachInterface,
    DeviceTagging,
    Sriov,
    MultipleNodes,
    OneNode,
    TrustedCerts,
    EphemeralEncryption,
    EphemeralEncryptionLuks,
    EphemeralEncryptionPlain,
)

__all__ = [
    "AREAS",
    "AttachInterface",
    "ColdMigrateOnSameHost",
    "ColdMigration",
    "DeviceTagging",
    "EphemeralEncryption",
    "EphemeralEncryptionLuks",
    "EphemeralEncryptionPlain",
    "Errors",
    "Evacuate",
    "Events",
    "ExtendVolume",
    "Guests",
    "ImageCache",
    "Images",
    "Inventory",
    "LiveMigration",
    "Multiattach",
    "MultipleNodes",
    "OneNode",
    "Pause",
    "Rescue",
    "RescueVolumeBacked",
    "ResizeOnSameHost",
    "SlowLiveMigration",
    "Snapshot",
    "Sriov",
    "Suspend",
    "SwapVolume",
    "TrustedCerts",
    "Volumes",
]

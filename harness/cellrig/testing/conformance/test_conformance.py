"""The suite as pytest finds it: ``pytest --pyargs cellrig.testing.conformance``."""

from cellrig.testing.conformance.areas import (
    AttachInterface as TestAttachInterface,
)
from cellrig.testing.conformance.areas import (
    ColdMigrateOnSameHost as TestColdMigrateOnSameHost,
)
from cellrig.testing.conformance.areas import (
    ColdMigration as TestColdMigration,
)
from cellrig.testing.conformance.areas import (
    DeviceTagging as TestDeviceTagging,
)
from cellrig.testing.conformance.areas import (
    EphemeralEncryption as TestEphemeralEncryption,
)
from cellrig.testing.conformance.areas import (
    EphemeralEncryptionLuks as TestEphemeralEncryptionLuks,
)
from cellrig.testing.conformance.areas import (
    EphemeralEncryptionPlain as TestEphemeralEncryptionPlain,
)
from cellrig.testing.conformance.areas import (
    Errors as TestErrors,
)
from cellrig.testing.conformance.areas import (
    Evacuate as TestEvacuate,
)
from cellrig.testing.conformance.areas import (
    Events as TestEvents,
)
from cellrig.testing.conformance.areas import (
    ExtendVolume as TestExtendVolume,
)
from cellrig.testing.conformance.areas import (
    Guests as TestGuests,
)
from cellrig.testing.conformance.areas import (
    ImageCache as TestImageCache,
)
from cellrig.testing.conformance.areas import (
    Images as TestImages,
)
from cellrig.testing.conformance.areas import (
    Inventory as TestInventory,
)
from cellrig.testing.conformance.areas import (
    LiveMigration as TestLiveMigration,
)
from cellrig.testing.conformance.areas import (
    Multiattach as TestMultiattach,
)
from cellrig.testing.conformance.areas import (
    MultipleNodes as TestMultipleNodes,
)
from cellrig.testing.conformance.areas import (
    OneNode as TestOneNode,
)
from cellrig.testing.conformance.areas import (
    Pause as TestPause,
)
from cellrig.testing.conformance.areas import (
    Rescue as TestRescue,
)
from cellrig.testing.conformance.areas import (
    RescueVolumeBacked as TestRescueVolumeBacked,
)
from cellrig.testing.conformance.areas import (
    ResizeOnSameHost as TestResizeOnSameHost,
)
from cellrig.testing.conformance.areas import (
    SlowLiveMigration as TestSlowLiveMigration,
)
from cellrig.testing.conformance.areas import (
    Snapshot as TestSnapshot,
)
from cellrig.testing.conformance.areas import (
    Sriov as TestSriov,
)
from cellrig.testing.conformance.areas import (
    Suspend as TestSuspend,
)
from cellrig.testing.conformance.areas import (
    SwapVolume as TestSwapVolume,
)
from cellrig.testing.conformance.areas import (
    TrustedCerts as TestTrustedCerts,
)
from cellrig.testing.conformance.areas import (
    Volumes as TestVolumes,
)

__all__ = [
    "TestAttachInterface",
    "TestColdMigrateOnSameHost",
    "TestColdMigration",
    "TestDeviceTagging",
    "TestEphemeralEncryption",
    "TestEphemeralEncryptionLuks",
    "TestEphemeralEncryptionPlain",
    "TestErrors",
    "TestEvacuate",
    "TestEvents",
    "TestExtendVolume",
    "TestGuests",
    "TestImageCache",
    "TestImages",
    "TestInventory",
    "TestLiveMigration",
    "TestMultiattach",
    "TestMultipleNodes",
    "TestOneNode",
    "TestPause",
    "TestRescue",
    "TestRescueVolumeBacked",
    "TestResizeOnSameHost",
    "TestSlowLiveMigration",
    "TestSnapshot",
    "TestSriov",
    "TestSuspend",
    "TestSwapVolume",
    "TestTrustedCerts",
    "TestVolumes",
]

"""Volumes that come and go. One bug a class."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from cellrig.driver import (
    Connector,
    Device,
    Disk,
    Guest,
    GuestEventKind,
    GuestInfo,
    HypervisorError,
    Image,
)
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Volumes::test_a_failed_attachment_leaves_nothing", "for whom the volume")
class LeaksTheDiskOnFailedAttach(FakeDriver):
    """A volume that could not be attached stays connected."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        try:
            super().attach_volume(guest, disk)
        except HypervisorError:
            self.connections._connect(guest.uuid, disk)
            raise


@caught_by("Volumes::test_a_guest_that_cannot_be_made_leaves_nothing", "the guest")
class LeavesHalfAGuest(FakeDriver):
    """A guest that could not be made with its volumes is there without them."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        try:
            super().spawn(guest, image, disks, devices)
        except HypervisorError:
            super().spawn(guest, image, (), devices)
            raise


@caught_by("Volumes::test_an_attached_volume_is_a_disk_of_the_guest", "whether a plain volume")
class SharesEverything(FakeDriver):
    """Plain volumes are shareable, too."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        super().attach_volume(guest, replace(disk, multiattach=True))


@caught_by("Volumes::test_a_detached_volume_is_gone_and_disconnected", "is connected")
class StaysConnected(FakeDriver):
    """A volume that was detached stays connected to the host."""

    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        super().detach_volume(guest, disk)
        self.connections._connect(guest.uuid, disk)


@caught_by(
    "Volumes::test_detaching_what_is_not_there_says_so_ten_times", "detach_volume raised nothing"
)
class DetachesInSilence(FakeDriver):
    """A disk that is not there counts as detached by the driver itself."""

    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        if disk.serial in {each.serial for each in super().get_guest(guest.uuid).disks}:
            super().detach_volume(guest, disk)


@caught_by("Volumes::test_attaching_is_harmless_ten_times", "attach_volume must be harmless twice")
class MindsThatADiskIsThere(FakeDriver):
    """It cannot attach a volume twice."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        if disk.serial in {each.serial for each in super().get_guest(guest.uuid).disks}:
            raise HypervisorError(f"target of {disk.serial} already exists")
        super().attach_volume(guest, disk)


@caught_by("Volumes::test_a_read_only_volume_is_read_only", "whether a read-only volume")
class WritesToWhatIsReadOnly(FakeDriver):
    """The mode of an attachment is not looked at."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        data = {**disk.connection_info["data"], "access_mode": "rw"}
        info = {**disk.connection_info, "data": data}
        super().attach_volume(guest, replace(disk, read_only=False, connection_info=info))


@caught_by("Volumes::test_a_guest_boots_from_a_volume", "the boot order of its root volume")
class ForgetsTheBootOrder(FakeDriver):
    """No disk of a guest is the one to boot from."""

    def get_guest(self, uuid: str) -> GuestInfo:
        info = super().get_guest(uuid)
        return replace(info, disks=tuple(replace(d, boot_order=None) for d in info.disks))


@caught_by("Volumes::test_deleting_a_guest_disconnects_its_volumes", "is connected")
class LeavesConnectionsOfTheDead(FakeDriver):
    """A guest goes, and its volumes stay connected."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        self.lose_guest(guest.uuid, tell=GuestEventKind.STOPPED)

    def cleanup(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        """Clean nothing up."""


@caught_by("Volumes::test_the_connector_names_the_host", "the connector's host")
class IsSomebodyElse(FakeDriver):
    """Block storage is told that another host comes."""

    def get_volume_connector(self, guest: Guest) -> Connector:
        return replace(super().get_volume_connector(guest), host="localhost")


@caught_by("DeviceTagging::test_a_tag_of_a_volume_reaches_the_guest", "the tag of the disk")
class ForgetsTags(FakeDriver):
    """The user's tag of a device is lost."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        super().attach_volume(guest, replace(disk, tag=None))

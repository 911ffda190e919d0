"""Fake drivers with one bug each. A class's first line says which."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from msgspec.structs import replace

from cellrig.driver import (
    Connector,
    Device,
    Disk,
    DiskNotFound,
    EventSink,
    Guest,
    GuestEvent,
    GuestEventKind,
    GuestInfo,
    GuestNotFound,
    HostAllocations,
    HostState,
    HypervisorError,
    HypervisorUnavailable,
    Image,
    MigrateData,
    Post,
    PowerState,
    Progress,
    ProviderTree,
    RebootKind,
    Recover,
    SnapshotInfo,
)
from cellrig_fake import FakeDriver
from cellrig_fake.building import define_and_enter, make_domain

#: The case that is meant for each bug and what it says of it, by the class's name.
MEANT: dict[str, tuple[str, str]] = {}


def caught_by(case: str, says: str) -> Callable[[type[FakeDriver]], type[FakeDriver]]:
    """Note which case must catch a bug, and what it must say of it."""

    def note(mutant: type[FakeDriver]) -> type[FakeDriver]:
        MEANT[mutant.__name__] = (case, says)
        return mutant

    return note


# -- inventory ---------------------------------------------------------------------------------


@caught_by(
    "Inventory::test_the_tree_counts_what_the_host_state_says",
    "the total of VCPU in the tree of host1",
)
class ReportsWrongTotals(FakeDriver):
    """Its nodes say that they have one processor more than it tells placement."""

    def get_host_state(self, nodename: str) -> HostState:
        state = super().get_host_state(nodename)
        return replace(state, vcpus=state.vcpus + 1)


@caught_by(
    "Inventory::test_describing_again_changes_nothing", "the tree of host1 after ten descriptions"
)
class ChangesItsMindAboutTraits(FakeDriver):
    """Every other description has a trait more."""

    described = 0

    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        super().update_provider_tree(tree, nodename, allocations)
        self.described += 1
        if self.described % 2:
            tree.add_traits(nodename, "CUSTOM_ODD")
        else:
            tree.remove_traits(nodename, "CUSTOM_ODD")


@caught_by(
    "Inventory::test_describing_with_guests_changes_nothing",
    "the inventory of host1 with a guest on it",
)
class CountsOnlyWhatIsFree(FakeDriver):
    """What guests take is missing from its inventory."""

    def update_provider_tree(
        self, tree: ProviderTree, nodename: str, allocations: HostAllocations | None = None
    ) -> None:
        super().update_provider_tree(tree, nodename, allocations)
        inventory = dict(tree.data(nodename).inventory)
        free = inventory["VCPU"].total - self.hypervisor.usage(nodename).vcpus
        inventory["VCPU"] = replace(inventory["VCPU"], total=free, max_unit=free)
        tree.update_inventory(nodename, inventory)


@caught_by(
    "Inventory::test_the_host_state_counts_what_guests_take", "vcpus and MiB used by a guest"
)
class CountsNoGuests(FakeDriver):
    """Its nodes are never in use."""

    def get_host_state(self, nodename: str) -> HostState:
        return replace(super().get_host_state(nodename), vcpus_used=0, memory_mb_used=0)


@caught_by("Inventory::test_a_host_is_begun_and_ended_ten_times", "the hypervisor has no guest")
class TakesItsGuestsWithIt(FakeDriver):
    """When it lets go of the hypervisor, the guests are gone."""

    def cleanup_host(self) -> None:
        super().cleanup_host()
        for info in super().list_guests():
            self.lose_guest(info.uuid)


@caught_by("Inventory::test_a_node_that_is_not_there_is_refused", "get_host_state raised nothing")
class InventsNodes(FakeDriver):
    """It describes nodes that it does not have."""

    def get_host_state(self, nodename: str) -> HostState:
        return super().get_host_state(nodename if nodename in self.nodes else self.nodes[0])


# -- guests ------------------------------------------------------------------------------------


@caught_by("Guests::test_a_guest_stops_and_starts", "the power state when it was stopped")
class SaysThatGuestsRun(FakeDriver):
    """Whatever they do."""

    def get_guest(self, uuid: str) -> GuestInfo:
        return replace(super().get_guest(uuid), power_state=PowerState.RUNNING)


@caught_by("Guests::test_guests_are_listed_as_they_are_shown", "is not listed")
class ListsOnlyWhatRuns(FakeDriver):
    """Guests that are shut down are not listed."""

    def list_guests(self) -> list[GuestInfo]:
        return [i for i in super().list_guests() if i.power_state is not PowerState.SHUTDOWN]


@caught_by("Guests::test_a_guest_is_what_its_flavor_says", "the guest's memory_mb")
class HalvesMemory(FakeDriver):
    """A guest gets half the memory of its flavor."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        super().spawn(replace(guest, memory_mb=guest.memory_mb // 2), image, disks, devices)


@caught_by("Guests::test_deleting_one_guest_leaves_the_others", "the hypervisor has no guest")
class DestroysTooMuch(FakeDriver):
    """With one guest go all."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        super().destroy(guest, disks, destroy_disks)
        for info in super().list_guests():
            self.lose_guest(info.uuid)


@caught_by(
    "Guests::test_a_deleted_guest_is_gone_and_deleting_is_harmless_ten_times",
    "destroy must be harmless twice",
)
class MindsThatAGuestIsGone(FakeDriver):
    """It cannot delete a guest twice."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        self.hypervisor.domain(guest.uuid)
        super().destroy(guest, disks, destroy_disks)


@caught_by("Guests::test_a_second_guest_of_the_same_uuid_is_refused", "spawn raised nothing")
class ReplacesGuests(FakeDriver):
    """A guest that is there already is silently built again."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        self.lose_guest(guest.uuid)
        super().spawn(guest, image, disks, devices)


@caught_by("Guests::test_power_calls_are_harmless_ten_times", "power_on must be harmless twice")
class MindsThatAGuestRuns(FakeDriver):
    """It cannot start a guest twice."""

    def power_on(self, guest: Guest) -> None:
        if self.hypervisor.domain(guest.uuid).power_state is PowerState.RUNNING:
            raise HypervisorError("domain is already running")
        super().power_on(guest)


@caught_by("Guests::test_a_hard_reboot_brings_a_lost_guest_back_with_its_volumes", "its volumes")
class ForgetsVolumesOfLostGuests(FakeDriver):
    """A lost guest comes back without its volumes."""

    def reboot(
        self,
        guest: Guest,
        kind: RebootKind,
        disks: Sequence[Disk] = (),
        devices: Sequence[Device] = (),
    ) -> None:
        super().reboot(guest, kind, (), devices)


@caught_by("Guests::test_a_paused_guest_is_not_started_by_power_on", "power_on raised nothing")
class StartsPausedGuests(FakeDriver):
    """Power on lets a paused guest go on."""

    def power_on(self, guest: Guest) -> None:
        self.hypervisor.enter(self.hypervisor.domain(guest.uuid), PowerState.RUNNING)


# -- images ------------------------------------------------------------------------------------


@caught_by("Images::test_an_image_of_no_known_format_ends_the_build", "spawn raised nothing")
class BootsFromAnything(FakeDriver):
    """The format of an image is not looked at."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        super().spawn(guest, image and replace(image, format="raw"), disks, devices)


@caught_by("Images::test_the_bus_that_an_image_asks_for_is_given", "the bus of its disks")
class IgnoresImageProperties(FakeDriver):
    """What an image asks for is not given."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        super().spawn(guest, image and replace(image, properties={}), disks, devices)


@caught_by("Snapshot::test_an_image_is_made_and_the_guest_runs_on", "the guest, at power_state")
class StopsGuestsForSnapshots(FakeDriver):
    """A guest that is snapshotted does not run any more."""

    def snapshot(self, guest: Guest, image_id: str) -> SnapshotInfo:
        self.hypervisor.enter(self.hypervisor.domain(guest.uuid), PowerState.SHUTDOWN)
        return super().snapshot(guest, image_id)


@caught_by("ImageCache::test_an_image_is_fetched_once", "whether each call fetched it")
class FetchesAgainAndAgain(FakeDriver):
    """An image that is there is fetched once more."""

    def cache_image(self, image: Image) -> bool:
        super().cache_image(image)
        return True


# -- volumes -----------------------------------------------------------------------------------


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


@caught_by("SwapVolume::test_a_disk_goes_on_with_another_volume", "the old volume")
class StaysConnectedAfterASwap(FakeDriver):
    """The volume that was swapped away stays connected."""

    def swap_volume(self, guest: Guest, old: Disk, new: Disk) -> None:
        super().swap_volume(guest, old, new)
        self.connections._connect(guest.uuid, old)


@caught_by(
    "SwapVolume::test_a_failed_swap_keeps_the_old_volume", "the guest after a failed swap, at disks"
)
class LosesADiskInAFailedSwap(FakeDriver):
    """When the new volume cannot be had, the old one is gone as well."""

    def swap_volume(self, guest: Guest, old: Disk, new: Disk) -> None:
        try:
            super().swap_volume(guest, old, new)
        except HypervisorError:
            super().detach_volume(guest, old)
            raise


@caught_by(
    "ExtendVolume::test_a_guest_sees_that_its_volume_has_grown", "the size that the guest sees"
)
class DoesNotGrow(FakeDriver):
    """A guest does not see that its volume has grown."""

    def extend_volume(self, guest: Guest, disk: Disk, new_size: int) -> None:
        super().extend_volume(guest, disk, 1 << 30)


# -- multiattach -------------------------------------------------------------------------------


@caught_by("Multiattach::test_two_guests_on_two_hosts_share_a_volume", "the guest has no disk")
class ForgetsShareable(FakeDriver):
    """A volume that several guests may use is attached for one alone."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        super().attach_volume(guest, replace(disk, multiattach=False))


@caught_by("Multiattach::test_a_guest_that_is_made_with_a_shared_volume_shares_it", "Failed to get")
class ForgetsShareableAtBirth(FakeDriver):
    """The same of volumes that a guest is made with."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        disks = [replace(disk, multiattach=False) for disk in disks]
        super().spawn(guest, image, disks, devices)


@caught_by(
    "Multiattach::test_a_shared_disk_stays_shareable_in_a_live_migration",
    "the server's status and host",
)
class ForgetsShareableOnTheWay(FakeDriver):
    """The same at the destination of a live migration."""

    def pre_live_migration(
        self, guest: Guest, disks: Sequence[Disk], devices: Sequence[Device], data: MigrateData
    ) -> MigrateData:
        disks = [replace(disk, multiattach=False) for disk in disks]
        return super().pre_live_migration(guest, disks, devices, data)


@caught_by(
    "Multiattach::test_a_shared_disk_stays_shareable_in_a_cold_migration", "the move did not happen"
)
class ForgetsShareableInAColdMigration(FakeDriver):
    """The same at the destination of a cold one."""

    def finish_migration(
        self,
        guest: Guest,
        image: Image | None,
        data: MigrateData,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        disks = [replace(disk, multiattach=False) for disk in disks]
        super().finish_migration(guest, image, data, disks, devices, power_on=power_on)


@caught_by("Multiattach::test_two_guests_of_one_host_share_a_volume", "the volume")
class CutsOffTheOtherGuest(FakeDriver):
    """A volume is disconnected for all guests of the host when one lets go of it."""

    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        super().detach_volume(guest, disk)
        for info in super().list_guests():
            self.connections.release(info.uuid, disk)


# -- power -------------------------------------------------------------------------------------


@caught_by("Pause::test_a_guest_that_is_shut_down_is_not_paused", "pause raised nothing")
class PausesWhatIsOff(FakeDriver):
    """A guest that is shut down is started to be paused."""

    def pause(self, guest: Guest) -> None:
        super().power_on(guest)
        super().pause(guest)


@caught_by("Pause::test_pausing_is_harmless_ten_times", "the power state after pause")
class TogglesPause(FakeDriver):
    """The second pause lets the guest go on."""

    def pause(self, guest: Guest) -> None:
        if self.hypervisor.domain(guest.uuid).power_state is PowerState.PAUSED:
            super().unpause(guest)
        else:
            super().pause(guest)


@caught_by("Suspend::test_a_suspended_guest_comes_back", "the power state")
class OnlyPauses(FakeDriver):
    """A guest that is suspended stays in memory."""

    def suspend(self, guest: Guest) -> None:
        super().pause(guest)


@caught_by(
    "Rescue::test_a_rescued_guest_has_its_own_disk_beside_the_other",
    "the guest when it was unrescued",
)
class ForgetsVolumesInARescue(FakeDriver):
    """A guest that was rescued has lost its volumes."""

    def unrescue(self, guest: Guest) -> None:
        super().unrescue(guest)
        for disk in super().get_guest(guest.uuid).disks:
            if disk.serial is not None:
                super().detach_volume(guest, Disk(serial=disk.serial))


@caught_by("Rescue::test_rescuing_is_harmless_ten_times", "rescue must be harmless twice")
class RescuesOnce(FakeDriver):
    """It cannot rescue a guest twice."""

    def rescue(self, guest: Guest, image: Image) -> None:
        if self.hypervisor.domain(guest.uuid).own_document is not None:
            raise HypervisorError("disk.rescue is there already")
        super().rescue(guest, image)


# -- moves -------------------------------------------------------------------------------------


@caught_by("ColdMigration::test_a_guest_moves_and_the_move_is_confirmed", "still keeps guest")
class KeepsWhatIsConfirmed(FakeDriver):
    """What was kept for a revert is never given back."""

    def confirm_migration(self, guest: Guest, disks: Sequence[Disk]) -> None:
        """Erase nothing."""


@caught_by("ColdMigration::test_a_guest_that_was_shut_down_stays_so", "the power state there")
class StartsWhatMoves(FakeDriver):
    """A guest that was shut down runs at its destination."""

    def finish_migration(
        self,
        guest: Guest,
        image: Image | None,
        data: MigrateData,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        super().finish_migration(guest, image, data, disks, devices, power_on=True)


@caught_by("ColdMigration::test_a_guest_is_resized", "the guest's vcpus and memory_mb")
class KeepsTheOldSize(FakeDriver):
    """A resized guest has the size that it had."""

    def finish_migration(
        self,
        guest: Guest,
        image: Image | None,
        data: MigrateData,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        small = replace(guest, memory_mb=128, vcpus=1)
        super().finish_migration(small, image, data, disks, devices, power_on=power_on)


@caught_by(
    "ColdMigration::test_leaving_and_coming_back_are_harmless_ten_times",
    "migrate_disk_and_power_off must be harmless twice",
)
class LeavesOnlyOnce(FakeDriver):
    """It cannot be asked twice to let a guest go."""

    def migrate_disk_and_power_off(
        self,
        guest: Guest,
        resized: Guest,
        destination: str,
        disks: Sequence[Disk],
        timeout: int = 0,
    ) -> MigrateData:
        self.hypervisor.domain(guest.uuid)
        return super().migrate_disk_and_power_off(guest, resized, destination, disks, timeout)


@caught_by("ColdMigration::test_a_guest_moves_and_comes_back", "the volume")
class ComesBackUnconnected(FakeDriver):
    """A guest that comes back has volumes that its host is not connected to."""

    def finish_revert_migration(
        self,
        guest: Guest,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        super().finish_revert_migration(guest, disks, devices, power_on=power_on)
        self.connections.release_all(guest.uuid)


@caught_by(
    "ResizeOnSameHost::test_a_guest_gets_its_old_size_back_here", "the guest's vcpus and memory_mb"
)
class RevertsToTheNewSize(FakeDriver):
    """A guest that is reverted keeps the size that it was to have."""

    def finish_revert_migration(
        self,
        guest: Guest,
        disks: Sequence[Disk],
        devices: Sequence[Device],
        *,
        power_on: bool = True,
    ) -> None:
        super().confirm_migration(guest, disks)
        large = replace(guest, memory_mb=256, vcpus=2)
        with self.connections.held(guest.uuid, disks):
            domain = make_domain(self.hypervisor, large, None, disks, devices)
            define_and_enter(self.hypervisor, domain, PowerState.RUNNING)


@caught_by(
    "LiveMigration::test_post_is_called_once_when_the_guest_has_left",
    "how often post and recover were called",
)
class DropsPost(FakeDriver):
    """Nobody hears that a live migration has succeeded."""

    def live_migration(
        self,
        guest: Guest,
        destination: str,
        post: Post,
        recover: Recover,
        data: MigrateData,
        *,
        progress: Progress | None = None,
    ) -> None:
        super().live_migration(guest, destination, _nothing, recover, data, progress=progress)


@caught_by(
    "LiveMigration::test_recover_is_called_once_when_nobody_expects_the_guest",
    "how often post and recover were called",
)
class DropsRecover(FakeDriver):
    """Nobody hears that a live migration has failed."""

    def live_migration(
        self,
        guest: Guest,
        destination: str,
        post: Post,
        recover: Recover,
        data: MigrateData,
        *,
        progress: Progress | None = None,
    ) -> None:
        super().live_migration(guest, destination, post, _nothing, data, progress=progress)


@caught_by(
    "LiveMigration::test_recover_is_called_once_when_there_is_no_such_guest",
    "it ought to call recover",
)
class RaisesInALiveMigration(FakeDriver):
    """A guest that is not there is an error that no continuation is told."""

    def live_migration(
        self,
        guest: Guest,
        destination: str,
        post: Post,
        recover: Recover,
        data: MigrateData,
        *,
        progress: Progress | None = None,
    ) -> None:
        self.hypervisor.domain(guest.uuid)
        super().live_migration(guest, destination, post, recover, data, progress=progress)


@caught_by(
    "LiveMigration::test_preparing_and_rolling_back_are_harmless_ten_times",
    "the destination, at vcpus_used",
)
class RollsNothingBack(FakeDriver):
    """What was set aside at the destination stays set aside."""

    def rollback_live_migration_at_destination(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData, destroy_disks: bool = True
    ) -> None:
        """Give nothing back."""


@caught_by(
    "LiveMigration::test_a_guest_that_is_shut_down_is_refused_before_anything_changes",
    "check_can_live_migrate_source raised nothing",
)
class ChecksNothing(FakeDriver):
    """Every guest may leave."""

    def check_can_live_migrate_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> MigrateData:
        return replace(data, source_host=self.context.host)


@caught_by(
    "LiveMigration::test_a_guest_moves_with_its_volumes", "on host1 the volume is connected for"
)
class StaysConnectedToWhatHasLeft(FakeDriver):
    """The source of a live migration stays connected to the volumes."""

    def post_live_migration_at_source(
        self, guest: Guest, disks: Sequence[Disk], data: MigrateData
    ) -> None:
        """Let go of nothing."""


@caught_by(
    "LiveMigration::test_without_a_migration_abort_is_harmless_and_force_is_refused",
    "live_migration_force_complete raised nothing",
)
class ForcesNothing(FakeDriver):
    """To force a migration that is not there is no error."""

    def live_migration_force_complete(self, guest: Guest) -> None:
        self.live.end(guest, "complete")


@caught_by(
    "SlowLiveMigration::test_an_aborted_migration_leaves_the_guest_where_it_was",
    "the hosts that have the guest",
)
class CompletesWhatIsAborted(FakeDriver):
    """A migration that is aborted ends at the destination."""

    def live_migration_abort(self, guest: Guest) -> None:
        self.live.end(guest, "complete")


@caught_by(
    "Evacuate::test_a_guest_is_built_again_on_another_host",
    "the guest is still on the host that was dead",
)
class LeavesWhatIsOff(FakeDriver):
    """A guest that is shut down cannot be removed."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        domain = self.hypervisor.domains().get(guest.uuid)
        if domain is None or domain.power_state is not PowerState.SHUTDOWN:
            super().destroy(guest, disks, destroy_disks)


# -- devices -----------------------------------------------------------------------------------


@caught_by("Sriov::test_functions_are_counted_as_they_are", "the total of SRIOV_NET_VF of host1")
class LosesAFunction(FakeDriver):
    """One function that placement counts is not there."""

    def get_host_state(self, nodename: str) -> HostState:
        state = super().get_host_state(nodename)
        return replace(state, devices=state.devices[:-1])


@caught_by(
    "Sriov::test_a_function_is_free_again_when_its_guest_is_gone", "the owners of all functions"
)
class KeepsFunctions(FakeDriver):
    """A guest that is gone keeps its function."""

    def destroy(self, guest: Guest, disks: Sequence[Disk], destroy_disks: bool = True) -> None:
        claims = dict(self.hypervisor.state.claims)
        super().destroy(guest, disks, destroy_disks)
        self.hypervisor.state.claims.update(claims)


@caught_by(
    "Sriov::test_a_guest_gets_a_function_of_the_provider_that_was_allocated",
    "the providers of the guest's functions",
)
class GivesAnyFunction(FakeDriver):
    """A guest gets the last free function, whatever was allocated."""

    def spawn(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> None:
        free = [d for d in self.hypervisor.devices(guest.node) if d.parent is not None]
        anything = [
            replace(
                device,
                provider_uuid=None,
                provider_name=None,
                physical_network=None,
                address=free[-1].address,
            )
            for device in devices
        ]
        super().spawn(guest, image, disks, anything)


@caught_by("AttachInterface::test_an_interface_comes_and_goes", "the number of the guest's devices")
class AttachesInterfacesTwice(FakeDriver):
    """The second time, an interface is there twice."""

    def attach_interface(self, guest: Guest, device: Device) -> None:
        super().attach_interface(guest, replace(device, port_id=None))


# -- events ------------------------------------------------------------------------------------


@caught_by("Events::test_starting_and_stopping_are_told", "nobody was told that the guest stopped")
class SaysNothing(FakeDriver):
    """No event is told."""

    def emit(self, event: GuestEvent) -> None:
        """Keep it."""


@caught_by(
    "Events::test_a_guest_that_dies_behind_our_back_is_noticed",
    "nobody has noticed that the guest has died",
)
class HidesDeaths(FakeDriver):
    """That a guest has died is not told."""

    def emit(self, event: GuestEvent) -> None:
        if event.kind is not GuestEventKind.DIED:
            super().emit(event)


@caught_by("Events::test_only_the_last_listener_is_told", "what the listener before was told")
class TellsEverybody(FakeDriver):
    """Listeners that were replaced are told as well."""

    def register_event_listener(self, callback: EventSink) -> None:
        before: EventSink | None = getattr(self, "_listener", None)

        def both(event: GuestEvent) -> None:
            if before is not None:
                before(event)
            callback(event)

        super().register_event_listener(both)


# -- errors ------------------------------------------------------------------------------------


@caught_by("Errors::test_calls_of_an_unknown_guest_say_so_ten_times", "get_console_output raised")
class RaisesAKeyError(FakeDriver):
    """A guest that is not there is a KeyError."""

    def get_console_output(self, guest: Guest) -> str:
        try:
            return super().get_console_output(guest)
        except GuestNotFound as error:
            raise KeyError(guest.uuid) from error


@caught_by("Errors::test_a_hypervisor_that_is_gone_says_so_and_comes_back", "list_guests raised")
class RaisesAnOSError(FakeDriver):
    """A hypervisor that does not answer is an OSError."""

    def list_guests(self) -> list[GuestInfo]:
        try:
            return super().list_guests()
        except HypervisorUnavailable as error:
            raise OSError(111, "Connection refused") from error


@caught_by("Errors::test_a_hypervisor_that_goes_in_the_middle_leaves_nothing", "still connected")
class ConnectsBeforeItLooks(FakeDriver):
    """A volume stays connected for which there is no hypervisor."""

    def attach_volume(self, guest: Guest, disk: Disk) -> None:
        try:
            super().attach_volume(guest, disk)
        except HypervisorUnavailable:
            self.connections._connect(guest.uuid, disk)
            raise

    def detach_volume(self, guest: Guest, disk: Disk) -> None:
        if disk.serial not in {each.serial for each in super().get_guest(guest.uuid).disks}:
            raise DiskNotFound(guest.uuid, disk.serial)
        super().detach_volume(guest, disk)


# -- what is not declared ------------------------------------------------------------------------


@caught_by("Pause::test_its_methods_are_refused_while_undeclared", "pause raised nothing")
class DoesWhatItDoesNotDeclare(FakeDriver):
    """It pauses guests although it declares that it cannot."""

    def __init__(self, options: Any, context: Any) -> None:
        super().__init__(options, context)
        self.capabilities = self.capabilities.without("pause")

    def pause(self, guest: Guest) -> None:
        self.hypervisor.enter(self.hypervisor.domain(guest.uuid), PowerState.PAUSED)


@caught_by("Multiattach::test_a_shared_volume_is_refused_while_undeclared", "attach_volume raised")
class SharesWithoutDeclaring(FakeDriver):
    """It takes volumes of several guests although it declares that it cannot."""

    def __init__(self, options: Any, context: Any) -> None:
        super().__init__(options, context)
        self.capabilities = self.capabilities.without("multiattach")

    def _check_shareable(self, method: str, disks: Sequence[Disk]) -> None:
        """Let them pass."""


def _nothing(*_told: object) -> None:
    """Do nothing."""

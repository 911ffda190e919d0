"""One volume in many servers, from the API down to the disk's XML."""

from __future__ import annotations

import pytest

from cellrig import Cell, Host, Rig, Server, Topology
from cellrig.driver.errors import HypervisorError
from cellrig.errors import Conflict, Invalid, NotFound
from cellrig.model import BlockDevice, SourceType
from cellrig.topology import StorageBackend
from cellrig.volume.types import AttachmentStatus, AttachMode, Volume, VolumeStatus
from cellrig_fake import FakeDriver
from cellrig_faults import Passed
from cellrig_pytest.factory import RigFactory

CANNOT = {"capabilities": {"multiattach": False}}
ONE_HOST = Topology(cells=[Cell("cell1", 1)])
TWO_HOSTS = Topology(cells=[Cell("cell1", 2)])
MIXED = Topology(
    cells=[
        Cell("cell1", [Host("old1", options=CANNOT), Host("new1")]),
        Cell("cell2", [Host("old2", options=CANNOT), Host("new2")]),
    ]
)
ALL_OLD = Topology(cells=[Cell("cell1", 2)], options=CANNOT)
TWO_CELLS = Topology(cells=[Cell("cell1", 2), Cell("cell2", 1)])
SHARED_TARGETS = Topology(
    cells=[Cell("cell1", 1)],
    volume_backends=[StorageBackend("array", options={"shared_targets": True})],
)


def shared(rig: Rig, **more: object) -> Volume:
    """A volume that several servers may have."""
    return rig.volumes.create(type="multiattach", **more)  # type: ignore[arg-type]


def fake(rig: Rig, host: str | None) -> FakeDriver:
    driver = rig.driver(str(host))
    assert isinstance(driver, FakeDriver)
    return driver


def users(rig: Rig, volume: Volume) -> dict[str, str | None]:
    """The servers that have a volume, each with the host that it is connected to."""
    found = {}
    for each in rig.volumes.attachments(volume):
        assert each.status == AttachmentStatus.ATTACHED
        found[str(each.instance_uuid)] = each.host
    return found


def boots_from(volume: Volume) -> BlockDevice:
    return BlockDevice(source_type=SourceType.VOLUME, uuid=volume.id, boot_index=0)


def has_shareable_disk(rig: Rig, server: Server, volume: Volume) -> None:
    """Check the disk of a multi-attach volume, as the guest has it and in the domain's XML."""
    disk = rig.guest(server).disk(serial=volume.id)
    assert (disk.shareable, disk.cache) == (True, "none")
    document = fake(rig, server.host).domain_xml(server.id)
    (element,) = [part for part in document.split(b"<disk ")[1:] if volume.id.encode() in part]
    assert b"<shareable/>" in element
    assert b'cache="none"' in element or b"cache='none'" in element


def disconnects(passed: list[Passed]) -> int:
    return sum(each.seam == "volume_backend.terminate_connection" for each in passed)


# -- attach, detach, delete --------------------------------------------------


@pytest.mark.topology(TWO_CELLS)
def test_ten_servers_on_three_hosts_of_two_cells_have_one_volume(rig: Rig) -> None:
    volume = shared(rig)
    servers = rig.servers.create(count=10)
    for server in servers:
        rig.servers.attach_volume(server, volume)
    assert users(rig, volume) == {server.id: server.host for server in servers}
    assert {server.host for server in servers} == set(rig.host_names)
    for server in servers:
        has_shareable_disk(rig, server, volume)
    for count, server in enumerate(servers, start=1):
        rig.servers.detach_volume(server, volume)
        assert users(rig, volume) == {each.id: each.host for each in servers[count:]}
        for other in servers[count:]:
            has_shareable_disk(rig, other, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE
    assert not any(fake(rig, host).volume_connections().sessions for host in rig.host_names)


@pytest.mark.topology(TWO_CELLS)
def test_ten_servers_get_one_volume_at_the_same_time_and_let_it_go_at_the_same_time(
    rig: Rig,
) -> None:
    volume = shared(rig)
    servers = rig.servers.create(count=10)
    rig.concurrently(*(lambda s=s: rig.servers.attach_volume(s, volume) for s in servers))
    assert users(rig, volume) == {server.id: server.host for server in servers}
    rig.concurrently(*(lambda s=s: rig.servers.detach_volume(s, volume) for s in servers))
    assert users(rig, volume) == {}
    assert not any(fake(rig, host).volume_connections().sessions for host in rig.host_names)


@pytest.mark.topology(TWO_HOSTS)
def test_a_server_that_is_deleted_leaves_the_volume_to_the_others(rig: Rig) -> None:
    volume = shared(rig)
    servers = rig.servers.create(count=3)
    for server in servers:
        rig.servers.attach_volume(server, volume)
    rig.servers.delete(servers[0])
    assert users(rig, volume) == {server.id: server.host for server in servers[1:]}


@pytest.mark.topology(TWO_HOSTS)
def test_readers_and_writers_have_one_volume_together(rig: Rig) -> None:
    writers, readers = rig.servers.create(count=2), rig.servers.create(count=2)
    volume, read_only = shared(rig), shared(rig, read_only=True)
    for server in writers:
        rig.servers.attach_volume(server, volume)
    for server in readers:
        rig.servers.attach_volume(server, read_only)
    assert {each.mode for each in rig.volumes.attachments(volume)} == {AttachMode.READ_WRITE}
    assert {each.mode for each in rig.volumes.attachments(read_only)} == {AttachMode.READ_ONLY}
    for server in readers:
        assert rig.guest(server).disk(serial=read_only.id).read_only
        has_shareable_disk(rig, server, read_only)
    assert not rig.guest(writers[0]).disk(serial=volume.id).read_only


def test_a_volume_that_is_not_multiattach_is_not_shareable(rig: Rig) -> None:
    server, volume = rig.servers.create(), rig.volumes.create()
    rig.servers.attach_volume(server, volume)
    disk = rig.guest(server).disk(serial=volume.id)
    assert (disk.shareable, disk.cache) == (False, "none")
    assert b"shareable" not in fake(rig, server.host).domain_xml(server.id)


def test_every_guest_sees_that_the_volume_has_grown(rig: Rig) -> None:
    volume = shared(rig, size=1)
    servers = rig.servers.create(count=3)
    for server in servers:
        rig.servers.attach_volume(server, volume)
    rig.volumes.extend(volume, 5)
    for server in servers:
        assert rig.guest(server).disk(serial=volume.id).size_gb == 5


# -- boot --------------------------------------------------


@pytest.mark.topology(MIXED)
@pytest.mark.parametrize("how", ["root", "attached", "made"])
def test_booting_with_a_multiattach_volume_never_goes_to_a_host_that_cannot(
    rig: Rig, how: str
) -> None:
    volume = shared(rig, size=1, image="cirros")
    for _each in range(6):
        if how == "root":
            server = rig.servers.create(block_devices=[boots_from(volume)])
        elif how == "attached":
            server = rig.servers.create(volumes=[volume])
        else:
            made = BlockDevice(
                source_type=SourceType.BLANK, volume_size=1, volume_type="multiattach"
            )
            server = rig.servers.create(block_devices=[made])
        assert (server.status, str(server.host)[:3]) == ("ACTIVE", "new")
        (mapping,) = rig.servers.volumes(server)
        has_shareable_disk(rig, server, rig.volumes.show(str(mapping.volume_id)))
    assert {rig.servers.create().host for _each in range(8)} >= {"old1", "old2"}


@pytest.mark.topology(ALL_OLD)
def test_a_cloud_in_which_no_host_can_boots_none_with_a_multiattach_volume(rig: Rig) -> None:
    volume = shared(rig)
    server = rig.servers.create(volumes=[volume])
    assert (server.status, server.host) == ("ERROR", None)
    assert rig.volumes.show(volume).status == VolumeStatus.RESERVED
    rig.servers.delete(server)
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE


@pytest.mark.topology(MIXED)
def test_a_host_that_was_forced_and_cannot_fails_the_build_and_says_so(rig: Rig) -> None:
    volume = shared(rig)
    server = rig.servers.create(zone="nova:old1", volumes=[volume])
    assert server.status == "ERROR"
    assert server.fault is not None
    assert "old1: COMPUTE_VOLUME_MULTI_ATTACH: the host lacks this trait" in server.fault.message
    rig.servers.delete(server)
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE


@pytest.mark.topology(MIXED)
def test_a_failed_build_goes_on_to_an_alternate_that_can(rig: Rig) -> None:
    volume = shared(rig)
    other = rig.servers.create(volumes=[volume])
    rig.faults.fail("driver.spawn", HypervisorError("out of ink"), times=1)
    server = rig.servers.create(volumes=[volume])
    # The one host of its cell that could have taken it has failed it.
    assert server.status == "ERROR"
    assert users_and_reserved(rig, volume) == {other.id: "attached", server.id: "reserved"}
    rig.servers.delete(server)
    assert users(rig, volume) == {other.id: other.host}


def users_and_reserved(rig: Rig, volume: Volume) -> dict[str, str]:
    return {str(each.instance_uuid): str(each.status) for each in rig.volumes.attachments(volume)}


def test_60_several_servers_boot_with_one_volume_in_one_request(rig: Rig) -> None:
    volume = shared(rig)
    servers = rig.servers.create(count=3, volumes=[volume])
    assert users(rig, volume) == {server.id: server.host for server in servers}


def test_60_a_volume_that_boots_one_server_is_attached_to_a_second(rig: Rig) -> None:
    volume = shared(rig, size=1, image="cirros")
    one, other = rig.servers.create(block_devices=[boots_from(volume)]), rig.servers.create()
    rig.servers.attach_volume(other, volume)
    assert users(rig, volume) == {one.id: one.host, other.id: other.host}
    for server in (one, other):
        has_shareable_disk(rig, server, volume)
    assert rig.guest(one).disk(serial=volume.id).boot_order == 1
    assert rig.guest(other).disk(serial=volume.id).boot_order is None
    rig.servers.delete(one)
    assert users(rig, volume) == {other.id: other.host}


# -- hosts that cannot --------------------------------------------------


@pytest.mark.topology(MIXED)
def test_60_attaching_to_a_server_on_a_host_that_cannot_is_refused(rig: Rig) -> None:
    volume, plain = shared(rig), rig.volumes.create()
    old, new = rig.servers.create(host="old1"), rig.servers.create(host="new1")
    told = f"volume {volume.id} is multiattach, and the driver of host old1 of server {old.id}"
    with pytest.raises(Conflict, match=told):
        rig.servers.attach_volume(old, volume)
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE
    assert rig.servers.volumes(old) == []
    rig.servers.attach_volume(old, plain)
    rig.servers.attach_volume(new, volume)
    assert users(rig, volume) == {new.id: "new1"}


@pytest.mark.topology(MIXED)
def test_60_a_driver_that_cannot_after_all_ends_the_attachment(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    volume, server = shared(rig), rig.servers.create(host="new1")
    monkeypatch.setattr(fake(rig, "new1"), "capabilities", fake(rig, "old1").capabilities)
    rig.servers.attach_volume(server, volume)
    shown = rig.servers.show(server)
    assert shown.fault is not None
    assert shown.fault.message == (
        f"volume {volume.id} is multiattach, which the driver of host new1 does not support"
    )
    assert (shown.status, rig.servers.volumes(server)) == ("ACTIVE", [])
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE


# -- two guests on one host --------------------------------------------------


@pytest.mark.topology(ONE_HOST)
def test_57_1752115_detaching_from_one_guest_keeps_the_hosts_connection(rig: Rig) -> None:
    volume = shared(rig)
    one, other = rig.servers.create(count=2)
    for server in (one, other):
        rig.servers.attach_volume(server, volume)
    driver = fake(rig, "cell1-host1")
    before = driver.volume_connections()
    with rig.faults.record() as passed:
        rig.servers.detach_volume(one, volume)
    assert disconnects(passed) == 0
    assert driver.volume_connections().guests(volume.id) == (other.id,)
    assert driver.volume_connections().sessions == before.sessions
    has_shareable_disk(rig, other, volume)
    with rig.faults.record() as passed:
        rig.servers.detach_volume(other, volume)
    assert disconnects(passed) == 1
    assert driver.volume_connections().sessions == ()


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("topology", [ONE_HOST, SHARED_TARGETS], ids=["own", "shared targets"])
def test_57_2048837_two_deletes_at_once_on_one_host_disconnect_exactly_once(
    rig_factory: RigFactory, topology: Topology, seed: int
) -> None:
    rig = rig_factory(topology, seed=seed)
    volume = shared(rig)
    servers = rig.servers.create(count=2)
    for server in servers:
        rig.servers.attach_volume(server, volume)
    with rig.faults.record() as passed:
        rig.concurrently(*(lambda s=s: rig.servers.delete(s) for s in servers))
    assert disconnects(passed) == 1
    connections = fake(rig, "cell1-host1").volume_connections()
    assert (connections.volumes, connections.sessions) == ((), ())
    assert rig.volumes.show(volume).status == VolumeStatus.AVAILABLE


@pytest.mark.parametrize("seed", range(20))
def test_57_a_detach_and_an_attach_at_once_leave_the_host_connected(
    rig_factory: RigFactory, seed: int
) -> None:
    rig = rig_factory(SHARED_TARGETS, seed=seed)
    volume = shared(rig)
    one, other = rig.servers.create(count=2)
    rig.servers.attach_volume(one, volume)
    _detached, got = rig.concurrently(
        lambda: rig.servers.detach_volume(one, volume),
        lambda: rig.servers.attach_volume(other, volume),
    )
    if isinstance(got, Invalid):  # it came while the only attachment that there was went away
        assert f"volume {volume.id} is detaching" in str(got)
        rig.servers.attach_volume(other, volume)
    assert users(rig, volume) == {other.id: "cell1-host1"}
    connections = fake(rig, "cell1-host1").volume_connections()
    assert connections.guests(volume.id) == (other.id,)
    assert connections.cut_off() == ()


# -- what goes with a server --------------------------------------------------


@pytest.mark.topology(ONE_HOST)
def test_60_a_volume_that_others_have_stays_and_the_server_is_deleted(rig: Rig) -> None:
    volume = shared(rig)
    one, other = rig.servers.create(count=2)
    for server in (one, other):
        rig.servers.attach_volume(server, volume, delete_on_termination=True)
    rig.servers.delete(one)
    with pytest.raises(NotFound):
        rig.servers.show(one)
    assert users(rig, volume) == {other.id: other.host}
    rig.servers.delete(other)
    assert rig.volumes.list() == ()


@pytest.mark.topology(ONE_HOST)
def test_60_a_volume_stays_also_when_the_server_is_deleted_without_its_host(rig: Rig) -> None:
    volume = shared(rig)
    one, other = rig.servers.create(count=2)
    for server in (one, other):
        rig.servers.attach_volume(server, volume, delete_on_termination=True)
    rig.crash("cell1-host1")
    rig.advance(120)
    rig.servers.delete(one)
    assert users(rig, volume) == {other.id: other.host}
    rig.restart("cell1-host1")
    assert fake(rig, "cell1-host1").volume_connections().guests(volume.id) == (other.id,)


# -- swap --------------------------------------------------


def test_58_1775418_a_volume_with_two_writers_is_not_swapped(rig: Rig) -> None:
    old, new = shared(rig), shared(rig)
    one, other = rig.servers.create(count=2)
    for server in (one, other):
        rig.servers.attach_volume(server, old)
    with pytest.raises(
        Invalid, match=f"volume {old.id} has 2 read/write attachments: only a volume with one"
    ):
        rig.servers.swap_volume(one, old, new)
    assert users(rig, old) == {one.id: one.host, other.id: other.host}
    assert rig.volumes.show(new).status == VolumeStatus.AVAILABLE
    rig.servers.detach_volume(other, old)
    rig.servers.swap_volume(one, old, new)
    assert users(rig, new) == {one.id: one.host}


def test_58_1943431_readers_of_a_shared_volume_are_swapped_one_by_one(rig: Rig) -> None:
    old, new = shared(rig, read_only=True), shared(rig, read_only=True)
    one, other = rig.servers.create(count=2)
    for server in (one, other):
        rig.servers.attach_volume(server, old)
    rig.servers.swap_volume(one, old, new)
    assert users(rig, old) == {other.id: other.host}
    assert users(rig, new) == {one.id: one.host}
    (mapping,) = rig.servers.volumes(one)
    (attachment,) = rig.volumes.attachments(new)
    assert mapping.connection_info == attachment.connection_info
    assert rig.guest(one).disk(serial=new.id).read_only


def test_58_after_a_swap_to_a_multiattach_volume_the_disk_is_shareable(rig: Rig) -> None:
    old, new = rig.volumes.create(), shared(rig)
    one, other = rig.servers.create(count=2)
    rig.servers.attach_volume(one, old)
    rig.servers.swap_volume(one, old, new)
    assert [mapping.multiattach for mapping in rig.servers.volumes(one)] == [True]
    # A guest that runs keeps the disk that it has, but for its data: so QEMU has it.
    rig.servers.reboot(one, "HARD")
    has_shareable_disk(rig, one, new)
    rig.servers.attach_volume(other, new)
    assert users(rig, new) == {one.id: one.host, other.id: other.host}


@pytest.mark.topology(MIXED)
def test_58_a_swap_to_a_multiattach_volume_on_a_host_that_cannot_is_refused(rig: Rig) -> None:
    old, new = rig.volumes.create(), shared(rig)
    server = rig.servers.create(host="old2")
    rig.servers.attach_volume(server, old)
    with pytest.raises(Conflict, match=f"volume {new.id} is multiattach, and the driver of host"):
        rig.servers.swap_volume(server, old, new)
    assert users(rig, old) == {server.id: "old2"}
    assert rig.volumes.show(new).status == VolumeStatus.AVAILABLE


# -- who has what --------------------------------------------------


def test_59_1750064_of_several_servers_with_a_volume_the_one_that_is_named_is_meant(
    rig: Rig,
) -> None:
    volume = shared(rig)
    servers = rig.servers.create(count=3)
    devices = ["sdx", "sdy", "sdz"]
    for server, device in zip(servers, devices, strict=True):
        rig.servers.attach_volume(server, volume, device=device, tag=device)
    rig.servers.update_volume(servers[1], volume, delete_on_termination=True)
    seen = [rig.servers.volumes(server)[0] for server in servers]
    assert [m.instance_uuid for m in seen] == [server.id for server in servers]
    assert [m.device_name for m in seen] == devices
    assert [m.delete_on_termination for m in seen] == [False, True, False]
    rig.servers.detach_volume(servers[1], volume)
    assert [len(rig.servers.volumes(server)) for server in servers] == [1, 0, 1]
    with pytest.raises(NotFound, match=f"server {servers[1].id} of volume '{volume.id}'"):
        rig.servers.detach_volume(servers[1], volume)
    assert users(rig, volume) == {s.id: s.host for s in (servers[0], servers[2])}


def test_59_1533834_one_that_fails_to_get_the_volume_leaves_it_to_the_others(rig: Rig) -> None:
    volume = shared(rig)
    one, other = rig.servers.create(count=2)
    rig.servers.attach_volume(one, volume)
    rig.faults.fail("driver.attach_volume", HypervisorError("no slot"), times=1)
    rig.servers.attach_volume(other, volume)
    assert users(rig, volume) == {one.id: one.host}
    assert rig.servers.volumes(other) == []
    fault = rig.servers.show(other).fault
    assert fault is not None
    assert fault.message == "the hypervisor refused: no slot"
    with pytest.raises(Invalid, match=f"volume {volume.id} is already attached to server {one.id}"):
        rig.servers.attach_volume(one, volume)
    assert users(rig, volume) == {one.id: one.host}


@pytest.mark.parametrize("multiattach", [True, False])
def test_59_1908075_a_status_that_was_reset_gives_no_plain_volume_to_a_second_server(
    rig: Rig, multiattach: bool
) -> None:
    volume = shared(rig) if multiattach else rig.volumes.create()
    one, other = rig.servers.create(count=2)
    rig.servers.attach_volume(one, volume)
    rig.volumes.reset_status(volume, "available")
    if multiattach:
        rig.servers.attach_volume(other, volume)
        assert users(rig, volume) == {one.id: one.host, other.id: other.host}
        return
    with pytest.raises(Invalid, match=f"volume {volume.id} is in-use by server {one.id}"):
        rig.servers.attach_volume(other, volume)
    assert users(rig, volume) == {one.id: one.host}
    assert rig.servers.volumes(other) == []

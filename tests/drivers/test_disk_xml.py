"""Disks in domain XML: what each field of a disk and of its connection info becomes."""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

import cellrig_domxml as domxml
from cellrig.driver import Disk, Guest, GuestDisk, HypervisorError, Image, PowerState

GUEST = Guest(
    uuid="7d4e2a64-1f49-4b7e-9a6f-0c8f5d3b2a10",
    name="instance-00000001",
    node="node1",
    memory_mb=2048,
    vcpus=2,
    root_gb=10,
)
OPENED_BY = "2a3b1e0c-0d5c-4a9f-8d57-7e5c2c8d3b11"


def build(*disks: Disk, image: Image | None = None) -> etree._Element:
    return domxml.build_domain(GUEST, image, disks, (), instances_path="/instances")


def disks_of(domain: etree._Element) -> tuple[GuestDisk, ...]:
    return domxml.read_domain(domain, PowerState.RUNNING).disks


def volume(serial: str = "v1", type_: str = "fake", /, **data: Any) -> Disk:
    return Disk(serial=serial, connection_info={"driver_volume_type": type_, "data": data})


def element(disk: Disk) -> etree._Element:
    return domxml.find_volume(build(disk), disk.serial)


def read(disk: Disk) -> GuestDisk:
    return next(each for each in disks_of(build(disk)) if each.serial == disk.serial)


@pytest.mark.parametrize(
    ("path", "io"), [("/dev/sdx", "native"), ("/srv/volumes/v1.raw", "threads")]
)
def test_io_follows_from_what_the_volume_is_on_the_host(path: str, io: str) -> None:
    found = read(volume(device_path=path))
    assert (found.cache, found.io, found.source) == ("none", io, path)


def test_io_of_a_network_disk_is_left_to_its_protocol() -> None:
    assert read(volume("v1", "nbd", host="127.0.0.1", port=10809, export="v1")).io is None


@pytest.mark.parametrize(
    ("data", "discard"), [({"discard": True}, True), ({"discard": False}, False), ({}, False)]
)
def test_blocks_go_back_to_the_storage_where_it_takes_them(
    data: dict[str, bool], discard: bool
) -> None:
    assert read(volume(**data)).discard is discard


@pytest.mark.parametrize(
    ("said", "mode", "read_only"),
    [(False, "rw", False), (False, "ro", True), (True, "rw", True), (True, None, True)],
)
def test_a_disk_is_read_only_where_either_side_says_so(
    said: bool, mode: str | None, read_only: bool
) -> None:
    data = {} if mode is None else {"access_mode": mode}
    disk = Disk(serial="v1", read_only=said, connection_info={"data": data})
    assert read(disk).read_only is read_only


def test_an_access_mode_that_is_none_is_refused() -> None:
    with pytest.raises(HypervisorError, match="access_mode of volume v1 is 'wo', not 'rw' or 'ro'"):
        build(volume(access_mode="wo"))


def test_an_encrypted_volume_names_the_secret_and_not_its_words() -> None:
    disk = Disk(serial="v1", secret_uuid=OPENED_BY)
    assert read(disk).secret_uuid == OPENED_BY
    encryption = element(disk).find("source/encryption")
    assert encryption is not None
    assert encryption.get("format") == "luks"


def test_limits_of_block_storage_are_the_hypervisors() -> None:
    specs = {"total_iops_sec": "500", "read_bytes_sec": 1024, "minIOPS": "1"}
    iotune = element(volume(qos_specs=specs)).find("iotune")
    assert iotune is not None
    assert {each.tag: each.text for each in iotune} == {
        "total_iops_sec": "500",
        "read_bytes_sec": "1024",
    }
    assert element(volume(qos_specs=None)).find("iotune") is None


@pytest.mark.parametrize(
    ("specs", "told"),
    [
        ({"total_iops_sec": "many"}, "iotune field 'total_iops_sec' must be an integer"),
        (
            {"total_iops_sec": 1, "write_iops_sec": 1},
            "total and read/write of iops_sec cannot be set at the same time",
        ),
    ],
)
def test_limits_that_no_hypervisor_keeps_are_refused(specs: dict[str, Any], told: str) -> None:
    with pytest.raises(HypervisorError, match=told):
        build(volume(qos_specs=specs))


def test_ceph_gets_its_monitors_and_the_secret_to_log_in_with() -> None:
    disk = volume(
        "v1",
        "rbd",
        name="volumes/volume-v1",
        hosts=["10.0.0.1", "[fd00::2]"],
        ports=["6789", "3300"],
        auth_enabled=True,
        auth_username="cinder",
        secret_uuid=OPENED_BY,
    )
    source = element(disk).find("source")
    assert source is not None
    assert [(host.get("name"), host.get("port")) for host in source.iterfind("host")] == [
        ("10.0.0.1", "6789"),
        ("fd00::2", "3300"),
    ]
    auth, secret = source.find("auth"), source.find("auth/secret")
    assert auth is not None
    assert secret is not None
    assert (auth.get("username"), secret.get("type"), secret.get("uuid")) == (
        "cinder",
        "ceph",
        OPENED_BY,
    )
    assert read(disk).source == "rbd:volumes/volume-v1"


def test_iscsi_with_a_password_refers_to_a_secret_of_the_volume() -> None:
    disk = volume(
        "v1",
        "iscsi",
        target_iqn="iqn.2010-10.org.openstack:v1",
        target_portal="10.0.0.1:3260",
        target_lun=1,
        auth_method="CHAP",
        auth_username="user",
        auth_password="never here",  # noqa: S106 - what must not appear in the document
    )
    secret = element(disk).find("source/auth/secret")
    assert secret is not None
    assert (secret.get("type"), secret.get("usage")) == ("iscsi", "v1")
    assert b"never here" not in domxml.serialize(build(disk))


def test_nbd_over_a_socket_of_the_host() -> None:
    disk = volume("v1", "nbd", socket="/run/nbd/v1.sock", export="v1")
    assert read(disk).source == "nbd+unix:///v1?socket=/run/nbd/v1.sock"


@pytest.mark.parametrize(
    ("type_", "data", "missing"),
    [
        ("rbd", {}, "name"),
        ("rbd", {"name": "p/v", "auth_enabled": True}, "secret_uuid"),
        ("nbd", {"port": 1}, "host"),
        ("iscsi", {"target_portal": "a:1"}, "target_iqn"),
        ("iscsi", {"target_iqn": "iqn.x"}, "target_portal"),
    ],
)
def test_a_connection_info_that_lacks_something_is_refused_by_its_name(
    type_: str, data: dict[str, Any], missing: str
) -> None:
    with pytest.raises(HypervisorError, match=f"connection info of volume v1 has no {missing}"):
        build(volume("v1", type_, **data))


def test_a_device_path_is_absolute() -> None:
    with pytest.raises(HypervisorError, match=r"device_path of volume v1 is 'v1\.raw'"):
        build(volume(device_path="v1.raw"))


@pytest.mark.parametrize(
    ("bus", "target"),
    [("scsi", "sdb"), ("virtio", "vda"), ("sata", "sdb"), ("ide", "hda"), ("usb", "sdb")],
)
def test_each_bus_has_its_own_names(bus: str, target: str) -> None:
    disk = read(Disk(serial="v1", bus=bus))
    assert (disk.bus, disk.target) == (bus, target)


def test_a_bus_takes_as_many_disks_as_it_has_places() -> None:
    disks = [Disk(serial=f"v{number}", bus="ide") for number in range(4)]
    assert [disk.target for disk in disks_of(build(*disks))[1:]] == ["hda", "hdb", "hdc", "hdd"]
    with pytest.raises(HypervisorError, match="no more target devices on bus 'ide'"):
        build(*disks, Disk(serial="v5", bus="ide"))
    with pytest.raises(HypervisorError, match="bus 'ide' has no place 'hde'"):
        build(Disk(serial="v1", bus="ide", device="/dev/hde"))


@pytest.mark.parametrize(
    ("disk", "told"),
    [
        (Disk(serial="v1", bus="floppy"), "disk bus 'floppy' is none of scsi, virtio"),
        (Disk(serial="v1", device="/dev/nvme0n1"), "unknown disk name 'nvme0n1'"),
        (Disk(serial="v1", device="sdb/../c"), "unknown disk name"),
        (Disk(serial="v1", bus="ide", read_only=True), "readonly ide disks are not supported"),
        (Disk(serial="v1", bus="sata", read_only=True), "readonly sata disks are not supported"),
    ],
)
def test_a_disk_that_no_hypervisor_has_is_refused(disk: Disk, told: str) -> None:
    with pytest.raises(HypervisorError, match=told):
        build(disk)


def test_a_disk_that_names_its_target_has_it_before_those_that_do_not() -> None:
    image = Image(id="image")
    unnamed, named = Disk(serial="v1"), Disk(serial="v2", device="/dev/sdb")
    domain = build(unnamed, named, image=image)
    assert [(disk.serial, disk.target) for disk in disks_of(domain)] == [
        (None, "sda"),
        ("v2", "sdb"),
        ("v1", "sdc"),
    ]
    domxml.add_volume(domain, Disk(serial="v3"))
    assert disks_of(domain)[-1].target == "sdd"


def test_disks_stand_as_libvirt_lists_them() -> None:
    """Among those of one bus by name, where ``sdz`` comes before ``sdaa``; buses as they came."""
    domain = build(
        Disk(serial="v1", device="sdaa"),
        Disk(serial="v2", device="vdb", bus="virtio"),
        Disk(serial="v3", device="sdz"),
        Disk(serial="v4", device="vda", bus="virtio"),
    )
    assert [disk.target for disk in disks_of(domain)] == ["sda", "sdz", "sdaa", "vda", "vdb"]


def test_scsi_disks_stand_on_one_controller_however_many_they_are() -> None:
    domain = build(*[Disk(serial=f"v{number}") for number in range(30)])
    addresses = domain.findall("devices/disk/address")
    assert [address.get("unit") for address in addresses] == [str(unit) for unit in range(31)]
    assert {address.get("controller") for address in addresses} == {"0"}
    domxml.remove_volume(domain, "v7")
    domxml.add_volume(domain, Disk(serial="again"))
    again = domxml.find_volume(domain, "again").find("address")
    assert again is not None
    assert again.get("unit") == "8"


def test_disks_of_two_buses_with_names_alike_do_not_meet_on_the_controller() -> None:
    domain = build(Disk(serial="v1", bus="usb"), Disk(serial="v2"))
    units = [address.get("unit") for address in domain.iterfind("devices/disk/address")]
    assert units == ["0", "1"]


def test_an_image_chooses_the_model_of_the_controller() -> None:
    domain = build(Disk(serial="v1"), image=Image(id="i", properties={"hw_scsi_model": "lsilogic"}))
    controller = domain.find("devices/controller[@type='scsi']")
    assert controller is not None
    assert controller.get("model") == "lsilogic"
    assert domain.find("devices/disk/address") is None
    with pytest.raises(HypervisorError, match="SCSI controller model 'fast' is none of virtio-"):
        build(image=Image(id="i", properties={"hw_scsi_model": "fast"}))


def test_two_disks_cannot_be_first_to_boot() -> None:
    with pytest.raises(HypervisorError, match="boot order '1' used for more than one device"):
        build(Disk(serial="v1", boot_index=0), Disk(serial="v2", boot_index=0))
    assert read(Disk(serial="v1", boot_index=-1)).boot_order is None


def test_a_disk_is_known_by_an_alias_of_its_volume() -> None:
    alias = element(Disk(serial="v1", tag="any words, of the user")).find("alias")
    assert alias is not None
    assert alias.get("name") == "ua-v1"


def test_a_domain_gets_exactly_the_volumes_that_it_is_to_have() -> None:
    """One that it has keeps its place, whatever way leads to it now."""
    domain = build(Disk(serial="v1"), Disk(serial="v2", tag="data"), image=Image(id="image"))
    (_root, _first, kept) = disks_of(domain)
    wanted = [volume("v2", "local", device_path="/srv/v2.raw"), Disk(serial="v3")]
    domxml.set_volumes(domain, wanted)
    found = {disk.serial: disk for disk in disks_of(domain)}
    assert set(found) == {None, "v2", "v3"}
    assert (found["v2"].target, found["v2"].source) == (kept.target, "/srv/v2.raw")
    assert found["v2"].tag == "data"
    before = domxml.serialize(domain)
    domxml.set_volumes(domain, wanted)
    assert domxml.serialize(domain) == before
    domxml.set_volumes(domain, ())
    assert [disk.serial for disk in disks_of(domain)] == [None]


def test_a_swapped_disk_keeps_its_place_and_takes_all_else_from_the_other_volume() -> None:
    domain = build(Disk(serial="v1", boot_index=0, bus="virtio"), Disk(serial="v2"))
    place = disks_of(domain)[1].target
    domxml.swap_volume(domain, "v2", volume("v3", "local", device_path="/srv/v3.raw"))
    swapped = disks_of(domain)[1]
    assert (swapped.target, swapped.source, swapped.serial) == (place, "/srv/v3.raw", "v3")
    address = domxml.find_volume(domain, "v3").find("address")
    assert address is not None
    assert address.get("unit") == "0"
    domxml.swap_volume(domain, "v1", volume("v1", "local", device_path="/srv/v1.raw"))
    first = disks_of(domain)[0]
    assert (first.serial, first.boot_order, first.bus) == ("v1", 1, "virtio")
    with pytest.raises(HypervisorError, match="has a disk with serial v3 already"):
        domxml.swap_volume(domain, "v1", Disk(serial="v3"))

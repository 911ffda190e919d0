"""Domain XML: what is built is what is read, and nothing is fetched or expanded."""

from __future__ import annotations

import pytest
from lxml import etree

import cellrig_domxml as domxml
from cellrig.driver import (
    Device,
    DeviceKind,
    DeviceNotFound,
    Disk,
    DiskNotFound,
    Guest,
    GuestInfo,
    HypervisorError,
    Image,
    PowerState,
)

GUEST = Guest(
    uuid="7d4e2a64-1f49-4b7e-9a6f-0c8f5d3b2a10",
    name="instance-00000001",
    display_name='web <1> & "co"',
    node="node1",
    memory_mb=2048,
    vcpus=2,
    root_gb=10,
    image_id="image",
)
IMAGE = Image(id="image")
VOLUME = Disk(serial="b1d7f7a8-22c7-4f43-8b9c-5a0f4f1f7a01", size_gb=5)


def build(
    *disks: Disk,
    devices: tuple[Device, ...] = (),
    guest: Guest = GUEST,
    image: Image | None = IMAGE,
) -> etree._Element:
    return domxml.build_domain(guest, image, disks, devices, instances_path="/instances")


def read(domain: etree._Element) -> GuestInfo:
    return domxml.read_domain(domain, PowerState.RUNNING)


def test_a_guest_is_read_as_it_was_built() -> None:
    info = read(domxml.parse(domxml.serialize(build(VOLUME))))
    assert (info.uuid, info.name, info.node) == (GUEST.uuid, GUEST.name, "node1")
    assert (info.memory_mb, info.vcpus) == (2048, 2)
    root, volume = info.disks
    assert (root.target, root.boot_order, root.source) == (
        "sda",
        1,
        f"/instances/{GUEST.uuid}/disk",
    )
    assert (volume.target, volume.serial, volume.size_gb) == ("sdb", VOLUME.serial, 5)
    assert not volume.shareable


def test_a_multiattach_volume_is_shareable_and_not_cached() -> None:
    domain = build(Disk(serial="v1", multiattach=True))
    disk = read(domain).disk(serial="v1")
    assert disk.shareable
    assert disk.cache == "none"
    element = domxml.find_volume(domain, "v1")
    assert element.find("shareable") is not None
    assert element.findtext("serial") == "v1"


def test_a_read_only_disk_with_a_tag_says_so() -> None:
    disk = read(build(Disk(serial="v1", read_only=True, tag="logs", bus="virtio")))
    found = disk.disk(serial="v1")
    assert (found.read_only, found.tag, found.target) == (True, "logs", "vda")


def test_a_guest_that_boots_from_a_volume_has_no_local_root() -> None:
    domain = build(Disk(serial="boot", boot_index=0), Disk(serial="data", boot_index=1), image=None)
    orders = [(disk.serial, disk.boot_order) for disk in read(domain).disks]
    assert orders == [("boot", 1), ("data", 2)]
    assert domxml.local_disk_gb(GUEST, [Disk(serial="boot", boot_index=0)]) == 0
    assert domxml.local_disk_gb(GUEST, []) == 10


def test_ephemeral_and_swap_are_local_disks() -> None:
    guest = Guest(
        uuid=GUEST.uuid,
        name="i",
        node="n",
        memory_mb=1,
        vcpus=1,
        root_gb=1,
        ephemeral_gb=2,
        swap_mb=512,
    )
    names = [disk.source.rpartition("/")[2] for disk in read(build(guest=guest)).disks]
    assert names == ["disk", "disk.eph0", "disk.swap"]
    assert domxml.local_disk_gb(guest, []) == 4


def test_a_target_that_a_volume_names_is_its_own_or_refused() -> None:
    disks = read(build(Disk(serial="v1", device="/dev/sda"))).disks
    assert {disk.serial: disk.target for disk in disks} == {"v1": "sda", None: "sdb"}
    with pytest.raises(HypervisorError, match="target 'sdc' duplicated"):
        build(Disk(serial="v1", device="sdc"), Disk(serial="v2", device="sdc"))


def test_the_27th_disk_is_sdaa() -> None:
    info = read(build(*[Disk(serial=f"v{number}") for number in range(26)]))
    assert info.disks[-1].target == "sdaa"


@pytest.mark.parametrize(
    ("connection", "type_", "source"),
    [
        ({}, "block", "/dev/disk/by-id/volume-v1"),
        ({"data": {"device_path": "/dev/sdx"}}, "block", "/dev/sdx"),
        ({"data": {"device_path": "/srv/v1.raw"}}, "file", "/srv/v1.raw"),
        (
            {
                "driver_volume_type": "rbd",
                "data": {"name": "pool/v1", "hosts": ["a"], "ports": ["1"]},
            },
            "network",
            "rbd:pool/v1",
        ),
        (
            {"driver_volume_type": "nbd", "data": {"export": "v1", "host": "a"}},
            "network",
            "nbd://a:10809/v1",
        ),
        (
            {
                "driver_volume_type": "iscsi",
                "data": {"target_iqn": "iqn.x", "target_lun": 2, "target_portal": "[fd00::1]:3260"},
            },
            "network",
            "iscsi://[fd00::1]:3260/iqn.x/2",
        ),
    ],
)
def test_connection_info_becomes_a_source(
    connection: dict[str, object], type_: str, source: str
) -> None:
    domain = build(Disk(serial="v1", connection_info=connection))
    assert domxml.find_volume(domain, "v1").get("type") == type_
    assert read(domain).disk(serial="v1").source == source


def test_devices_of_each_kind_are_read_as_they_were_built() -> None:
    mdev = "6a9f6a3e-6f1e-4a59-9a41-0a9be9a4b7aa"
    domain = build(
        devices=(
            Device(kind=DeviceKind.VIF, port_id="p1", mac_address="fa:16:3e:00:00:01", tag="nic"),
            Device(
                kind=DeviceKind.VF,
                address="0000:81:02.3",
                port_id="p2",
                mac_address="fa:16:3e:00:00:02",
            ),
            Device(kind=DeviceKind.PF, address="0000:82:00.0"),
            Device(kind=DeviceKind.VGPU, address=mdev),
        )
    )
    vif, vf, pf, vgpu = read(domxml.parse(domxml.serialize(domain))).devices
    assert (vif.kind, vif.port_id, vif.tag, vif.address) == (DeviceKind.VIF, "p1", "nic", None)
    assert (vf.kind, vf.port_id, vf.address) == (DeviceKind.VF, "p2", "0000:81:02.3")
    assert (pf.kind, pf.address) == (DeviceKind.PF, "0000:82:00.0")
    assert (vgpu.kind, vgpu.uuid) == (DeviceKind.VGPU, mdev)
    interface = domain.find("devices/interface[@type='hostdev']/source/address")
    assert interface is not None
    assert {str(key): value for key, value in interface.attrib.items()} == {
        "type": "pci",
        "domain": "0x0000",
        "bus": "0x81",
        "slot": "0x02",
        "function": "0x3",
    }


def test_a_device_without_an_address_is_refused() -> None:
    with pytest.raises(HypervisorError, match="missing address of vf device"):
        build(devices=(Device(kind=DeviceKind.VF),))


def test_a_volume_is_added_swapped_extended_and_removed() -> None:
    domain = build(Disk(serial="v0", tag="data"))
    domxml.add_volume(domain, Disk(serial="v1", size_gb=1))
    domxml.swap_volume(domain, "v0", Disk(serial="v2", size_gb=3, multiattach=True))
    swapped = read(domain).disk(serial="v2")
    assert (swapped.target, swapped.tag, swapped.size_gb, swapped.shareable) == (
        "sdb",
        "data",
        3,
        True,
    )
    domxml.extend_volume(domain, "v2", 7)
    assert read(domain).disk(serial="v2").size_gb == 7
    domxml.remove_volume(domain, "v2")
    assert [disk.serial for disk in read(domain).disks] == [None, "v1"]
    with pytest.raises(DiskNotFound, match="has no disk with serial v2"):
        domxml.remove_volume(domain, "v2")
    with pytest.raises(DiskNotFound):
        domxml.extend_volume(domain, "v2", 1)
    with pytest.raises(DiskNotFound):
        domxml.swap_volume(domain, "v2", VOLUME)


def test_adding_and_removing_leaves_the_document_as_it_was() -> None:
    domain = build(devices=(Device(kind=DeviceKind.VIF, port_id="p1", mac_address="m1"),))
    before = domxml.serialize(domain)
    domxml.add_volume(domain, Disk(serial="v1", tag="t", size_gb=1))
    second = Device(kind=DeviceKind.VIF, port_id="p2", mac_address="m2")
    domxml.add_device(domain, second)
    assert domxml.serialize(domain) != before
    domxml.remove_volume(domain, "v1")
    domxml.remove_device(domain, Device(kind=DeviceKind.VIF, port_id="p2"))
    assert domxml.serialize(domain) == before
    with pytest.raises(DeviceNotFound, match="has no device p2"):
        domxml.remove_device(domain, second)


def test_a_rescued_guest_boots_from_the_rescue_disk_only() -> None:
    domain = build()
    domxml.boot_from_rescue_disk(domain, "/instances/x/disk.rescue")
    orders = {disk.source.rpartition("/")[2]: disk.boot_order for disk in read(domain).disks}
    assert orders == {"disk": None, "disk.rescue": 1}


def test_differences_say_where_two_documents_differ() -> None:
    one, other = build(Disk(serial="v1", tag="logs")), build(Disk(serial="v1"))
    metadata = "/domain/metadata/{urn:cellrig:guest:1}guest/{urn:cellrig:guest:1}device[2]"
    assert domxml.differences(one, build(Disk(serial="v1", tag="logs"))) == ()
    assert domxml.differences(one, other) == (f"{metadata}: is missing",)
    assert domxml.differences(other, one) == (f"{metadata}: is not wanted",)
    other.set("type", "kvm")
    other[0].text = "else"
    told = domxml.differences(one, other)
    assert "/domain/@type: 'qemu' against 'kvm'" in told
    assert "/domain/name: 'instance-00000001' against 'else'" in told


@pytest.mark.parametrize(
    "document",
    [
        b"<domain><name>x</domain>",
        b'<!DOCTYPE domain [<!ENTITY a "b">]><domain><name>&a;</name></domain>',
        b'<!DOCTYPE domain [<!ENTITY a SYSTEM "file:///etc/passwd">]><domain>&a;</domain>',
        b'<!DOCTYPE domain SYSTEM "http://localhost:1/x.dtd"><domain/>',
    ],
)
def test_a_broken_document_or_one_with_a_dtd_is_refused(document: bytes) -> None:
    with pytest.raises(HypervisorError, match="XML error"):
        domxml.parse(document)


def test_pci_addresses_are_written_both_ways() -> None:
    element = etree.Element("address", domxml.pci_attributes("0000:81:1f.7"))
    assert domxml.pci_address(element) == "0000:81:1f.7"
    with pytest.raises(ValueError, match="'81:00' is not a PCI address"):
        domxml.pci_attributes("81:00")


def test_memory_of_any_unit_is_read_as_mebibytes() -> None:
    for text, unit, mebibytes in (("2", "GiB", 2048), ("2048", "KiB", 2), ("1048576", "", 1024)):
        domain = domxml.parse(f"<domain><memory unit='{unit}'>{text}</memory></domain>".encode())
        assert read(domain).memory_mb == mebibytes

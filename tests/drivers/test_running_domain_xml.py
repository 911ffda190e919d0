"""Domain XML of guests that run: swapped volumes, metadata on its own, kernels, interfaces."""

from __future__ import annotations

import pytest
from lxml import etree

import cellrig_domxml as domxml
from cellrig.driver import Device, DeviceKind, Disk, DiskNotFound, Guest, Image, PowerState

GUEST = Guest(
    uuid="7d4e2a64-1f49-4b7e-9a6f-0c8f5d3b2a10", name="i", node="n", memory_mb=64, vcpus=1
)
OLD = Disk(serial="old", tag="data", size_gb=1)
NEW = Disk(serial="new", size_gb=2)


def build(*disks: Disk, **more: object) -> etree._Element:
    return domxml.build_domain(GUEST, None, disks, (), instances_path="/instances", **more)  # type: ignore[arg-type]


def serials(domain: etree._Element) -> list[str | None]:
    disks = domxml.read_domain(domain, PowerState.RUNNING).disks
    return [disk.serial for disk in disks]


def test_a_disk_that_kept_its_serial_is_the_volume_that_it_was_swapped_for() -> None:
    domain = build(OLD)
    domxml.note_swapped_volume(domain, "old", NEW)
    (disk,) = domxml.read_domain(domain, PowerState.RUNNING).disks
    assert (disk.serial, disk.size_gb, disk.tag) == ("new", 2, "data")
    assert domxml.find_volume(domain, "new").findtext("serial") == "old"
    with pytest.raises(DiskNotFound):
        domxml.find_volume(domain, "old")
    domxml.extend_volume(domain, "new", 5)
    assert domxml.read_domain(domain, PowerState.RUNNING).disk(serial="new").size_gb == 5
    third = Disk(serial="third")
    domxml.note_swapped_volume(domain, "new", third)
    assert serials(domain) == ["third"]
    domxml.remove_volume(domain, "third")
    assert serials(domain) == []
    assert domxml.device_words(domain) == {}


def test_a_volume_that_is_swapped_back_is_what_its_serial_says() -> None:
    domain = build(OLD)
    domxml.note_swapped_volume(domain, "old", NEW)
    domxml.note_swapped_volume(domain, "new", OLD)
    assert serials(domain) == ["old"]
    assert "volume" not in domxml.device_words(domain)["old"]


def test_metadata_on_its_own_says_the_same_without_a_namespace() -> None:
    domain = build(OLD)
    domxml.set_node(domain, "elsewhere")
    alone = etree.fromstring(domxml.metadata_document(domain))
    assert (alone.tag, alone.get("node"), alone.nsmap) == ("guest", "elsewhere", {})
    assert [str(each.get("reference")) for each in alone] == ["old"]


def test_a_kernel_is_booted_where_the_host_has_images() -> None:
    image = Image(
        id="image",
        properties={"kernel_id": "k", "ramdisk_id": "r", "os_command_line": "console=ttyS0"},
    )

    def words(images_path: str | None) -> list[str | None]:
        domain = domxml.build_domain(
            GUEST, image, (), (), instances_path="/i", images_path=images_path
        )
        return [domain.findtext(f"os/{tag}") for tag in ("kernel", "initrd", "cmdline")]

    assert words("/images") == ["/images/k", "/images/r", "console=ttyS0"]
    assert words(None) == [None, None, None]


def test_an_unprivileged_host_makes_no_interface_of_its_own() -> None:
    port = Device(kind=DeviceKind.VIF, port_id="port", mac_address="fa:16:3e:00:00:01")
    domain = domxml.build_domain(
        GUEST, None, (), (port,), instances_path="/i", interface_type="user", arch="i686"
    )
    (interface,) = domain.findall("devices/interface")
    assert (interface.get("type"), interface.find("target")) == ("user", None)
    arch = domain.find("os/type")
    assert arch is not None
    assert arch.get("arch") == "i686"

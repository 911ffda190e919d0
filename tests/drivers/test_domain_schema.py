"""Domain XML against libvirt's own schema, and back into what it was made from."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase
from typing import TYPE_CHECKING, Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import etree

import cellrig_domxml as domxml
from cellrig.driver import Device, DeviceKind, Disk, Guest, Image, PowerState
from cellrig_domxml.targets import SCSI_MODELS
from cellrig_domxml.tuning import LIMITS

if TYPE_CHECKING:
    from tests.drivers.conftest import Fleet

#: Where libvirt's library (Debian's ``libvirt0``) puts the schemas of its documents.
SCHEMA = Path("/usr/share/libvirt/schemas/domain.rng")


#: A guest with its disks is large to draw, and the machine may be busy.
EXAMPLES = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
#: Disks of every kind that the driver interface admits come from here on down to `images`.
BUSES = ("scsi", "virtio", "sata", "ide", "usb")

uuids = st.uuids(version=4).map(str)
ports = st.integers(1, 65535)
hosts = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
    st.from_regex(r"[a-z][a-z0-9\-]{0,20}(\.[a-z]{2,8})?", fullmatch=True),
)
words = st.text("abcdefghijklmnopqrstuvwxyz0123456789-_", min_size=1, max_size=20)
#: What users write, as far as an XML document can say it.
texts = st.text(st.characters(min_codepoint=32, exclude_categories=["Cc", "Cs", "Cn"]), max_size=60)
paths = st.lists(words, min_size=1, max_size=4).map("/".join)


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Each of the fields, or not."""
    return st.fixed_dictionaries({}, optional=fields)


@st.composite
def limits(draw: st.DrawFn) -> dict[str, Any]:
    """``qos_specs``: of an amount a total or its parts."""
    names = draw(st.sets(st.sampled_from([*LIMITS, "minIOPS"])))
    for name in sorted(names):
        if name.startswith("total_"):
            names -= {name.replace("total", "read"), name.replace("total", "write")}
    return {name: draw(st.integers(0, 2**63).map(str)) for name in sorted(names)}


common = _some(
    access_mode=st.sampled_from(["rw", "ro"]),
    discard=st.booleans(),
    encrypted=st.booleans(),
    qos_specs=st.none() | limits(),
    target=words,
)


@st.composite
def connections(draw: st.DrawFn) -> tuple[dict[str, Any], str | None]:
    """A connection info, and the source that the guest's disk then has; None: by the serial."""
    kind = draw(st.sampled_from(["none", "fake", "local", "device", "nbd", "unix", "rbd", "iscsi"]))
    data = draw(common)
    name, host, port = draw(words), draw(hosts), draw(ports)
    source = None
    match kind:
        case "none":
            return {}, None
        case "local":
            source = data["device_path"] = f"/srv/{draw(paths)}.raw"
        case "device":
            source = data["device_path"] = f"/dev/{draw(paths)}"
        case "nbd":
            data |= {"host": host, "port": port, "export": name}
            source = f"nbd://{host}:{port}/{name}"
        case "unix":
            data |= {"socket": f"/run/{name}", "export": name}
            kind, source = "nbd", f"nbd+unix:///{name}?socket=/run/{name}"
        case "rbd":
            data |= {"name": f"volumes/{name}", "hosts": [host, host], "ports": [str(port)]}
            source = f"rbd:volumes/{name}"
            if draw(st.booleans()):
                data |= {"auth_enabled": True, "auth_username": name, "secret_uuid": draw(uuids)}
        case "iscsi":
            data |= {"target_iqn": f"iqn.{name}", "target_portal": f"{host}:{port}"}
            data |= {"target_lun": draw(st.integers(0, 255))}
            source = f"iscsi://{host}:{port}/iqn.{name}/{data['target_lun']}"
            if draw(st.booleans()):
                data |= {"auth_method": "CHAP", "auth_username": name, "auth_password": "secret"}
    return {"driver_volume_type": kind, "data": data}, source


@st.composite
def volumes(draw: st.DrawFn) -> list[tuple[Disk, str]]:
    """The volumes of one guest, each with the source that its disk has."""
    found: list[tuple[Disk, str]] = []
    names, orders = set[str](), set[int | None]()
    for serial in draw(st.lists(uuids, max_size=4, unique=True)):
        info, source = draw(connections())
        bus = draw(st.sampled_from(BUSES))
        read_only = draw(st.booleans())
        if read_only or info.get("data", {}).get("access_mode") == "ro":
            # No hypervisor has read-only hard disks there.
            bus = {"ide": "scsi", "sata": "scsi"}.get(bus, bus)
        prefix = {"virtio": "vd", "ide": "hd"}.get(bus, "sd")
        letter = draw(st.sampled_from(ascii_lowercase[:4]))
        device = draw(st.sampled_from([None, f"/dev/{prefix}{letter}", prefix + letter]))
        name = None if device is None else prefix + letter
        boot_index = draw(st.none() | st.integers(-1, 5))
        if name in names or boot_index in orders - {None, -1}:
            continue
        names |= {name} if name else set()
        orders.add(boot_index)
        disk = Disk(
            serial=serial,
            connection_info=info,
            bus=bus,
            device=device,
            boot_index=boot_index,
            tag=draw(st.none() | texts.filter(bool)),
            read_only=read_only,
            multiattach=draw(st.booleans()),
            size_gb=draw(st.integers(0, 1 << 20)),
            secret_uuid=draw(st.none() | uuids),
        )
        found.append((disk, source or f"/dev/disk/by-id/volume-{serial}"))
    return found


guests = st.builds(
    Guest,
    uuid=uuids,
    name=st.integers(1, 1 << 32).map("instance-{:08x}".format),
    node=words,
    memory_mb=st.integers(1, 1 << 22),
    vcpus=st.integers(1, 512),
    root_gb=st.integers(0, 1000),
    ephemeral_gb=st.integers(0, 10),
    swap_mb=st.integers(0, 5000),
    display_name=texts,
    flavor=texts,
    project_id=words,
    user_id=words,
)
images = st.builds(
    Image,
    id=uuids,
    properties=_some(
        hw_disk_bus=st.sampled_from(["scsi", "virtio", "sata", "usb"]),
        hw_scsi_model=st.sampled_from(SCSI_MODELS),
    ),
)


@pytest.fixture(scope="module")
def schema() -> etree.RelaxNG:
    """Libvirt's schema of a domain. `./run tests` installs it where it may."""
    if not SCHEMA.exists():
        pytest.skip(f"libvirt's schema {SCHEMA} is absent: install Debian's libvirt0")
    return etree.RelaxNG(etree.parse(SCHEMA))


def check(schema: etree.RelaxNG, domain: etree._Element) -> None:
    # Parsed again: what counts is what the hypervisor is sent.
    document = domxml.serialize(domain)
    valid = schema.validate(domxml.parse(document))
    told = "\n".join(str(each) for each in schema.error_log)
    assert valid, f"{told}\n{document.decode()}"


def test_the_schema_refuses_what_libvirt_does_not_know(schema: etree.RelaxNG) -> None:
    guest = Guest(
        uuid="7d4e2a64-1f49-4b7e-9a6f-0c8f5d3b2a10", name="i", node="n", memory_mb=1, vcpus=1
    )
    domain = domxml.build_domain(guest, None, [Disk(serial="v1")], (), instances_path="/instances")
    check(schema, domain)
    domxml.find_volume(domain, "v1").append(etree.Element("sharable"))
    assert not schema.validate(domain)


@EXAMPLES
@given(guest=guests, image=images, found=volumes())
def test_any_guest_with_any_disks_is_a_domain_of_libvirts(
    schema: etree.RelaxNG, guest: Guest, image: Image, found: list[tuple[Disk, str]]
) -> None:
    disks = [disk for disk, _source in found]
    from_volume = any(disk.boot_index == 0 for disk in disks)
    domain = domxml.build_domain(
        guest, None if from_volume else image, disks, (), instances_path="/instances"
    )
    check(schema, domain)
    domxml.boot_from_rescue_disk(domain, "/instances/disk.rescue")
    check(schema, domain)


@EXAMPLES
@given(guest=guests, image=images, found=volumes())
def test_any_disk_is_read_as_it_was_built(
    guest: Guest, image: Image, found: list[tuple[Disk, str]]
) -> None:
    disks = [disk for disk, _source in found]
    from_volume = any(disk.boot_index == 0 for disk in disks)
    root = domxml.build_domain(
        guest, None if from_volume else image, disks, (), instances_path="/instances"
    )
    info = domxml.read_domain(domxml.parse(domxml.serialize(root)), PowerState.RUNNING)
    assert (info.uuid, info.name, info.node) == (guest.uuid, guest.name, guest.node)
    assert (info.memory_mb, info.vcpus) == (guest.memory_mb, guest.vcpus)
    targets = [disk.target for disk in info.disks]
    assert len(set(targets)) == len(targets)
    serials = [disk.serial for disk in info.disks if disk.serial]
    assert sorted(serials) == sorted(disk.serial for disk in disks)
    for disk, source in found:
        data = disk.connection_info.get("data", {})
        read = info.disk(serial=disk.serial)
        assert read.source == source
        assert (read.bus, read.size_gb, read.tag) == (disk.bus, disk.size_gb, disk.tag)
        assert (read.shareable, read.cache) == (disk.multiattach, "none")
        assert read.read_only is (disk.read_only or data.get("access_mode") == "ro")
        assert read.discard is data.get("discard", False)
        assert read.secret_uuid == disk.secret_uuid
        bootable = disk.boot_index is not None and disk.boot_index >= 0
        assert read.boot_order == (disk.boot_index + 1 if bootable else None)  # type: ignore[operator]
        if disk.device is not None:
            assert read.target == disk.device.removeprefix("/dev/")


@EXAMPLES
@given(guest=guests, found=volumes())
def test_disks_that_come_and_go_leave_the_document_as_it_was(
    guest: Guest, found: list[tuple[Disk, str]]
) -> None:
    domain = domxml.build_domain(guest, None, (), (), instances_path="/instances")
    before = domxml.serialize(domain)
    for disk, _source in found:
        domxml.add_volume(domain, msgspec.structs.replace(disk, device=None, boot_index=None))
    for disk, _source in found:
        domxml.remove_volume(domain, disk.serial)
    assert domxml.serialize(domain) == before


def test_every_document_that_the_fake_hypervisor_has_is_a_domain_of_libvirts(
    schema: etree.RelaxNG, fleet: Fleet
) -> None:
    card = {"address": "0000:81:00.0", "vfs": 2}
    driver = fleet.driver(sriov=[card], gpus=[{"address": "0000:06:00.0", "vgpus": 1}])
    devices = (
        Device(kind=DeviceKind.VIF, port_id=fleet.new_uuid(), mac_address="fa:16:3e:00:00:01"),
        Device(kind=DeviceKind.VF, port_id=fleet.new_uuid(), mac_address="fa:16:3e:00:00:02"),
        Device(kind=DeviceKind.VF),
        Device(kind=DeviceKind.VGPU),
    )
    shared, spare = fleet.volume(multiattach=True, tag="data"), fleet.volume(read_only=True)
    guest = fleet.spawn(driver, shared, devices=devices, ephemeral_gb=1, swap_mb=64)

    def look() -> None:
        check(schema, domxml.parse(driver.domain_xml(guest.uuid)))

    look()
    steps: tuple[Callable[[], None], ...] = (
        lambda: driver.attach_volume(guest, spare),
        lambda: driver.swap_volume(guest, spare, fleet.volume()),
        lambda: driver.extend_volume(guest, shared, 5 << 30),
        lambda: driver.detach_volume(guest, shared),
        lambda: driver.rescue(guest, fleet.image),
    )
    for step in steps:
        step()
        look()

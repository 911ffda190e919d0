"""What one guest writes to a shared volume is read by another, before and after it has moved."""

from __future__ import annotations

import msgspec
import pytest
from fleet import Fleet, file_volume
from guest_os import initramfs, kernel, missing_guest_os, numbers
from waiting import wait_for

from cellrig.driver import Disk, Guest, Image
from cellrig_libvirt import LibvirtDriver
from cellrig_libvirt.hosts import LibvirtHosts


def boot(
    real: Fleet, hosts: LibvirtHosts, driver: LibvirtDriver, role: str, shared: Disk
) -> tuple[Guest, tuple[Disk, ...]]:
    """Boot a guest with its own volume and the shared one."""
    own = file_volume(hosts.volumes, boot_index=0)
    image = Image(
        id=real.new_uuid(),
        format="raw",
        properties={
            "kernel_id": "kernel",
            "ramdisk_id": "ramdisk",
            "os_command_line": f"console=ttyS0 panic=-1 role={role} serial={shared.serial}",
        },
    )
    (hosts.images / image.id).touch()
    guest = real.guest(driver.context.host, memory_mb=192, root_gb=0, image_id=None)
    driver.spawn(guest, image, [own, shared], ())
    return guest, (own, shared)


def test_two_guests_share_data_across_a_live_migration(real: Fleet, hosts: LibvirtHosts) -> None:
    lacking = missing_guest_os()
    if lacking is not None:
        pytest.skip(lacking)
    (hosts.images / "kernel").write_bytes(kernel().read_bytes())
    (hosts.images / "ramdisk").write_bytes(initramfs())
    one, other = (
        real.driver(f"host{n}", **hosts[n].options(images_path=str(hosts.images))) for n in range(2)
    )
    shared = file_volume(hosts.volumes, multiattach=True)
    writer, _disks = boot(real, hosts, one, "writer", shared)
    reader, disks = boot(real, hosts, other, "reader", shared)

    def read(driver: LibvirtDriver) -> int:
        return max(numbers(driver.get_console_output(reader), "reader"), default=0)

    def written() -> int:
        return max(numbers(one.get_console_output(writer), "writer"), default=0)

    wait_for(lambda: read(other) > 1, "a number of the writer's at the reader")
    assert read(other) <= written() + 1
    data = real.prepare_live_migration(reader, other, one, *disks)
    ends: list[object] = []
    other.live_migration(reader, "host0", lambda: ends.append(None), ends.append, data)
    assert ends == [None]
    moved = msgspec.structs.replace(reader, node="host0")
    other.post_live_migration_at_source(reader, disks, data)
    one.post_live_migration_at_destination(moved, disks, (), data)
    before = written()
    wait_for(lambda: read(one) > before, "a number that was written after the move")
    assert [disk.shareable for disk in one.get_guest(reader.uuid).disks] == [False, True]
    # It was not booted again: there is no second word of its start.
    assert "is up" not in one.get_console_output(moved)

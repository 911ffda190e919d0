"""Images where there are real bytes: volumes made of them, and disks that a hypervisor opens."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from cellrig import Rig, Topology
from cellrig.driver import Image, ImageUnacceptable
from cellrig.image import small_disk
from cellrig.topology import StorageBackend
from cellrig_libvirt.disk_files import QemuDiskFiles

GIB = 1024**3
#: Where the boot sector ends.
SECTOR = 512

needs_qemu = pytest.mark.skipif(
    shutil.which("qemu-img") is None, reason="qemu-img (qemu-utils) is not installed"
)


def on_files(directory: Path) -> Topology:
    options = {"directory": str(directory)}
    return Topology(volume_backends=[StorageBackend("files", "file", options)])


def test_a_volume_in_a_file_holds_what_its_image_holds(tmp_path: Path) -> None:
    with Rig(on_files(tmp_path)) as rig:
        for data in (b"a few bytes", b"many" * 20_000):
            image = rig.images.create("raw", id=rig.new_uuid(), disk_format="raw", data=data)
            volume = rig.volumes.create(size=2, image=image.id)
            assert (volume.status, volume.bootable) == ("available", True)
            path = tmp_path / f"volume-{volume.id}"
            assert path.stat().st_size == 2 * GIB
            with path.open("rb") as disk:
                assert disk.read(len(data) + 1) == data + b"\0"
            rig.images.delete(image.id)
            assert path.exists()


@needs_qemu
def test_a_volume_of_a_qcow2_image_is_a_disk(tmp_path: Path) -> None:
    with Rig(on_files(tmp_path)) as rig:
        volume = rig.volumes.create(size=1, image="cirros")
        path = tmp_path / f"volume-{volume.id}"
        with path.open("rb") as disk:
            assert disk.read(SECTOR)[-2:] == b"\x55\xaa"


@needs_qemu
def test_the_first_image_is_sound() -> None:
    with Rig() as rig:
        path = rig.cloud.images.file_of(rig.images.show("cirros").id)
        subprocess.run(["qemu-img", "check", str(path)], check=True, capture_output=True)  # noqa: S603, S607


@needs_qemu
def test_a_local_disk_is_a_copy_of_the_image_services_data(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(small_disk())
    asked: list[str] = []

    def fetch(image_id: str) -> Path | None:
        asked.append(image_id)
        return data if image_id == "known" else None

    disks = QemuDiskFiles(tmp_path, True, fetch)
    known = Image(id="known", format="qcow2")
    disks.check(known)
    disks.create(tmp_path / "disk", 2, known)
    assert disks.virtual_size(tmp_path / "disk") == 2 * GIB
    data.unlink()  # the disk needs it no more
    raw = tmp_path / "raw"
    subprocess.run(  # noqa: S603
        ["qemu-img", "convert", "-O", "raw", str(tmp_path / "disk"), str(raw)],  # noqa: S607
        check=True,
    )
    with raw.open("rb") as disk:
        assert disk.read(SECTOR)[-2:] == b"\x55\xaa"
    with pytest.raises(ImageUnacceptable, match="there is no"):
        disks.check(Image(id="unknown", format="qcow2"))


@needs_qemu
def test_what_is_said_to_be_raw_is_not_looked_into(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.write_bytes(small_disk())
    disks = QemuDiskFiles(tmp_path, False, lambda _image_id: data)
    disks.create(tmp_path / "disk", 0, Image(id="i", format="raw"))
    assert disks.virtual_size(tmp_path / "disk") == len(small_disk())

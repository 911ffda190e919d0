"""Local disks as qcow2 files, made and changed by qemu-img."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from cellrig.driver import Image, ImageUnacceptable

#: The formats of images that can be a disk's backing file.
FORMATS = ("raw", "qcow2")


class DiskFiles(Protocol):
    """Makes the files of local disks.

    Args:
        images: the directory of images.
    """

    images: Path

    def check(self, image: Image) -> None:
        """Refuse an image that cannot boot here.

        Raises:
            ImageUnacceptable: its format, or it is not there.
        """

    def create(self, path: Path, size_gb: int, image: Image | None = None) -> None:
        """Make a disk; of an image that is there it has the data.

        Args:
            path: where, with nothing there yet.
            size_gb: GiB; 0 takes the image's own size.
            image: what it begins with; None for an empty one.
        """

    def take_over(self, source: Path, path: Path, size_gb: int) -> bool:
        """Make a disk of the data of another, which may be smaller; False where there is none."""

    def pack(self, source: Path, target: Path) -> None:
        """Make an image of a disk that nobody writes to."""

    def virtual_size(self, path: Path) -> int:
        """Bytes that the guest sees of a disk."""


class QemuDiskFiles:
    """Disks with data. An image is the backing file of all disks that are made from it.

    Args:
        images: the directory of images.
        must_exist: refuse an image that is not there; else it is an empty disk.
        fetch: returns a file with the data of the image of an id that is not in the directory;
            None where there are none.
    """

    def __init__(
        self,
        images: Path,
        must_exist: bool,
        fetch: Callable[[str], Path | None] = lambda _image_id: None,
    ) -> None:
        self.images = images
        self._must_exist = must_exist
        self._fetch = fetch

    def check(self, image: Image) -> None:
        """See `DiskFiles`."""
        _check_format(image)
        if self._must_exist and self._find(image) is None and self._fetch(image.id) is None:
            names = " or ".join(name for name in (image.id, image.name) if name)
            raise ImageUnacceptable(image.id, f"there is no {names} in {self.images}")

    def create(self, path: Path, size_gb: int, image: Image | None = None) -> None:
        """See `DiskFiles`."""
        base = None if image is None else self._find(image)
        data = None if image is None or base is not None else self._fetch(image.id)
        if image is not None and data is not None:
            _unpack(image, data, path, size_gb)
            return
        if image is None or base is None:
            _qemu_img("create", "-q", "-f", "qcow2", str(path), f"{max(size_gb, 1)}G")
            return
        _check_room(image, self.virtual_size(base), size_gb)
        form = _format_of(base)
        size = (f"{size_gb}G",) if size_gb else ()
        _qemu_img(
            "create", "-q", "-f", "qcow2", "-b", str(base), "-F", form, str(path), *size
        )  # fmt: skip

    def take_over(self, source: Path, path: Path, size_gb: int) -> bool:
        """See `DiskFiles`. The copy needs no backing file any more."""
        if not source.exists():
            return False
        _qemu_img("convert", "-q", "-O", "qcow2", str(source), str(path))
        if self.virtual_size(path) < size_gb << 30:
            _qemu_img("resize", "-q", str(path), f"{size_gb}G")
        return True

    def pack(self, source: Path, target: Path) -> None:
        """See `DiskFiles`."""
        _qemu_img("convert", "-q", "-O", "qcow2", str(source), str(target))

    def virtual_size(self, path: Path) -> int:
        """See `DiskFiles`."""
        return int(str(_info(path)["virtual-size"]))

    def _find(self, image: Image) -> Path | None:
        for name in (image.id, image.name):
            path = self.images / name
            if name and "/" not in name and path.is_file():
                return path
        return None


class NoDiskFiles:
    """Disks of a hypervisor that has no data: nothing is made.

    Args:
        images: the directory of images, which need not be there.
    """

    def __init__(self, images: Path) -> None:
        self.images = images

    def check(self, image: Image) -> None:
        """See `DiskFiles`. Of what is there nothing is needed."""
        _check_format(image)

    def create(self, path: Path, size_gb: int, image: Image | None = None) -> None:
        """Make nothing."""

    def take_over(self, source: Path, path: Path, size_gb: int) -> bool:
        """Find nothing."""
        return True

    def pack(self, source: Path, target: Path) -> None:
        """Make nothing."""

    def virtual_size(self, path: Path) -> int:
        """Return 0."""
        return 0


def _check_format(image: Image) -> None:
    if image.format not in FORMATS:
        taken = ", ".join(FORMATS)
        told = f"its format is {image.format!r}, taken are: {taken}"
        raise ImageUnacceptable(image.id, told)


def _check_room(image: Image, needed: int, size_gb: int) -> None:
    if size_gb and needed > size_gb << 30:
        told = f"its data take {-(-needed >> 30)} GiB, the disk has {size_gb}"
        raise ImageUnacceptable(image.id, told)


def _unpack(image: Image, data: Path, path: Path, size_gb: int) -> None:
    """Make a disk of the image service's data, which may be gone tomorrow: it is a copy.

    The format is the one that the image says: what is guessed is up to who has made the data.
    """
    told = _info(data, "-f", image.format)
    if "backing-filename" in told or '"data-file"' in json.dumps(told):
        raise ImageUnacceptable(image.id, "its data refer to another file of the host")
    _check_room(image, int(str(told["virtual-size"])), size_gb)
    _qemu_img("convert", "-q", "-f", image.format, "-O", "qcow2", str(data), str(path))
    if size_gb:
        _qemu_img("resize", "-q", str(path), f"{size_gb}G")


def _format_of(path: Path) -> str:
    """What is in a file: the record of it may say something else."""
    return str(_info(path)["format"])


def _info(path: Path, *options: str) -> Mapping[str, object]:
    # A guest may have it open: to look at its size no lock is needed.
    told = _qemu_img("info", "-U", "--output=json", *options, str(path))
    found: Mapping[str, object] = json.loads(told)
    return found


def _qemu_img(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603 - the arguments are paths of ours and numbers
        ["qemu-img", *arguments],  # noqa: S607 - wherever it is installed
        check=True,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    ).stdout

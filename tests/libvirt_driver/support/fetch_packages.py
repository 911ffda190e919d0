"""Provide what real hypervisors need here: install Debian's packages where we may, else name them.

Run by tox's environment ``libvirt``, with the directory for a guest's operating system. Its
packages are only unpacked there: nothing is installed of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

_HOST = {
    "libvirtd": "libvirt-daemon",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-img": "qemu-utils",
    "pkg-config": "pkg-config",
    "gcc": "gcc",
}
#: Files that no program tells of, and the packages that they are in.
_FILES = {
    "/usr/lib/*/libvirt/connection-driver/libvirt_driver_qemu.so": "libvirt-daemon-driver-qemu",
    "/usr/include/libvirt/libvirt.h": "libvirt-dev",
    "/usr/share/libvirt/schemas/domain.rng": "libvirt0",
}
_GUEST = ("linux-image-cloud-amd64", "busybox-static")


def main(guest: Path) -> None:
    """Install what is missing on the host, and unpack the guest's packages."""
    missing = sorted({*_missing_programs(), *_missing_files()})
    try:
        if missing:
            _install(missing)
        if not (guest / "boot").is_dir():
            _unpack_guest(guest)
    except subprocess.CalledProcessError as error:
        # Tests that cannot run say so themselves.
        sys.stderr.write(f"{' '.join(error.cmd)} failed; what it was for is skipped\n")


def _missing_programs() -> set[str]:
    path = os.pathsep.join((os.environ.get("PATH", os.defpath), "/usr/sbin", "/sbin"))
    return {package for name, package in _HOST.items() if shutil.which(name, path=path) is None}


def _missing_files() -> set[str]:
    root = Path("/")
    return {package for path, package in _FILES.items() if not any(root.glob(path[1:]))}


def _install(packages: list[str]) -> None:
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        told = f"tests on real hypervisors are skipped; install: {' '.join(packages)}"
        sys.stderr.write(f"{told}\n")
        return
    _run("apt-get", "update", "-q")
    _run("apt-get", "install", "-q", "-y", "--no-install-recommends", *packages)


def _unpack_guest(guest: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        sys.stderr.write(f"a guest's system is not tested: there is no {' or '.join(_GUEST)}\n")
        return
    guest.mkdir(parents=True, exist_ok=True)
    _run("apt-get", "download", *_GUEST, _kernel_package(), directory=guest)
    for package in guest.glob("*.deb"):
        _run("dpkg-deb", "-x", str(package), str(guest))
        package.unlink()


def _kernel_package() -> str:
    """The package with the kernel itself, which the other one only names."""
    told = _run("apt-cache", "depends", "--important", _GUEST[0])
    words = (line.split() for line in told.splitlines())
    return next(each[-1] for each in words if each[0] == "Depends:" and "image" in each[-1])


def _run(*command: str, directory: Path | None = None) -> str:
    return subprocess.run(  # noqa: S603 - commands of ours
        command,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
        cwd=directory,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    ).stdout


if __name__ == "__main__":
    main(Path(sys.argv[1]))

"""Where a disk is plugged in: its bus, its name there, and its unit of the SCSI controller."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from string import ascii_lowercase
from types import MappingProxyType
from typing import NamedTuple

from lxml.etree import Element, SubElement, _Element

from cellrig.driver.errors import HypervisorError

#: Bus to the letters that its disks' names begin with.
PREFIXES: Mapping[str, str] = MappingProxyType(
    {
        "scsi": "sd",
        "virtio": "vd",
        "sata": "sd",
        "ide": "hd",
        "usb": "sd",
        "fdc": "fd",
        "xen": "xvd",
    }
)
#: Disks that a bus has places for, where it is not the names that run out first.
_PLACES = {"ide": 4, "fdc": 2}
#: Models of the SCSI controller, as an image's ``hw_scsi_model`` names them.
SCSI_MODELS = (
    "virtio-scsi",
    "buslogic",
    "ibmvscsi",
    "lsilogic",
    "lsisas1068",
    "lsisas1078",
    "vmpvscsi",
)

_NAME = re.compile(r"(?:fd|hd|sd|vd|xvd|ubd)(?P<letters>[a-z]+)[0-9]*")
_LETTERS: tuple[str, ...] = (
    *ascii_lowercase,
    *(first + second for first in ascii_lowercase for second in ascii_lowercase),
)


class Place(NamedTuple):
    """Where a disk is plugged in.

    Args:
        target: its name, ``sda``: an order among disks and not a promise to the guest.
        bus: ``scsi``, ``virtio``, ...
        unit: its unit of the SCSI controller; None lets the hypervisor choose.
    """

    target: str
    bus: str
    unit: int | None = None

    def add_to(self, element: _Element) -> None:
        """Say it in a `<disk>`."""
        SubElement(element, "target", {"dev": self.target, "bus": self.bus})

    def add_address_to(self, element: _Element) -> None:
        """Say the unit in a `<disk>`, where it is ours to say."""
        if self.unit is not None:
            unit = str(self.unit)
            where = {"type": "drive", "controller": "0", "bus": "0", "target": "0", "unit": unit}
            element.append(Element("address", where))


def free_place(
    devices: _Element, bus: str, name: str | None = None, reserved: Collection[str] = ()
) -> Place:
    """Return a place for one more disk.

    Args:
        devices: the domain's `<devices>`.
        bus: the disk's.
        name: the target that it must have (``sdb`` or ``/dev/sdb``); None for the first free one.
        reserved: targets that other disks will ask for by name.

    Raises:
        HypervisorError: the bus is unknown or full, or the name malformed or taken.
    """
    if bus not in PREFIXES:
        known = ", ".join(PREFIXES)
        raise HypervisorError(f"unsupported configuration: disk bus {bus!r} is none of {known}")
    taken = {target.get("dev") for target in devices.iterfind("disk/target")}
    if name:
        target = target_name(name)
        _check_name(target, bus)
        if target in taken:
            raise HypervisorError(f"target {target!r} duplicated for disk sources")
    else:
        target = _next_name(bus, {*taken, *reserved})
    return Place(target, bus, _next_unit(devices) if bus == "scsi" else None)


def place_of(element: _Element) -> Place:
    """Return the place that a `<disk>` has."""
    target, address = element.find("target"), element.find("address")
    unit = None if address is None else address.get("unit")
    if target is None:
        raise HypervisorError("XML error: a disk has no target")
    number = None if unit is None else int(unit)
    return Place(target.get("dev", ""), target.get("bus", "scsi"), number)


def target_of(element: _Element) -> str:
    """Return the name that a `<disk>` has in its domain; empty where it has none."""
    target = element.find("target")
    return "" if target is None else target.get("dev", "")


def insert_disk(devices: _Element, element: _Element) -> None:
    """Put a `<disk>` where libvirt lists it: among those of its bus by name, buses as they came.

    So equal guests have equal documents, and ours that of the hypervisor.
    """
    disks = devices.findall("disk")
    bus, rank = _bus_and_rank(element)
    position = len(disks)
    same = [n for n, disk in enumerate(disks) if _bus_and_rank(disk)[0] == bus]
    if same:
        later = (n for n in same if _bus_and_rank(disks[n])[1] > rank)
        position = next(later, same[-1] + 1)
    devices.insert(position, element)


def target_name(device: str) -> str:
    """Return ``/dev/sdb`` as the hypervisor writes it: ``sdb``."""
    return device.removeprefix("/dev/")


def set_scsi_model(devices: _Element, model: str) -> None:
    """Give a domain's SCSI controller a model; before there are disks.

    Raises:
        HypervisorError: there is no such model.
    """
    if model not in SCSI_MODELS:
        known = ", ".join(SCSI_MODELS)
        raise HypervisorError(
            f"unsupported configuration: SCSI controller model {model!r} is none of {known}"
        )
    for controller in devices.iterfind("controller[@type='scsi']"):
        controller.set("model", model)


def _bus_and_rank(element: _Element) -> tuple[str, tuple[int, str]]:
    """Return a disk's bus, and what its name is sorted by: ``sdz`` comes before ``sdaa``."""
    target = element.find("target")
    name = "" if target is None else target.get("dev", "")
    return "" if target is None else target.get("bus", ""), (len(name), name)


def _check_name(target: str, bus: str) -> None:
    match = _NAME.fullmatch(target)
    if match is None or match["letters"] not in _LETTERS:
        raise HypervisorError(f"unknown disk name {target!r} and no address specified")
    if _LETTERS.index(match["letters"]) >= _PLACES.get(bus, len(_LETTERS)):
        raise HypervisorError(f"unsupported configuration: bus {bus!r} has no place {target!r}")


def _next_name(bus: str, taken: Collection[str | None]) -> str:
    for letters in _LETTERS[: _PLACES.get(bus)]:
        name = PREFIXES[bus] + letters
        if name not in taken:
            return name
    raise HypervisorError(f"no more target devices on bus {bus!r}")


def _next_unit(devices: _Element) -> int | None:
    """The first unit that is free.

    Left alone, the hypervisor counts units by target names, which restart on every bus, and makes
    a second controller of another model for the sixteenth disk.
    """
    controller = devices.find("controller[@type='scsi']")
    if controller is None or controller.get("model") != "virtio-scsi":
        return None
    taken = {address.get("unit") for address in devices.iterfind("disk/address[@type='drive']")}
    return next(unit for unit in range(len(taken) + 1) if str(unit) not in taken)

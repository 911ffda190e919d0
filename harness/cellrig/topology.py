"""What a rig is built from: cells with hosts, the catalog, and how scheduling is set up.

A topology is a value: write it in Python, or load it from YAML of the same shape::

    cells:
      - {name: cell1, hosts: 3}
      - name: cell2
        hosts:
          - {name: node-1, options: {vcpus: 8}}
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from cellrig.compute.options import ComputeOptions
from cellrig.errors import InvalidTopology
from cellrig.image.options import ImageOptions
from cellrig.model import CELL0, Flavor
from cellrig.network.starting import NetworkTopology
from cellrig.scheduler.options import SchedulerOptions

#: Names that a cell cannot have, because another database of the rig has them.
_RESERVED = (CELL0, "api", "placement", "images", "volumes", "identity", "networks")

#: The flavor that servers get when a test names none.
DEFAULT_FLAVORS = (
    Flavor("1", "m1.tiny", vcpus=1, memory_mb=512, root_gb=1),
    Flavor("2", "m1.small", vcpus=1, memory_mb=2048, root_gb=20),
    Flavor("3", "m1.medium", vcpus=2, memory_mb=4096, root_gb=40),
    Flavor("4", "m1.large", vcpus=4, memory_mb=8192, root_gb=80),
)

#: The volume types that a rig has when a topology names none.
DEFAULT_VOLUME_TYPES: Mapping[str, Mapping[str, str]] = {
    "default": {},
    "multiattach": {"multiattach": "<is> True"},
}

#: The image that servers boot from when a test names none.
DEFAULT_IMAGE = "cirros"


class Host(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One compute host.

    Args:
        name: unique in the topology; None for ``<cell>-host<number>``.
        driver: name in the entry point group ``cellrig.drivers``; None for the topology's.
        options: the driver's options.
    """

    name: str | None = None
    driver: str | None = None
    options: Mapping[str, Any] = {}


class Cell(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One cell.

    Args:
        name: unique; not ``cell0``, ``api``, ``placement``, ``images``, ``volumes``,
            ``identity`` or ``networks``.
        hosts: a number of hosts that are all alike, or the hosts one by one.
    """

    name: str
    hosts: int | Sequence[Host] = 1


class StorageBackend(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One backend of block storage.

    Args:
        name: unique in the topology; what migrations and volume types call it.
        driver: name in the entry point group ``cellrig.volume_backends``.
        options: the driver's options.
    """

    name: str
    driver: str = "fake"
    options: Mapping[str, Any] = {}


class NamedHost(msgspec.Struct, frozen=True):
    """A host with everything that a topology leaves to defaults."""

    name: str
    cell: str
    driver: str
    options: Mapping[str, Any]


class Topology(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A cloud to build.

    Args:
        cells: at least one, besides cell0, which is always there.
        driver, options: of hosts that name no driver of their own.
        flavors: of the catalog; the first is the one that servers get by default.
        scheduler: the scheduler's options.
        compute: the compute services' options.
        zones: availability zone to the hosts in it.
        volume_backends: where volumes can be.
        volume_types: name to extra specs; the first is the one that volumes get by default.
        networks: what there is for servers to be on; none for servers without interfaces.
        images: how the image service is set up.
        database: where the rig creates its databases, which end with it: ``postgresql://...``,
            ``mariadb://...`` or ``sqlite:///DIRECTORY``; None for memory.
    """

    cells: Sequence[Cell] = (Cell("cell1", 2),)
    driver: str = "fake"
    options: Mapping[str, Any] = {}
    flavors: Sequence[Flavor] = DEFAULT_FLAVORS
    scheduler: SchedulerOptions = SchedulerOptions()
    compute: ComputeOptions = ComputeOptions()
    zones: Mapping[str, Sequence[str]] = {}
    volume_backends: Sequence[StorageBackend] = (StorageBackend("fake"),)
    volume_types: Mapping[str, Mapping[str, str]] = msgspec.field(
        default_factory=lambda: DEFAULT_VOLUME_TYPES
    )
    networks: Sequence[NetworkTopology] = ()
    images: ImageOptions = ImageOptions()
    database: str | None = None

    @classmethod
    def from_yaml(cls, text: str | bytes) -> Topology:
        """Read a topology.

        Raises:
            InvalidTopology: names the place, what stands there and what it takes.
        """
        import yaml

        try:
            return msgspec.convert(yaml.safe_load(text) or {}, cls)
        except (yaml.YAMLError, msgspec.ValidationError) as error:
            raise InvalidTopology(f"the topology cannot be read: {error}") from error

    @classmethod
    def from_file(cls, path: str | Path) -> Topology:
        """Read a topology from a YAML file; raises as `from_yaml`."""
        try:
            return cls.from_yaml(Path(path).read_bytes())
        except OSError as error:
            raise InvalidTopology(f"the topology cannot be read: {error}") from error

    def hosts(self) -> Iterator[NamedHost]:
        """Return all hosts, each with its name, cell, driver and options."""
        for cell in self.cells:
            hosts = [Host()] * cell.hosts if isinstance(cell.hosts, int) else cell.hosts
            for number, host in enumerate(hosts, start=1):
                own = host.driver is not None
                yield NamedHost(
                    host.name or f"{cell.name}-host{number}",
                    cell.name,
                    host.driver or self.driver,
                    host.options if own or host.options else self.options,
                )

    def check(self) -> tuple[NamedHost, ...]:
        """Check what can be checked without the drivers; return all hosts.

        Raises:
            InvalidTopology: names the thing, what was given and what it takes.
        """
        if not self.cells:
            raise InvalidTopology("a topology has at least one cell; cells is empty")
        for cell in self.cells:
            _check_cell(cell)
        _check_unique("cell", [cell.name for cell in self.cells])
        hosts = tuple(self.hosts())
        _check_unique("host", [host.name for host in hosts])
        _check_unique("flavor", [flavor.name for flavor in self.flavors])
        _check_unique("volume backend", [backend.name for backend in self.volume_backends])
        _check_unique("network", [network.name for network in self.networks])
        if not self.volume_types:
            raise InvalidTopology("a topology has at least one volume type; volume_types is empty")
        known = {host.name for host in hosts}
        for zone, members in self.zones.items():
            for member in members:
                if member not in known:
                    raise InvalidTopology(
                        f"zone {zone!r}: no cell has the host {member!r}; "
                        f"there are: {', '.join(sorted(known))}"
                    )
        return hosts


def _check_cell(cell: Cell) -> None:
    if not cell.name or cell.name in _RESERVED or "." in cell.name:
        raise InvalidTopology(
            f"cell name {cell.name!r}: takes a name without dots, other than {', '.join(_RESERVED)}"
        )
    if isinstance(cell.hosts, int) and cell.hosts < 0:
        raise InvalidTopology(f"cell {cell.name!r}: hosts takes 0 or more, not {cell.hosts}")


def _check_unique(kind: str, names: list[str]) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise InvalidTopology(f"the {kind} name {name!r} is given twice; names are unique")
        seen.add(name)

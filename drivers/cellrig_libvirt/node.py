"""What a hypervisor says of its node: processors, memory, NUMA cells, features, kinds of guests."""

from __future__ import annotations

from typing import Any

import msgspec
from lxml.etree import _Element

import cellrig_domxml
from cellrig.driver import HypervisorError
from cellrig_libvirt.options import LibvirtOptions


class NumaCell(msgspec.Struct, frozen=True):
    """A NUMA cell: its number, its memory in MiB, its processors."""

    number: int
    memory_mb: int
    vcpus: int


class Node(msgspec.Struct, frozen=True):
    """A node, as its hypervisor describes it.

    Args:
        hypervisor_type, hypervisor_version: as the hypervisors API shows them.
        arch: that guests are made for.
        domain_type: how guests are run: ``kvm``, ``qemu``, ``test``.
        vcpus, memory_mb: what there is.
        cells: the NUMA cells, where there are several.
        cpu: ``arch``, ``model``, ``vendor``, ``topology``.
        features: of the processor, as libvirt names them, sorted.
        supported: (architecture, hypervisor, mode).
    """

    hypervisor_type: str
    hypervisor_version: int
    arch: str
    domain_type: str
    vcpus: int
    memory_mb: int
    cells: tuple[NumaCell, ...]
    cpu: dict[str, object]
    features: tuple[str, ...]
    supported: tuple[tuple[str, str, str], ...]


def describe_node(library: Any, connection: Any, options: LibvirtOptions) -> Node:
    """Ask a hypervisor for its node.

    Raises:
        HypervisorError: it runs no guest of the kind that the options want.
    """
    document = cellrig_domxml.parse(connection.getCapabilities().encode())
    _model, memory_mb, vcpus, *_rest = connection.getInfo()
    arch, domain_type = _way_to_run(document, options)
    cpu = document.find("host/cpu")
    return Node(
        hypervisor_type=connection.getType(),
        hypervisor_version=connection.getVersion(),
        arch=arch,
        domain_type=domain_type,
        vcpus=options.vcpus or vcpus,
        memory_mb=options.memory_mb or memory_mb,
        cells=_cells(document, options),
        cpu={} if cpu is None else _cpu(cpu),
        features=() if cpu is None else tuple(sorted(_features(library, connection, cpu))),
        supported=_supported(document),
    )


def _way_to_run(document: _Element, options: LibvirtOptions) -> tuple[str, str]:
    """Choose an architecture, the host's if it can be, and how guests of it are run."""
    host = document.findtext("host/cpu/arch", "")
    offered = [(arch, way) for arch, way, mode in _supported(document) if mode == "hvm"]
    wanted = ("kvm", "qemu", "test") if options.virt_type is None else (options.virt_type,)
    ways = [(arch, way) for name in wanted for arch, way in offered if way == name]
    if not ways:
        raise HypervisorError(f"unsupported configuration: it runs no {' or '.join(wanted)} guests")
    return next((way for way in ways if way[0] == host), ways[0])


def _supported(document: _Element) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (arch.get("name", ""), domain.get("type", ""), guest.findtext("os_type", ""))
        for guest in document.iterfind("guest")
        for arch in guest.iterfind("arch")
        for domain in arch.iterfind("domain")
    )


def _cells(document: _Element, options: LibvirtOptions) -> tuple[NumaCell, ...]:
    # Where the options say what the host has, its cells are not what there is.
    if options.vcpus or options.memory_mb:
        return ()
    cells = [
        NumaCell(
            int(cell.get("id", "0")),
            int(cell.findtext("memory", "0")) >> 10,
            len(cell.findall("cpus/cpu")),
        )
        for cell in document.iterfind("host/topology/cells/cell")
    ]
    # One without processors or memory has nothing to give.
    cells = [cell for cell in cells if cell.vcpus and cell.memory_mb]
    return tuple(cells) if len(cells) > 1 else ()


def _cpu(cpu: _Element) -> dict[str, object]:
    topology = cpu.find("topology")
    counts = {} if topology is None else {str(key): str(n) for key, n in topology.items()}
    return {
        "arch": cpu.findtext("arch", ""),
        "model": cpu.findtext("model", ""),
        "vendor": cpu.findtext("vendor", ""),
        "topology": counts,
    }


def _features(library: Any, connection: Any, cpu: _Element) -> set[str]:
    """The features that the host names, and those that its processor's model stands for."""
    named = {each.get("name", "") for each in cpu.iterfind("feature")}
    arch, model = cpu.findtext("arch"), cpu.findtext("model")
    if not arch or not model:
        return named
    question = f"<cpu><arch>{arch}</arch><model>{model}</model></cpu>"
    try:
        answer = connection.baselineCPU(
            [question], library.VIR_CONNECT_BASELINE_CPU_EXPAND_FEATURES
        )
    except library.libvirtError:
        return named  # it does not know the model: what it named stays true
    expanded = cellrig_domxml.parse(answer.encode())
    return named | {each.get("name", "") for each in expanded.iterfind("feature")}

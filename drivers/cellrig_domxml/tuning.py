"""How a disk's data is read and written: cache, asynchronous I/O, discard, and limits."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml.etree import Element, SubElement, _Element

from cellrig.driver.errors import HypervisorError

_AMOUNTS = ("bytes_sec", "iops_sec", "bytes_sec_max", "iops_sec_max")
#: The limits of block storage's ``qos_specs`` that a hypervisor keeps, as libvirt names them.
LIMITS = (
    *(f"{who}_{amount}" for amount in _AMOUNTS for who in ("total", "read", "write")),
    "size_iops_sec",
)
#: Cache modes that go past the host's memory.
_DIRECT = frozenset({"none", "directsync"})


def add_driver(
    element: _Element, format_: str, *, cache: str = "none", discard: bool = False
) -> None:
    """Say in a `<disk>`, whose type is set, how its data is read and written.

    Args:
        element: the `<disk>`.
        format_: ``raw`` or ``qcow2``.
        cache: the default keeps nothing in the host's memory, so that what one guest wrote is
            what another one, or a host that the guest moved to, reads.
        discard: blocks that the guest gives up go back to the storage.
    """
    words = {"name": "qemu", "type": format_, "cache": cache}
    io = io_mode(element.get("type", ""), cache)
    if io is not None:
        words["io"] = io
    if discard:
        words["discard"] = "unmap"
    element.insert(0, Element("driver", words))


def io_mode(source_type: str, cache: str) -> str | None:
    """How the hypervisor does I/O without waiting for it; None leaves it to the protocol.

    ``native`` needs direct I/O, and blocks where a file has to grow first, so files have
    ``threads``. ``io_uring`` would do for both, but not with every hypervisor that is in use.

    Args:
        source_type: ``block``, ``file`` or ``network``.
        cache: the cache mode.
    """
    if source_type == "network":
        return None
    return "native" if source_type == "block" and cache in _DIRECT else "threads"


def add_limits(element: _Element, data: Mapping[str, Any]) -> None:
    """Say in a `<disk>` how much of it the guest may use a second.

    Args:
        element: the `<disk>`.
        data: of the connection info; its ``qos_specs`` is None or limit to number. What is no
            limit of a hypervisor is block storage's own to keep.

    Raises:
        HypervisorError: a limit is not a number, or a total stands beside its parts.
    """
    specs: Mapping[str, Any] = data.get("qos_specs") or {}
    limits = {name: _number(name, specs[name]) for name in LIMITS if name in specs}
    for amount in _AMOUNTS:
        if f"total_{amount}" in limits and {f"read_{amount}", f"write_{amount}"} & set(limits):
            raise HypervisorError(
                f"total and read/write of {amount} cannot be set at the same time"
            )
    if limits:
        iotune = SubElement(element, "iotune")
        for name, limit in limits.items():
            SubElement(iotune, name).text = str(limit)


def _number(name: str, value: object) -> int:
    text = str(value)
    if not (text.isascii() and text.isdigit()):
        raise HypervisorError(f"XML error: disk iotune field {name!r} must be an integer")
    return int(text)

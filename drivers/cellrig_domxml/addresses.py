"""PCI addresses, as the field writes them and as libvirt does."""

from __future__ import annotations

import re

from lxml.etree import _Element

_ADDRESS = re.compile(
    r"(?P<domain>[0-9a-f]{4,8}):(?P<bus>[0-9a-f]{2}):(?P<slot>[0-9a-f]{2})\.(?P<function>[0-7])"
)


def pci_attributes(address: str) -> dict[str, str]:
    """Return ``0000:81:00.2`` as the attributes of libvirt's `<address>`.

    Raises:
        ValueError: it is not a PCI address.
    """
    match = _ADDRESS.fullmatch(address.lower())
    if match is None:
        raise ValueError(f"{address!r} is not a PCI address like '0000:81:00.2'")
    return {name: f"0x{digits}" for name, digits in match.groupdict().items()}


def pci_address(element: _Element) -> str:
    """Return libvirt's `<address>` as ``0000:81:00.2``."""
    domain, bus, slot, function = (
        int(element.get(name, "0"), 16) for name in ("domain", "bus", "slot", "function")
    )
    return f"{domain:04x}:{bus:02x}:{slot:02x}.{function:x}"

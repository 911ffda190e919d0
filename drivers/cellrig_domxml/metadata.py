"""What a domain carries of the control plane's own words: its `<metadata>`.

The hypervisor keeps it and does not look inside: the node and flavor, and for each device by its
reference (a disk's serial or target, a port, an address) what the device's own element has no
place for.
"""

from __future__ import annotations

from lxml.etree import Element, SubElement, _Element, tostring

from cellrig.driver.values import Guest

NAMESPACE = "urn:cellrig:guest:1"
_GUEST = f"{{{NAMESPACE}}}guest"
_DEVICE = f"{{{NAMESPACE}}}device"
_GUEST_PATH = f"metadata/{_GUEST}"
_DEVICE_PATH = f"metadata/{_GUEST}/{_DEVICE}"


def fill_metadata(domain: _Element, guest: Guest, disk_gb: int) -> None:
    """Say what a domain's guest is; its metadata must have the place for it."""
    element = domain.find(_GUEST_PATH)
    if element is not None:
        element.attrib.update(
            {
                "node": guest.node,
                "display_name": guest.display_name,
                "flavor": guest.flavor,
                "project": guest.project_id,
                "user": guest.user_id,
                "image": guest.image_id or "",
                "disk_gb": str(disk_gb),
            }
        )


def guest_words(domain: _Element) -> dict[str, str]:
    """What the metadata says of the guest itself; empty where somebody else made the domain."""
    found = domain.find(_GUEST_PATH)
    return {} if found is None else {str(key): str(value) for key, value in found.attrib.items()}


def set_node(domain: _Element, node: str) -> None:
    """Say that a domain's guest is on another node."""
    found = domain.find(_GUEST_PATH)
    if found is not None:
        found.set("node", node)


def add_device_words(domain: _Element, reference: str, **words: str | None) -> None:
    """Say `words` of the device `reference`, of which nothing was said; None says nothing."""
    said = {key: value for key, value in words.items() if value is not None}
    guest = domain.find(_GUEST_PATH)
    if said and guest is not None:
        SubElement(guest, _DEVICE, {"reference": reference, **said})


def device_words(domain: _Element) -> dict[str, dict[str, str]]:
    """What the metadata says of devices, by their references."""
    words = {}
    for element in domain.iterfind(_DEVICE_PATH):
        said = {str(key): str(value) for key, value in element.attrib.items()}
        words[said.pop("reference")] = said
    return words


def volume_of(disk: _Element, words: dict[str, dict[str, str]]) -> str | None:
    """Return which volume a `<disk>` is: its serial, or what it was swapped for; None of a file."""
    serial = disk.findtext("serial")
    return None if serial is None else words.get(serial, {}).get("volume", serial)


def metadata_document(domain: _Element) -> str:
    """Return the control plane's part of a domain's metadata, as a document of its own.

    It has no namespace: libvirt gives it one when it is told by `NAMESPACE` whose it is.
    """
    bare = Element("guest", guest_words(domain))
    for reference, words in device_words(domain).items():
        SubElement(bare, "device", {"reference": reference, **words})
    return tostring(bare, encoding="unicode")


def drop_device_words(domain: _Element, reference: str) -> None:
    """Say nothing of the device `reference` any more."""
    for element in domain.findall(_DEVICE_PATH):
        if element.get("reference") == reference:
            element.getparent().remove(element)  # type: ignore[union-attr]

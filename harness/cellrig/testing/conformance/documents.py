"""What a hypervisor's own document says of a guest's devices, without what only it can know."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable

from lxml import etree

#: What hypervisors choose by themselves, or what is another place on every host.
_OF_ITS_OWN = (
    "address",
    "alias",
    "source",
    "backingStore",
    "auth",
    "encryption",
    "mirror",
    "mac",
)
_DRIVER = ("cache", "discard", "io")


@runtime_checkable
class HasDocuments(Protocol):
    """A driver whose hypervisor has libvirt's domain XML of each guest."""

    def domain_xml(self, uuid: str) -> bytes:
        """Return a guest's document, as the hypervisor has it."""


def devices_of(document: bytes, names: Mapping[str, str]) -> list[Any]:
    """Return the disks and host devices of a document, in JSON types.

    Args:
        document: libvirt's domain XML.
        names: what to write in place of uuids.
    """
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False)
    root = etree.fromstring(document, parser)
    found = [*root.iterfind("devices/disk"), *root.iterfind("devices/hostdev")]
    found += root.iterfind("devices/interface[@type='hostdev']")
    return [_told(each, names) for each in found]


def _told(element: etree._Element, names: Mapping[str, str]) -> Any:
    attributes = {str(name): str(value) for name, value in sorted(element.attrib.items())}
    if element.tag == "driver":
        attributes = {name: attributes[name] for name in _DRIVER if name in attributes}
    if element.tag == "disk":
        attributes.pop("type", None)  # of its source
        attributes.pop("model", None)
    parts = [each for each in element if isinstance(each.tag, str) and each.tag not in _OF_ITS_OWN]
    text = (element.text or "").strip()
    told: dict[str, Any] = {**attributes, **({"text": names.get(text, text)} if text else {})}
    told |= {str(each.tag): _told(each, names) for each in sorted(parts, key=lambda p: str(p.tag))}
    return told

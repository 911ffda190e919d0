"""A moving guest's document, as its destination is to have it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lxml.etree import _Element, tostring

import cellrig_domxml


def moved_document(document: str, source: str, target: str, told: Mapping[str, Any]) -> _Element:
    """Return a guest's document with all that is elsewhere at its destination.

    Args:
        document: as its source has it.
        source, target: the directory of the guest's files, here and there.
        told: what the destination has said: ``volumes``, by serial their type and `<source>`
            there, and the ``node``.
    """
    root = cellrig_domxml.parse(document.encode())
    for element in root.iter():
        for name, value in element.attrib.items():
            if str(value).startswith(f"{source}/"):
                element.set(name, target + str(value)[len(source) :])
    words = cellrig_domxml.device_words(root)
    for disk in root.iterfind("devices/disk"):
        there = told["volumes"].get(cellrig_domxml.volume_of(disk, words))
        if there is not None:
            _connect(disk, *there)
    cellrig_domxml.set_node(root, str(told["node"]))
    return root


def sources_of(document: _Element) -> dict[str, list[str]]:
    """Where a guest's volumes are on this host: by serial, the disk's type and `<source>`."""
    found = {}
    for disk in document.iterfind("devices/disk"):
        serial, source = disk.findtext("serial"), disk.find("source")
        if serial is not None and source is not None:
            text = tostring(source, encoding="unicode", with_tail=False)
            found[serial] = [disk.get("type", "file"), text]
    return found


def _connect(disk: _Element, type_: str, source: str) -> None:
    disk.set("type", type_)
    here = disk.find("source")
    if here is not None:
        disk.replace(here, cellrig_domxml.parse(source.encode()))

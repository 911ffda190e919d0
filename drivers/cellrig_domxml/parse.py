"""Reading XML text without entities, DTDs or the network."""

from __future__ import annotations

from lxml import etree

from cellrig.driver.errors import HypervisorError


def parse(document: bytes) -> etree._Element:
    """Return the root of a domain XML document.

    Raises:
        HypervisorError: the document is not well formed, or declares a DTD.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, remove_blank_text=True
    )
    try:
        root = etree.fromstring(document, parser)
    except etree.XMLSyntaxError as error:
        raise HypervisorError(f"XML error: {error}") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise HypervisorError("XML error: a domain has no document type declaration")
    return root


def serialize(root: etree._Element) -> bytes:
    """Return the document of `root`; the same tree gives the same bytes."""
    return etree.tostring(root, pretty_print=True)

"""Documents on their way to the hypervisor: all of them pass here."""

from __future__ import annotations

from logging import Logger

from lxml.etree import _Element, tostring


class Outgoing:
    """Writes documents as libvirt takes them, and into the log what was sent.

    Args:
        logger: the driver's; documents are told at the level of debugging.
    """

    def __init__(self, logger: Logger) -> None:
        self._logger = logger

    def text(self, element: _Element) -> str:
        """Return a document, or a part of one, that is to be sent."""
        text = tostring(element, encoding="unicode", with_tail=False)
        self._logger.debug("a <%s> for libvirt: %s", element.tag, text)
        return text

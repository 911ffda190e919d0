"""A driver whose hypervisor has another document than the interface shows."""

from __future__ import annotations

from cellrig_fake import FakeDriver


class WritesAnotherDocument(FakeDriver):
    """Volumes are removable media in the domain's XML, and disks by the interface."""

    def domain_xml(self, uuid: str) -> bytes:
        return super().domain_xml(uuid).replace(b'device="disk"', b'device="floppy"')


class PlugsAnew(FakeDriver):
    """A disk that is swapped has the other volume's serial at once, though the guest runs on."""

    def domain_xml(self, uuid: str) -> bytes:
        domain = self.hypervisor.domain(uuid)
        return domain.lasting or domain.document

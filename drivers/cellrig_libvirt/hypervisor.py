"""The guests of one hypervisor: finding them, what they do, making them, ending them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec
from lxml.etree import _Element

import cellrig_domxml
from cellrig.driver import (
    Device,
    Disk,
    Guest,
    GuestExists,
    GuestInfo,
    GuestNotFound,
    HostDevice,
    Image,
    PowerState,
)
from cellrig_libvirt.connection import Connection
from cellrig_libvirt.instances import Instances
from cellrig_libvirt.node import Node
from cellrig_libvirt.outgoing import Outgoing
from cellrig_libvirt.plugs import Plugs, lasting_document


class Hypervisor:
    """The guests of one host.

    A domain without the control plane's metadata is somebody else's, and left alone.

    Args:
        connection: with the hypervisor.
        outgoing: what documents pass.
        plugs: how its guests get disks.
        instances: the guests' files.
        images: the directory of images.
        node: what it is like.
    """

    def __init__(
        self,
        connection: Connection,
        outgoing: Outgoing,
        plugs: Plugs,
        instances: Instances,
        images: Path,
        node: Node,
    ) -> None:
        self.library = connection.library
        self.connection = connection
        self.outgoing = outgoing
        self.plugs = plugs
        self.instances = instances
        self.images = images
        self.node = node

    # Finding

    def domain(self, uuid: str) -> Any:
        """Return a guest's domain.

        Raises:
            GuestNotFound: there is none.
        """
        found = self.find(uuid)
        if found is None:
            raise GuestNotFound(uuid)
        return found

    def find(self, uuid: str) -> Any | None:
        """Return a guest's domain; None where there is none."""
        try:
            return self.connection.get().lookupByUUIDString(uuid)
        except self.library.libvirtError as error:
            if error.get_error_code() == self.library.VIR_ERR_NO_DOMAIN:
                return None
            raise

    def infos(self) -> Iterator[GuestInfo]:
        """Return all guests."""
        for domain in self.connection.get().listAllDomains():
            try:
                document = self.plugs.document(domain)
                if cellrig_domxml.guest_words(document):
                    yield cellrig_domxml.read_domain(document, self.power_state(domain))
            except self.library.libvirtError as error:
                if error.get_error_code() != self.library.VIR_ERR_NO_DOMAIN:
                    raise  # else it went while we looked

    def info(self, domain: Any) -> GuestInfo:
        """Return what a guest is and has."""
        return cellrig_domxml.read_domain(self.plugs.document(domain), self.power_state(domain))

    def power_state(self, domain: Any) -> PowerState:
        """Return what a guest does."""
        lv = self.library
        state, reason = domain.state()
        if state == lv.VIR_DOMAIN_SHUTOFF:
            if domain.hasManagedSaveImage():
                return PowerState.SUSPENDED
            crashed = reason == lv.VIR_DOMAIN_SHUTOFF_CRASHED
            return PowerState.CRASHED if crashed else PowerState.SHUTDOWN
        states = {
            lv.VIR_DOMAIN_RUNNING: PowerState.RUNNING,
            lv.VIR_DOMAIN_BLOCKED: PowerState.RUNNING,
            lv.VIR_DOMAIN_SHUTDOWN: PowerState.RUNNING,
            lv.VIR_DOMAIN_PAUSED: PowerState.PAUSED,
            lv.VIR_DOMAIN_CRASHED: PowerState.CRASHED,
            lv.VIR_DOMAIN_PMSUSPENDED: PowerState.SUSPENDED,
        }
        return states.get(state, PowerState.NOSTATE)

    def owned_devices(self, devices: Sequence[HostDevice]) -> tuple[HostDevice, ...]:
        """Return devices with who has them: guests, and those that may come back."""
        if not devices:
            return ()
        owners: dict[str, str] = {}
        for info in self.infos():
            owners |= {each.address: info.uuid for each in info.devices if each.address}
        for uuid in self.instances.kept_guests():
            kept = cellrig_domxml.parse((self.instances.kept_document(uuid) or "").encode())
            info = cellrig_domxml.read_domain(kept, PowerState.SHUTDOWN)
            for device in info.devices:
                owners.setdefault(device.address or "", f"{uuid} before its migration")
        return tuple(
            msgspec.structs.replace(device, owner=owners.get(device.address)) for device in devices
        )

    # Making and ending

    def build(
        self, guest: Guest, image: Image | None, disks: Sequence[Disk], devices: Sequence[Device]
    ) -> _Element:
        """Return the document of a guest that is not here yet.

        Raises:
            GuestExists: it is.
        """
        if self.find(guest.uuid) is not None:
            raise GuestExists(guest.uuid)
        document = cellrig_domxml.build_domain(
            guest,
            image,
            disks,
            devices,
            instances_path=str(self.instances.path),
            domain_type=self.node.domain_type,
            arch=self.node.arch,
            # An unprivileged hypervisor cannot make interfaces on its host.
            interface_type="ethernet" if self.is_privileged else "user",
            images_path=str(self.images),
        )
        self.lend(disks)
        return document

    @property
    def is_privileged(self) -> bool:
        """Whether it may change its host: a system daemon, or the mock."""
        return "/session" not in self.connection.get().getURI()

    def lend(self, disks: Sequence[Disk]) -> None:
        """Let the hypervisor open volumes that are files."""
        for disk in disks:
            path = disk.connection_info.get("data", {}).get("device_path")
            if path and not str(path).startswith("/dev/"):
                self.instances.lend(Path(path))

    def start_anew(self, document: _Element, *, power_on: bool = True) -> None:
        """Define a guest and start it; all of it or nothing."""
        domain = self.define(document)
        if not power_on:
            return
        try:
            domain.create()
        except self.library.libvirtError:
            domain.undefine()
            raise

    def define(self, document: _Element) -> Any:
        """Define a guest, or define it anew."""
        return self.connection.get().defineXML(self.outgoing.text(document))

    def lasting_document(self, domain: Any) -> _Element:
        """Return a guest's definition."""
        return lasting_document(self.library, domain)

    def pull_the_plug(self, domain: Any) -> None:
        """Stop a guest at once. Of one that does not run: harmless."""
        try:
            if domain.isActive():
                domain.destroy()
        except self.library.libvirtError as error:
            if error.get_error_code() != self.library.VIR_ERR_OPERATION_INVALID:
                raise  # else it stopped by itself in between

    def shut_down(self, domain: Any, seconds: float) -> None:
        """Ask a guest to stop, and pull its plug when it has not after some seconds."""
        if seconds and self.power_state(domain) is PowerState.RUNNING:
            with self.connection.notices.expect("stopped", domain.UUIDString()) as notice:
                domain.shutdown()
                notice.wait(seconds)
        self.pull_the_plug(domain)

    def forget_saved(self, domain: Any) -> None:
        """Forget a suspended guest's memory. Of one that is not suspended: harmless."""
        if domain.hasManagedSaveImage():
            domain.managedSaveRemove()

    def remove(self, uuid: str) -> None:
        """Stop a guest and undefine it. Of one that is not here: harmless."""
        domain = self.find(uuid)
        if domain is None:
            return
        try:
            self.pull_the_plug(domain)
            if domain.isPersistent():
                domain.undefineFlags(self.library.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE)
        except self.library.libvirtError as error:
            if error.get_error_code() != self.library.VIR_ERR_NO_DOMAIN:
                raise  # else it went by itself in between

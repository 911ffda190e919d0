"""How the conformance suite tries the libvirt driver: on private hypervisors, or libvirt's mock."""

from __future__ import annotations

import os
import signal
import tempfile
import threading
from collections.abc import Collection, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from cellrig.driver import ComputeDriver
from cellrig.testing.conformance import Inapplicable, NotOffered, Setup, check
from cellrig.topology import StorageBackend
from cellrig_libvirt.driver import LibvirtDriver
from cellrig_libvirt.hosts import LibvirtHosts
from cellrig_libvirt.mock_nodes import CARDS, node_with_cards

#: Seconds after which a hypervisor is not waited for any more.
_PATIENCE = 60
#: What the cards of mock hypervisors are wired to.
_NETWORKS = {CARDS[0][1]: "public", CARDS[1][1]: "private"}


class LibvirtSetup(Setup):
    """Two hosts with libvirt.

    Where no ``uri`` is given they are private QEMU hypervisors, which start and end with it. With
    ``test:///default`` each is a mock hypervisor of its own with two network cards. Any other
    ``uri`` is taken as it is.
    """

    def __init__(
        self,
        driver: str,
        options: Mapping[str, Any] | None = None,
        host_options: Mapping[str, Mapping[str, Any]] | None = None,
    ) -> None:
        super().__init__(driver, options, host_options)
        self._given: str | None = self.options.get("uri")
        self._endings = ExitStack()
        self._private: LibvirtHosts | None = None
        self._mocks: dict[str, str] = {}
        self.live = not self._is_mock
        self.exact = self._given is None or self._is_mock

    @property
    def _is_mock(self) -> bool:
        return (self._given or "").startswith("test:")

    def __enter__(self) -> Self:
        if self._given is None and not self.host_options:
            self._private = self._endings.enter_context(LibvirtHosts(len(self.hosts)))
        elif self._given == "test:///default":
            directory = Path(self._endings.enter_context(tempfile.TemporaryDirectory()))
            self._mocks = {host: node_with_cards(directory, name=host) for host in self.hosts}
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End the private hypervisors."""
        self._endings.close()
        self._private, self._mocks = None, {}

    def options_of(self, host: str) -> Mapping[str, Any]:
        """See `Setup`."""
        given = dict(super().options_of(host))
        if self._private is not None:
            return {**self._private[self._number(host)].options(), **given}
        if host in self._mocks:
            return {"physical_networks": _NETWORKS, **given, "uri": self._mocks[host]}
        return given

    def volume_backends(self) -> Sequence[StorageBackend]:
        """See `Setup`: files that all private hypervisors can reach."""
        if self._private is None:
            return super().volume_backends()
        directory = {"directory": str(self._private.volumes)}
        return tuple(StorageBackend(name, "file", directory) for name in ("main", "other"))

    def slow_migrations(self, host: str) -> Mapping[str, Any]:
        """See `Setup`.

        It is the memory that moves slowly. Local disks are on shared storage: QEMU copies disks
        at the speed that it began with, also when the migration is forced to end.
        """
        slow = {"migration_bandwidth": 1}
        if self._private is None:
            return slow
        return {**slow, "instances_path": str(self._private.shared_instances)}

    def several_nodes(self, host: str) -> Mapping[str, Any]:
        """See `Setup`."""
        raise Inapplicable("libvirt has one node")

    def kill_guest(self, driver: ComputeDriver, uuid: str) -> None:
        """See `Setup`: end its process, or let the mock guest crash."""
        if not isinstance(driver, LibvirtDriver):
            raise NotOffered(f"{type(driver).__name__} is no libvirt driver")
        connection = driver.parts.connection
        if self._is_mock:
            # Every connection with the mock is another hypervisor, so it must be the driver's own.
            domain = connection.get().lookupByUUIDString(uuid)
            domain.coreDump(os.devnull, driver.library.VIR_DUMP_CRASH)
            return
        if self._private is None:
            raise NotOffered("its processes are not ours")
        with connection.notices.expect("stopped", uuid) as notice:
            for pid in self._private.guest_processes(self._number(driver.context.host)):
                if uuid.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
                    os.kill(pid, signal.SIGKILL)
            check(notice.wait(_PATIENCE), "the daemon does not see that its guest has died")

    def stop_hypervisor(self, driver: ComputeDriver) -> None:
        """See `Setup`: kill the daemon; its guests run on."""
        if self._is_mock:
            raise Inapplicable("the mock hypervisor is in this process and cannot go away")
        if self._private is None:
            raise NotOffered("its daemon is not ours")
        self._private.stop_daemon(self._number(driver.context.host))

    def start_hypervisor(self, driver: ComputeDriver) -> None:
        """See `Setup`."""
        if self._private is not None:
            self._private.start_daemon(self._number(driver.context.host))

    def breathe(self) -> None:
        """See `Setup`: events of the mock come from libvirt's own thread."""
        if self._is_mock:
            threading.Event().wait(0.02)

    def leftovers(self, drivers: Mapping[str, ComputeDriver], ours: Collection[str]) -> list[str]:
        """See `Setup`: files of guests that are gone."""
        if self._private is None:
            return []
        own = [self._private[self._number(host)].instances_path for host in drivers]
        return [
            f"the file {path} is still there"
            for directory in (*own, self._private.shared_instances)
            for path in directory.iterdir()
            if any(each in path.name for each in ours)
        ]

    def _number(self, host: str) -> int:
        return self.hosts.index(host)

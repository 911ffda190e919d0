"""The connection with the hypervisor: opened when it is needed, and again when it was lost."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from cellrig.driver import DriverContext, GuestEvent, HypervisorUnavailable
from cellrig_libvirt.event_loop import EVENT_LOOP
from cellrig_libvirt.events import guest_event
from cellrig_libvirt.notices import Notices

#: Seconds between signs of life on an idle connection, and how many may be missing.
_KEEPALIVE = (5, 3)


class Connection:
    """One connection, shared by all tasks of a host: libvirt's are made for that.

    Args:
        library: the module `libvirt`.
        uri: of the hypervisor.
        context: the driver's.
        notices: hears what is done.
        hear: hears what happens to guests, from libvirt's thread.
        renewed: called after the connection was lost and is there again.
    """

    def __init__(
        self,
        library: Any,
        uri: str,
        context: DriverContext,
        notices: Notices,
        hear: Callable[[GuestEvent], None],
        renewed: Callable[[], None],
    ) -> None:
        self.library = library
        self.notices = notices
        self._uri = uri
        self._context = context
        self._hear = hear
        self._renewed = renewed
        self._lock = threading.Lock()
        self._connection: Any = None
        self._callbacks: list[int] = []
        self._uses_loop = False
        #: It was there, went, and has not been there again.
        self._lost = False

    @property
    def is_mock(self) -> bool:
        """Whether it is libvirt's mock hypervisor, whose guests are in the connection itself."""
        return self._uri.startswith("test:")

    def get(self) -> Any:
        """Return the open connection.

        Raises:
            HypervisorUnavailable: the hypervisor does not answer.
        """
        connection = self._connection
        if connection is not None and self._is_alive(connection):
            return connection
        with self._lock:
            if self._connection is not None and self._is_alive(self._connection):
                return self._connection
            if self._connection is not None and not self.is_mock:
                self._lost = True
            self._drop()
            self._open()
            connection = self._connection
            was_lost, self._lost = self._lost, False
        if was_lost:
            self._context.logger.warning("connected again to %s", self._uri)
            self._renewed()
        return connection

    def close(self) -> None:
        """Hear nothing any more, and let go of the hypervisor. Twice is harmless.

        The mock hypervisor goes with the driver: its guests would be lost with the connection.
        """
        with self._lock:
            if self.is_mock:
                self._deafen()
            else:
                self._drop()
            uses_loop, self._uses_loop = self._uses_loop, False
        if uses_loop:
            EVENT_LOOP.leave()

    def _is_alive(self, connection: Any) -> bool:
        if self.is_mock:
            return self._uses_loop
        return self._uses_loop and connection.isAlive() == 1

    def _open(self) -> None:
        library = self.library
        if not self._uses_loop:
            EVENT_LOOP.enter(library)
            self._uses_loop = True
        if self._connection is None:
            try:
                self._connection = library.open(self._uri)
            except library.libvirtError as error:
                self._uses_loop = False
                EVENT_LOOP.leave()
                raise HypervisorUnavailable(self._context.host, str(error)) from error
        if not self.is_mock:
            self._connection.setKeepAlive(*_KEEPALIVE)
        self._listen()

    def _listen(self) -> None:
        library = self.library
        for event, callback in (
            (library.VIR_DOMAIN_EVENT_ID_LIFECYCLE, self._lifecycle),
            (library.VIR_DOMAIN_EVENT_ID_DEVICE_REMOVED, self._device_removed),
            (library.VIR_DOMAIN_EVENT_ID_BLOCK_JOB_2, self._block_job),
        ):
            self._callbacks.append(
                self._connection.domainEventRegisterAny(None, event, callback, None)
            )

    def _deafen(self) -> None:
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            try:
                self._connection.domainEventDeregisterAny(callback)
            except self.library.libvirtError:
                # Of a connection that is lost it went with that.
                return

    def _drop(self) -> None:
        connection = self._connection
        if connection is None or self.is_mock:
            return
        self._deafen()
        self._connection = None
        try:
            connection.close()
        except self.library.libvirtError as error:
            self._context.logger.info("closing a connection that is lost: %s", error)

    # Called by libvirt's thread

    def _lifecycle(self, _connection: Any, domain: Any, event: int, detail: int, _: None) -> None:
        uuid = domain.UUIDString()
        if event == self.library.VIR_DOMAIN_EVENT_STOPPED:
            self.notices.tell("stopped", uuid)
        told = guest_event(self.library, uuid, event, detail)
        if told is not None:
            self._hear(told)

    def _device_removed(self, _connection: Any, domain: Any, alias: str, _: None) -> None:
        self.notices.tell("removed", domain.UUIDString(), alias)

    def _block_job(
        self, _connection: Any, domain: Any, disk: str, _kind: int, status: int, _: None
    ) -> None:
        self.notices.tell("block job", domain.UUIDString(), disk, status)

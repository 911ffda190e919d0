"""The parts of the fake driver, how it is kept and brought back, and what a test may do to it."""

from __future__ import annotations

import msgspec

from cellrig.driver import (
    ComputeDriver,
    DriverContext,
    GuestEvent,
    GuestEventKind,
    HostConnections,
    HypervisorUnavailable,
    PowerState,
)
from cellrig_fake.behaviours import Misconduct
from cellrig_fake.connections import Connections
from cellrig_fake.hypervisor import Hypervisor
from cellrig_fake.live_moves import LiveMoves
from cellrig_fake.options import FakeOptions
from cellrig_fake.power import POWER
from cellrig_fake.state import Domain


class FakeHost(ComputeDriver):
    """A fake hypervisor, and what may happen to it behind the control plane's back."""

    def __init__(self, options: FakeOptions, context: DriverContext) -> None:
        super().__init__(options, context)
        self.capabilities = options.effective_capabilities()
        if not self.capabilities.sriov:
            # A hypervisor that cannot hand over functions does not show them either.
            options = msgspec.structs.replace(options, sriov=())
        self.options = options
        self.nodes = tuple(name.replace("{host}", context.host) for name in options.nodes) or (
            context.host,
        )
        self.hypervisor = Hypervisor(context.host, options, context.fabric, self.nodes)
        self.misconduct = Misconduct(options.behaviours, context, self.hypervisor.state.counts)
        self.live = LiveMoves(
            self.hypervisor, options, context, self.misconduct, self.check_answers
        )
        self.connections = Connections(self.hypervisor, options, context)
        #: Nothing in the options slows a call or lets it fail.
        self.behaves = not (options.latencies or options.behaviours)
        self.is_silent = False

    def emit(self, event: GuestEvent) -> None:
        """Tell of an event, unless the options silence them."""
        if self.options.lifecycle_events:
            super().emit(event)

    def volume_connections(self) -> HostConnections:
        """Return the volumes that the host is connected to, and the sessions it has for them."""
        return self.connections.report()

    # Keeping and bringing back

    def checkpoint(self) -> bytes:
        """Return the whole state of the hypervisor. What is under way is not a part of it."""
        return self.hypervisor.checkpoint()

    def restore(self, state: bytes) -> None:
        """Go back to what `checkpoint` returned; the fabric is for its owner to restore."""
        self.hypervisor.restore(state)
        self.misconduct.counts = self.hypervisor.state.counts

    # Behind the control plane's back

    def domain_xml(self, uuid: str) -> bytes:
        """Return a guest's document, as the hypervisor has it.

        Raises:
            GuestNotFound: there is no such guest.
        """
        return self.hypervisor.document(self.hypervisor.domain(uuid))

    def lose_guest(self, uuid: str, tell: GuestEventKind | None = None) -> None:
        """Let a guest be gone, as if nobody had ever made it; `tell` says it to the listener."""
        domain = self.hypervisor.undefine(uuid, self.hypervisor.domains(), uuid)
        if domain is not None and tell is not None:
            domain.power_state = PowerState.SHUTDOWN
            self.tell(domain, tell)

    def kill_guest(self, uuid: str) -> None:
        """Let a guest crash: it is shut down, and its listener hears that it died."""
        domain = self.hypervisor.domain(uuid)
        self.hypervisor.enter(domain, PowerState.CRASHED)
        self.tell(domain, GuestEventKind.DIED)

    def change_power(self, uuid: str, power_state: PowerState) -> None:
        """Switch a guest on or off at the hypervisor itself; the listener hears of it."""
        domain = self.hypervisor.domain(uuid)
        self.hypervisor.enter(domain, power_state)
        for _allowed, leads_to, kind in POWER.values():
            if leads_to is power_state:
                self.tell(domain, kind)
                return

    def fall_silent(self) -> None:
        """Answer no call any more; guests run on."""
        self.is_silent = True

    def answer_again(self) -> None:
        """Answer calls as before. Twice is harmless."""
        self.is_silent = False

    def check_answers(self) -> None:
        """See that the hypervisor answers.

        Raises:
            HypervisorUnavailable: it has fallen silent.
        """
        if self.is_silent:
            raise HypervisorUnavailable(self.context.host, "it has fallen silent")

    def release(self, method: str) -> int:
        """Let all calls of `method` that hang go on, and return how many there were."""
        return self.misconduct.release(method)

    def tell(self, domain: Domain, kind: GuestEventKind) -> None:
        """Tell what happened to a guest."""
        self.emit(GuestEvent(domain.uuid, kind, domain.power_state))

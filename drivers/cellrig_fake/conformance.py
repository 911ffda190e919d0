"""How the conformance suite tries the fake driver."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from cellrig.driver import ComputeDriver
from cellrig.testing.conformance.checking import NotOffered
from cellrig.testing.conformance.setup import Options, Setup
from cellrig_fake.driver import FakeDriver

_CARDS = (
    {"address": "0000:81:00.0", "physical_network": "public", "vfs": 2},
    {"address": "0000:82:00.0", "physical_network": "private", "vfs": 2, "tree": "children"},
)


class FakeSetup(Setup):
    """Hosts with two network cards each, unless the options say otherwise."""

    def options_of(self, host: str) -> Options:
        """See `Setup`."""
        return {"sriov": list(_CARDS), **super().options_of(host)}

    def slow_migrations(self, host: str) -> Options:
        """See `Setup`."""
        held = {"on": "live_migration", "does": "hold"}
        return {"behaviours": [*self.options.get("behaviours", ()), held]}

    def several_nodes(self, host: str) -> Options:
        """See `Setup`."""
        return {"nodes": ["{host}-a", "{host}-b"]}

    def kill_guest(self, driver: ComputeDriver, uuid: str) -> None:
        """See `Setup`."""
        _fake(driver).kill_guest(uuid)

    def stop_hypervisor(self, driver: ComputeDriver) -> None:
        """See `Setup`."""
        _fake(driver).fall_silent()

    def start_hypervisor(self, driver: ComputeDriver) -> None:
        """See `Setup`."""
        _fake(driver).answer_again()

    def leftovers(self, drivers: Mapping[str, ComputeDriver], ours: Collection[str]) -> list[str]:
        """See `Setup`."""
        found = []
        for host, driver in drivers.items():
            state, fabric = _fake(driver).hypervisor.state, driver.context.fabric
            for what, uuids in (
                ("keeps guest", state.kept),
                ("expects guest", state.incoming),
                ("is told to expect guest", fabric.keys(f"guests expected at {host}")),
                ("is reached by guest", fabric.keys(f"guests arriving at {host}")),
                ("is connected to volume", state.connections),
                ("has a session with target", state.sessions),
            ):
                found += [f"{host} still {what} {uuid}" for uuid in uuids]
        fabric = next(iter(drivers.values())).context.fabric
        found += [f"volume {each} is still locked" for each in fabric.keys("locks of volumes")]
        return found


def _fake(driver: ComputeDriver) -> FakeDriver:
    if not isinstance(driver, FakeDriver):
        raise NotOffered(f"{type(driver).__name__} is no fake driver")
    return driver

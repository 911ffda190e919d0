"""What the conformance suite may do to the hypervisor behind the driver's back."""

from __future__ import annotations

from cellrig.driver import ComputeDriver, GuestEventKind, PowerState
from cellrig.scaffold.template.driver import TemplateDriver
from cellrig.testing.conformance import Setup


class TemplateSetup(Setup):
    """Two hosts with guests in memory.

    Next: start your hypervisors in `__enter__`, end them in `__exit__`, and say in `options_of`
    how the driver of each host reaches its own.
    """

    def kill_guest(self, driver: ComputeDriver, uuid: str) -> None:
        """See `Setup`: kill the guest's process, for example."""
        assert isinstance(driver, TemplateDriver)  # noqa: S101 - for the type checker
        driver.hypervisor.enter(uuid, PowerState.CRASHED)
        driver.tell(uuid, GuestEventKind.DIED)

    def stop_hypervisor(self, driver: ComputeDriver) -> None:
        """See `Setup`: stop the daemon, for example."""
        assert isinstance(driver, TemplateDriver)  # noqa: S101 - for the type checker
        driver.hypervisor.is_away = True

    def start_hypervisor(self, driver: ComputeDriver) -> None:
        """See `Setup`."""
        assert isinstance(driver, TemplateDriver)  # noqa: S101 - for the type checker
        driver.hypervisor.is_away = False

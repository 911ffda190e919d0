"""What surrounds the driver under test: its hosts, their options, and its hypervisors' hands."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import TracebackType
from typing import Any, ClassVar, Self

from stevedore import NamedExtensionManager

from cellrig.driver import ComputeDriver
from cellrig.testing.conformance.checking import NotOffered
from cellrig.topology import StorageBackend

#: The group of entry points under which drivers bring a `Setup` of their own, by the driver's name.
SETUPS = "cellrig.conformance"

Options = Mapping[str, Any]


class Setup:
    """Where a driver is tried: two hosts and their options, and what is done behind its back.

    It is entered once for all cases, and each case builds a cloud on it. A driver that needs more
    than options brings a subclass under the entry point group ``cellrig.conformance`` with its own
    name: it may start hypervisors when it is entered, and overrides what it can do.

    Args:
        driver: the name of the driver.
        options: of every host; in strings ``{host}`` stands for the host's name.
        host_options: of single hosts, by the host's name; they come on top.

    Attributes:
        hosts: the names of the hosts.
        live: clouds run on threads and the wall clock, as real hypervisors need it.
        exact: nobody else uses the hypervisors, and what a host says is in use is what its guests
            take. False where others' guests come and go, or where it is measured.
    """

    hosts: ClassVar[tuple[str, ...]] = ("host1", "host2")
    live: bool = False
    exact: bool = True

    def __init__(
        self,
        driver: str,
        options: Options | None = None,
        host_options: Mapping[str, Options] | None = None,
    ) -> None:
        self.driver = driver
        self.options = dict(options or {})
        self.host_options = dict(host_options or {})

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """End what `__enter__` began."""

    # What clouds are built of

    def options_of(self, host: str) -> Options:
        """Return the driver's options for a host."""
        options = {**self.options, **self.host_options.get(host, {})}
        return {name: _named(host, value) for name, value in options.items()}

    def slow_migrations(self, host: str) -> Options:
        """Return options under which a live migration runs until it is aborted or forced to end.

        Raises:
            NotOffered: nobody has said which.
            Inapplicable: a live migration cannot be kept running.
        """
        raise NotOffered("no options are known that keep a live migration running")

    def several_nodes(self, host: str) -> Options:
        """Return options under which a host has two nodes.

        Raises:
            NotOffered: nobody has said which.
            Inapplicable: a host never has two.
        """
        raise NotOffered("no options are known that give a host two nodes")

    def volume_backends(self) -> Sequence[StorageBackend]:
        """Return two backends of block storage whose volumes the hypervisors can reach."""
        return (StorageBackend("main"), StorageBackend("other"))

    # What is done behind the driver's back

    def kill_guest(self, driver: ComputeDriver, uuid: str) -> None:
        """Let a guest die at its hypervisor.

        Raises:
            NotOffered: nobody has said how.
            Inapplicable: that cannot happen to this hypervisor.
        """
        raise NotOffered("no way is known to kill a guest behind the driver's back")

    def stop_hypervisor(self, driver: ComputeDriver) -> None:
        """Let a host's hypervisor not answer any more; guests may run on.

        Raises:
            NotOffered: nobody has said how.
            Inapplicable: that cannot happen to this hypervisor.
        """
        raise NotOffered("no way is known to take the hypervisor away")

    def start_hypervisor(self, driver: ComputeDriver) -> None:
        """Let it answer again. Of one that answers: harmless."""

    def breathe(self) -> None:
        """Let a moment of real time pass between two looks at something that is waited for.

        For hypervisors that tell events from a thread of their own, while the rig's clock is not
        the wall's. Others need none.
        """

    def leftovers(self, drivers: Mapping[str, ComputeDriver], ours: Collection[str]) -> list[str]:
        """Return what is left of guests and volumes that the interface does not show.

        Files, processes, reservations: one sentence each, naming the uuid.

        Args:
            drivers: by host.
            ours: uuids of guests and volumes that are all gone.
        """
        return []


def find_setup(
    driver: str,
    options: Options | None = None,
    host_options: Mapping[str, Options] | None = None,
) -> Setup:
    """Return the set-up that a driver brings, or a plain one; the arguments are `Setup`'s."""
    found = NamedExtensionManager[Any](
        SETUPS, [driver], on_missing_entrypoints_callback=lambda _names: None
    )
    kind: type[Setup] = found[driver].plugin if driver in found else Setup
    return kind(driver, options, host_options)


def _named(host: str, value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("{host}", host)
    if isinstance(value, Mapping):
        return {key: _named(host, each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_named(host, each) for each in value]
    return value

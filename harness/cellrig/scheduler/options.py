"""How the scheduler of a rig is set up."""

from __future__ import annotations

import msgspec


class SchedulerOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Options of the scheduler.

    Args:
        filters: names in the entry point group ``cellrig.scheduler.filters``, in their order; empty
            for all that are on by default.
        weights: multiplier by weigher name (group ``cellrig.scheduler.weighers``); weighers that
            are not named keep their default.
        host_subset_size: choose at random, from the rig's seed, among so many best hosts.
        max_attempts: how many hosts are tried for one server, the first included.
        max_placement_results: how many allocation candidates are looked at for one request.
        service_down_time: seconds without a report after which a compute service counts as down.
        max_io_ops_per_host: for the filter ``io_ops``: how many servers of a host may be busy.
        max_instances_per_host: for the filter ``num_instances``: how many servers a host may have.
    """

    filters: tuple[str, ...] = ()
    weights: dict[str, float] = {}
    host_subset_size: int = 1
    max_attempts: int = 3
    max_placement_results: int = 200
    service_down_time: float = 60.0
    max_io_ops_per_host: int = 8
    max_instances_per_host: int = 50

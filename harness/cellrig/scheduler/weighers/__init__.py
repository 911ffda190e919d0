"""Weighers: each says how good a host is; the sums put the hosts in their order.

A weigher is found by its entry point in the group ``cellrig.scheduler.weighers``, as ours are.
"""

from cellrig.scheduler.weighers.interface import HostWeigher

__all__ = ["HostWeigher"]

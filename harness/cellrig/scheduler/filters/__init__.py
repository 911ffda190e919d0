"""Host filters: each looks at the hosts that placement offers and refuses those that will not do.

A filter is found by its entry point in the group ``cellrig.scheduler.filters``, as ours are.
"""

from cellrig.scheduler.filters.interface import HostFilter

__all__ = ["HostFilter"]

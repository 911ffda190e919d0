"""The scheduler: from what a server needs to the host that has been claimed for it.

A request passes through five steps, each a file or folder here. `cellrig.flavors` turns the
flavor into request groups. `request_filters` add what can be said to placement: zone, tenant,
traits. `question` asks placement for candidates and the cells for their hosts (`offers`). `filters`
refuse hosts and `weighers` order them, both plugins that anybody may add. `placing` claims the
best for each server, with the next ones in the same cell as its alternates. The service itself is
`cellrig.scheduler.scheduler.Scheduler`.
"""

from cellrig.scheduler.interface import SchedulerService
from cellrig.scheduler.options import SchedulerOptions

__all__ = [
    "SchedulerOptions",
    "SchedulerService",
]

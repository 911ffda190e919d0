"""The audit: do the databases, placement, the hypervisors and the runtime tell the same story?

What must agree, at rest, and where it is checked:

- `allocations`: every server holds exactly its flavor's resources on its own host's tree, and
  nothing is held by a consumer that does not exist.
- `cells`: an instance is in exactly one cell database, the one that its mapping names; no build
  request outlives its build.
- `capacity`: no inventory is used beyond its capacity.
- `guests`: the guests that drivers report are the instances that the databases place there.
- `ports`: the ports of servers exist, are theirs, and are bound to the hosts where they are.
- `unattended`: nothing is half-done without anybody who will finish it.
- `tasks`: no task and no message is left.

What a service that is down had in its hands is not judged until the service is back.
"""

from cellrig_audit.audit import Audit
from cellrig_audit.errors import AuditFailed
from cellrig_audit.interface import Rig

__all__ = ["Audit", "AuditFailed", "Rig"]

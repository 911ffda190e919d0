"""Keeps hosts for some projects (the field's AggregateMultiTenancyIsolation)."""

from __future__ import annotations

from cellrig.scheduler.aggregates import tenants_of
from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.host_state import HostState


class TenantIsolationFilter:
    """Takes hosts whose aggregates are kept for the server's project, or for nobody.

    An aggregate is kept for the projects in its metadata ``filter_tenant_id*``. Placement has been
    asked the same by aggregates; this catches what changed since, and requests whose resources are
    all in numbered groups, for which placement cannot be asked.
    """

    enabled_by_default = True

    def applies(self, request: HostRequest) -> bool:
        """Always: whose host it is, the host's aggregates say."""
        return True

    def refusal(self, host: HostState, request: HostRequest) -> str | None:
        """Refuse hosts that are kept for other projects."""
        if not host.aggregates:
            return None
        tenants = [tenant for each in host.aggregates for tenant in tenants_of(each)]
        if not tenants or request.spec.project_id in tenants:
            return None
        return f"it is kept for other projects than {request.spec.project_id!r}"

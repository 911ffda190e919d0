"""Request filters: steps that turn what a request wants into one question for placement.

What placement decides costs the scheduler nothing, however many hosts there are; so everything
that can be said as a resource, trait, aggregate or tree is said here. The rest is for the host
filters, which look at what placement returns.
"""

from __future__ import annotations

from cellrig.placement.types import CandidateQuery
from cellrig.scheduler.destination import is_forced
from cellrig.scheduler.request_filters.availability_zone import availability_zone
from cellrig.scheduler.request_filters.capability_traits import capability_traits
from cellrig.scheduler.request_filters.compute_status import compute_status
from cellrig.scheduler.request_filters.image_traits import image_traits
from cellrig.scheduler.request_filters.interface import Asked, RequestFilter
from cellrig.scheduler.request_filters.tenant_isolation import tenant_isolation

#: What the guest itself needs; nobody can waive it.
_OF_THE_GUEST: tuple[RequestFilter, ...] = (image_traits, capability_traits)

#: Rules of the cloud, which an administrator who forces a host has decided to pass over.
_OF_THE_CLOUD: tuple[RequestFilter, ...] = (availability_zone, tenant_isolation, compute_status)


def apply_request_filters(query: CandidateQuery, asked: Asked) -> CandidateQuery:
    """Return `query` with what every request filter adds.

    Raises:
        NoValidHost: no host can ever do.
        Invalid: the image's properties are wrong.
    """
    filters = _OF_THE_GUEST if is_forced(asked.spec) else _OF_THE_GUEST + _OF_THE_CLOUD
    for each in filters:
        query = each(query, asked)
    return query


__all__ = ["Asked", "RequestFilter", "apply_request_filters"]

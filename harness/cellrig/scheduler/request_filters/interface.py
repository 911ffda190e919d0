"""What a request filter is: a step that adds to the question for placement."""

from __future__ import annotations

from typing import Protocol

import msgspec

from cellrig.model import RequestSpec
from cellrig.placement.types import CandidateQuery
from cellrig.scheduler.aggregates import AggregateIndex


class Asked(msgspec.Struct, frozen=True):
    """What a request filter may look at.

    Args:
        spec: what the servers need.
        aggregates: the host aggregates.
        multiattach: a volume of theirs is one that several servers may have.
    """

    spec: RequestSpec
    aggregates: AggregateIndex
    multiattach: bool = False


class RequestFilter(Protocol):
    """A function that turns a wish of the request into a condition that placement checks."""

    def __call__(self, query: CandidateQuery, asked: Asked) -> CandidateQuery:
        """Return `query` with the condition added; `query` itself where there is nothing to add.

        Raises:
            NoValidHost: no host can ever fulfil the wish.
        """

"""The claims of one request: each a compare-and-swap in placement, all given back if one fails."""

from __future__ import annotations

from functools import partial

from cellrig.model import RequestSpec
from cellrig.placement.client import PlacementClient
from cellrig.placement.errors import AllocationRefused, ConcurrentUpdate
from cellrig.placement.types import AllocationRequest, AllocationsWrite
from cellrig.scheduler.offers import Offer
from cellrig.scheduler.room import Room
from cellrig.seams import Seams


class Claims:
    """What the servers of one request have claimed so far.

    Args:
        placement: where to claim.
        spec: whose servers they are.
        seams: told of every refusal.

    Attributes:
        count: how many claims have been tried.
    """

    def __init__(self, placement: PlacementClient, spec: RequestSpec, seams: Seams) -> None:
        self._placement = placement
        self._spec = spec
        self._seams = seams
        self._tried: dict[str, list[AllocationRequest]] = {}
        self.count = 0

    def claim(self, instance_uuid: str, offer: Offer, room: Room) -> AllocationRequest | str:
        """Claim `offer` for a server in the first of its ways that placement grants.

        Returns:
            The way; where there is none, why.
        """
        host = offer.state.host
        refusal = "placement offers no way to serve the request there"
        for way in offer.ways:
            shortage = room.shortage(way)
            if shortage is not None:
                refusal = shortage
                continue
            self.count += 1
            tried = self._tried.setdefault(instance_uuid, [])
            tried.append(way)
            try:
                self._placement.put_allocations(instance_uuid, self._write(way))
            except AllocationRefused as error:
                self._seams.handled(error, f"host {host} is tried in another way, or left")
                refusal = str(error)
            except ConcurrentUpdate as error:
                self._seams.handled(error, f"host {host} is left, unless the claim is ours")
                return way if self._is_ours(instance_uuid, way) else str(error)
            else:
                return way
        return refusal

    def give_back(self) -> None:
        """Take everything from the servers of the request; one failure does not stop the others."""
        for instance_uuid in self._tried:
            release = partial(self._placement.delete_allocations, instance_uuid)
            try:
                self._seams.insist(release, "give back a claim")
            except Exception as error:  # noqa: BLE001 - the request's own error must come through
                self._seams.handled(
                    error, f"the claim of {instance_uuid} stays until allocations are healed"
                )

    def _is_ours(self, instance_uuid: str, way: AllocationRequest) -> bool:
        """Whether the server holds just this: the claim was made, and its first answer was lost.

        What it holds otherwise is somebody else's, unless this request has tried it too, and must
        not be given back with this request's claims.
        """
        held = self._placement.get_allocations(instance_uuid)
        if held is None:
            return False
        if all(held.allocations != tried.allocations for tried in self._tried[instance_uuid]):
            del self._tried[instance_uuid]
        return held.allocations == way.allocations

    def _write(self, way: AllocationRequest) -> AllocationsWrite:
        return AllocationsWrite(
            allocations=way.allocations,
            project_id=self._spec.project_id,
            user_id=self._spec.user_id,
            consumer_generation=None,
            consumer_type="INSTANCE",
            mappings=way.mappings,
        )

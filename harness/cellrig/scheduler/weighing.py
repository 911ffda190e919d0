"""Putting hosts in an order by the weighers."""

from __future__ import annotations

from cellrig.scheduler.host_request import HostRequest
from cellrig.scheduler.offers import Offer
from cellrig.scheduler.plugins import Weighers


def best_first(offers: list[Offer], request: HostRequest, weighers: Weighers) -> list[Offer]:
    """Return `offers` with the heaviest first; equals stay in placement's order.

    Each weigher's values are normalised to 0..1 over these hosts and multiplied, as in the field.
    """
    if len(offers) < 2:
        return offers
    weights = [0.0] * len(offers)
    for _name, weigher, multiplier in weighers:
        if not weigher.applies(request):
            continue
        raw = [weigher.weigh(offer.state, request) for offer in offers]
        lowest = min(raw)
        spread = max(raw) - lowest
        if spread:
            scale = multiplier / spread
            weights = [
                weight + (r - lowest) * scale for weight, r in zip(weights, raw, strict=True)
            ]
    order = sorted(range(len(offers)), key=weights.__getitem__, reverse=True)
    return [offers[place] for place in order]

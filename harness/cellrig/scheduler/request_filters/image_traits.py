"""Traits that the image wants of its host (image property ``trait:<TRAIT>``)."""

from __future__ import annotations

from collections.abc import Mapping

from cellrig.errors import Invalid
from cellrig.flavors.extra_specs import check_trait
from cellrig.flavors.resource_request import requiring
from cellrig.placement.types import CandidateQuery
from cellrig.scheduler.request_filters.interface import Asked

_SCOPE = "trait:"


def image_traits(query: CandidateQuery, asked: Asked) -> CandidateQuery:
    """Require the traits that the image requires, beside those of the flavor."""
    image = asked.spec.image
    wanted = frozenset() if image is None else required_traits(image.properties)
    return requiring(query, wanted) if wanted else query


def required_traits(properties: Mapping[str, str]) -> frozenset[str]:
    """Return the traits that image properties require.

    Raises:
        Invalid: a value other than ``required`` (an image can forbid nothing), or no trait.
    """
    traits = []
    for key, value in properties.items():
        if key.startswith(_SCOPE):
            if value != "required":
                raise Invalid(f"image property {key!r} is {value!r}: it takes 'required'")
            trait = key.removeprefix(_SCOPE)
            check_trait(key, value, trait)
            traits.append(trait)
    return frozenset(traits)

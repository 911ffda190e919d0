"""Hosts whose driver can do what the guest needs (the field's ephemeral_encryption_filter)."""

from __future__ import annotations

from cellrig.errors import NoValidHost
from cellrig.flavors.resource_request import requiring
from cellrig.placement.types import CandidateQuery
from cellrig.scheduler.request_filters.interface import Asked

_MULTIATTACH = "COMPUTE_VOLUME_MULTI_ATTACH"
_ENCRYPTION = "COMPUTE_EPHEMERAL_ENCRYPTION"
_FORMATS = {"luks": f"{_ENCRYPTION}_LUKS", "plain": f"{_ENCRYPTION}_PLAIN"}
_TRUE, _FALSE = ("1", "on", "true", "yes"), ("0", "off", "false", "no")


def capability_traits(query: CandidateQuery, asked: Asked) -> CandidateQuery:
    """Require the traits of the driver's capabilities that the guest will use.

    A volume that several servers may have takes a driver that can make shareable disks.
    Encryption of local disks: flavor ``hw:ephemeral_encryption``, image
    ``hw_ephemeral_encryption``, and either with ``_format`` appended.
    """
    if asked.multiattach:
        query = requiring(query, frozenset({_MULTIATTACH}))
    return _encryption(query, asked)


def _encryption(query: CandidateQuery, asked: Asked) -> CandidateQuery:
    wanted = _said(asked, "hw:ephemeral_encryption", "hw_ephemeral_encryption")
    if wanted is None or wanted.lower() in _FALSE:
        return query
    if wanted.lower() not in _TRUE:
        raise NoValidHost(f"ephemeral_encryption is {wanted!r}: it takes true or false")
    kind = _said(asked, "hw:ephemeral_encryption_format", "hw_ephemeral_encryption_format")
    if kind is None:
        return requiring(query, frozenset({_ENCRYPTION}))
    if kind not in _FORMATS:
        raise NoValidHost(f"ephemeral_encryption_format is {kind!r}: it takes luks or plain")
    return requiring(query, frozenset({_ENCRYPTION, _FORMATS[kind]}))


def _said(asked: Asked, extra_spec: str, image_property: str) -> str | None:
    properties = {} if asked.spec.image is None else asked.spec.image.properties
    return asked.spec.flavor.extra_specs.get(extra_spec, properties.get(image_property))

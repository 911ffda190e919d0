"""The REST faces of a rig, by name, each as a WSGI application and as a session in process."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

import falcon

from cellrig.errors import NotFound
from cellrig.http.auth import Authenticate
from cellrig.http.catalog import SERVICES
from cellrig.http.compute import compute_application
from cellrig.http.identity import identity_application
from cellrig.http.identity.directory import Directory
from cellrig.http.image import image_application
from cellrig.http.network import network_application
from cellrig.http.placement import placement_application
from cellrig.http.sign_in import by_token_or_name
from cellrig.http.volume import volume_application

if TYPE_CHECKING:
    from cellrig.rig import Rig

Face = falcon.App[Any, Any]


class Common(NamedTuple):
    """What all faces of a rig are built with; see `wsgi_application`."""

    now: Callable[[], float]
    new_uuid: Callable[[], str]
    authenticate: Authenticate


def _placement(rig: Rig, prefix: str, common: Common) -> Face:
    return placement_application(rig.placement, prefix, **common._asdict())


def _identity(rig: Rig, prefix: str, common: Common) -> Face:
    directory = Directory(rig.identity, SERVICES, _id_of)
    return identity_application(directory, prefix, **common._asdict())


def _compute(rig: Rig, prefix: str, common: Common) -> Face:
    return compute_application(
        rig.compute,
        prefix,
        run=rig.answer,
        new_uuid=common.new_uuid,
        authenticate=common.authenticate,
    )


def _image(rig: Rig, prefix: str, common: Common) -> Face:
    return image_application(rig.compute.images, prefix, run=rig.answer, **common._asdict())


def _network(rig: Rig, prefix: str, common: Common) -> Face:
    return network_application(rig.compute.networks, prefix, run=rig.answer, **common._asdict())


def _volume(rig: Rig, prefix: str, common: Common) -> Face:
    return volume_application(
        rig.cloud.volumes.api(),
        prefix,
        run=rig.answer,
        new_uuid=common.new_uuid,
        authenticate=common.authenticate,
    )


def _id_of(name: str) -> str:
    """Return the id of a catalog entry: the same name has the same one in every rig."""
    return uuid.uuid5(uuid.NAMESPACE_URL, f"cellrig:catalog/{name}").hex


#: Makes a face of a rig below a prefix.
_FACES: dict[str, Callable[[Rig, str, Common], Face]] = {
    "compute": _compute,
    "identity": _identity,
    "image": _image,
    "network": _network,
    "placement": _placement,
    "volume": _volume,
}


def face_names() -> tuple[str, ...]:
    """The names of the faces that a rig has."""
    return tuple(sorted(_FACES))


def rig_face(
    rig: Rig, face: str, prefix: str, authenticate: Authenticate | None = None
) -> falcon.App[Any, Any]:
    """Build the WSGI application of one face of a rig.

    Args:
        rig: which has been started.
        face: one of `face_names`.
        prefix: path of its root; empty for ``/``.
        authenticate: tells whose token it is; None takes tokens of the identity service, and
            names of users too, which is for callers in the same process alone.

    Raises:
        NotFound: a rig has no such face.
    """
    if face not in _FACES:
        raise NotFound("REST face", f"{face} (there are: {', '.join(face_names())})")
    source = rig.random("http")  # not that of the cloud's own uuids: asking changes nothing there

    def new_uuid() -> str:
        return str(uuid.UUID(int=source.getrandbits(128), version=4))

    common = Common(rig.runtime.now, new_uuid, authenticate or by_token_or_name(rig.identity))
    return _FACES[face](rig, prefix, common)

"""The REST faces of a rig, by name, each as a WSGI application and as a session in process."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import falcon

from cellrig.errors import NotFound
from cellrig.http.placement import placement_application

if TYPE_CHECKING:
    from cellrig.http.session import FaceSession
    from cellrig.rig import Rig


def _placement(rig: Rig, prefix: str) -> falcon.App[Any, Any]:
    source = rig.random("http")  # not that of the cloud's own uuids: asking changes nothing there

    def new_uuid() -> str:
        return str(uuid.UUID(int=source.getrandbits(128), version=4))

    return placement_application(rig.placement, prefix, now=rig.runtime.now, new_uuid=new_uuid)


_FACES: dict[str, Callable[[Rig, str], falcon.App[Any, Any]]] = {"placement": _placement}


def rig_face(rig: Rig, face: str, prefix: str) -> falcon.App[Any, Any]:
    """Build the WSGI application of one face of a rig.

    Args:
        rig: which has been started.
        face: ``placement``.
        prefix: path of its root; empty for ``/``.

    Raises:
        NotFound: a rig has no such face.
    """
    if face not in _FACES:
        raise NotFound("REST face", f"{face} (there are: {', '.join(sorted(_FACES))})")
    return _FACES[face](rig, prefix)


def rig_session(rig: Rig, face: str) -> FaceSession:
    """Return a session in which a face of a rig is ``http://<face>.rig/``.

    Raises:
        NotFound: a rig has no such face.
        ExtraMissing: requests is not installed.
    """
    application = rig_face(rig, face, "")
    from cellrig.http.session import FaceSession

    return FaceSession(application, f"http://{face}.rig")

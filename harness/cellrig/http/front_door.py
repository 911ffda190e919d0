"""All faces of a rig behind one address, each below a prefix of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

import msgspec

from cellrig.http.auth import Authenticate
from cellrig.http.rig_faces import face_names, rig_face

if TYPE_CHECKING:
    from cellrig.rig import Rig

Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def front_door(rig: Rig, authenticate: Authenticate | None = None) -> Application:
    """Build the WSGI application of a whole cloud: ``/identity``, ``/placement`` and the rest.

    Args:
        rig: which has been started.
        authenticate: see `rig_face`.
    """
    return behind({name: rig_face(rig, name, f"/{name}", authenticate) for name in face_names()})


def behind(faces: Mapping[str, Application], otherwise: Application | None = None) -> Application:
    """Put applications behind one address, each told apart by the first segment of the path.

    Args:
        faces: by that segment.
        otherwise: answers for other segments; None for a 404 that says what there is.
    """
    rest = otherwise or _nothing_here(sorted(faces))

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        segment = str(environ.get("PATH_INFO", "")).removeprefix("/").partition("/")[0]
        return faces.get(segment, rest)(environ, start_response)

    return answer


def _nothing_here(names: Iterable[str]) -> Application:
    there = ", ".join(f"/{name}" for name in names)
    told = {"status": 404, "title": "Not Found", "detail": f"there are {there}"}
    body = msgspec.json.encode({"errors": [told]})
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]

    def answer(_environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        start_response("404 Not Found", headers)
        return [body]

    return answer

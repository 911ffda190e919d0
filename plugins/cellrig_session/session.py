"""The plugin: `rig.session`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellrig.errors import ExtraMissing

if TYPE_CHECKING:
    from cellrig.http.session import FaceSession
    from cellrig.rig import Rig


class Session:
    """Sessions in which unmodified HTTP clients ask a rig's REST faces without a socket.

    Args:
        rig: the rig that this plugin belongs to.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def __call__(self, face: str) -> FaceSession:
        """Return a `requests.Session` that asks a face of the rig.

        The face is at ``http://<face>.rig/``, and nothing else can be reached; a URL that begins
        with a slash is on it. Requests carry the token ``admin``.

        Args:
            face: ``compute``, ``identity`` or ``placement``.

        Raises:
            NotFound: a rig has no such face.
            ExtraMissing: what serves HTTP is not installed.
        """
        try:
            from cellrig.http.rig_faces import rig_session
        except ModuleNotFoundError as error:
            raise ExtraMissing("rig.session", error.name, "http") from error
        return rig_session(self._rig, face)

"""The plugins: `rig.session` and `rig.connection`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cellrig.errors import ExtraMissing
from cellrig.identity.accounts import Account

if TYPE_CHECKING:
    from openstack.connection import Connection as OpenStackConnection

    from cellrig.http.rig_session import RigSession
    from cellrig.rig import Rig

ADMINISTRATOR = "admin"


class Session:
    """Sessions in which unmodified HTTP clients ask a rig's REST faces without a socket.

    Args:
        rig: the rig that this plugin belongs to.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def __call__(self, face: str) -> RigSession:
        """Return an administrator's session with the rig, for clients and for plain calls.

        Give it to a client of the field as its keystoneauth session: it finds every service of the
        rig in the catalog. Asked itself, as a `requests.Session` is, it asks one face, which is at
        ``http://<face>.rig/``; a URL that begins with a slash is on it. Nothing else can be
        reached.

        Args:
            face: ``compute``, ``identity``, ``image``, ``network``, ``placement`` or ``volume``.

        Raises:
            NotFound: a rig has no such face.
            ExtraMissing: what serves HTTP is not installed.
        """
        try:
            from cellrig.http.rig_session import rig_session
        except ModuleNotFoundError as error:
            raise ExtraMissing("rig.session", error.name, "http") from error
        return rig_session(self._rig, face)


class Connection:
    """openstacksdk's connections to a rig, without a socket.

    Args:
        rig: the rig that this plugin belongs to.
    """

    def __init__(self, rig: Rig) -> None:
        self._rig = rig

    def __call__(
        self, user: str = ADMINISTRATOR, project: str | None = None, *, role: str | None = None
    ) -> OpenStackConnection:
        """Return an `openstack.connection.Connection` of somebody to the rig.

        The user and the project are made where they are missing; they are those of
        `Rig.as_user` with the same names.

        Args:
            user: who it is.
            project: one of the user's own name where none is given.
            role: in the project; ``admin`` for the user admin, else ``member``.

        Raises:
            NotFound: there is no such role.
            ExtraMissing: openstacksdk, or what serves HTTP, is not installed.
        """
        try:
            from cellrig.http.rig_session import rig_connection
        except ModuleNotFoundError as error:
            raise ExtraMissing("rig.connection", error.name, "http") from error
        own = ADMINISTRATOR if user == ADMINISTRATOR else "member"
        place = project or user
        account = Account(
            user=user, project=place, role=role or own, user_id=user, project_id=place
        )
        return rig_connection(self._rig, account)

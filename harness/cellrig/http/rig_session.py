"""Sessions in which the field's own clients ask a rig in the same process, without a socket."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cache
from typing import TYPE_CHECKING, Any

from cellrig.errors import ExtraMissing
from cellrig.http.front_door import front_door
from cellrig.http.rig_faces import rig_face
from cellrig.http.session import FaceSession, WsgiAdapter
from cellrig.http.sign_in import by_token
from cellrig.identity.accounts import Account, open_account
from cellrig.identity.types import Scope

try:
    import requests
    from keystoneauth1 import access
    from keystoneauth1 import session as keystone
    from keystoneauth1.identity.base import BaseIdentityPlugin
except ModuleNotFoundError as error:
    raise ExtraMissing("a session of a rig", error.name, "http") from error

if TYPE_CHECKING:
    from openstack.connection import Connection

    from cellrig.rig import Rig

#: Where a rig is for the clients in its own process.
RIG_URL = "http://rig"

_AUTH_URL = f"{RIG_URL}/identity/v3"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
#: What only a client that finds its service in the catalog says.
_OF_CLIENTS = frozenset({"endpoint_filter", "endpoint_override", "auth", "authenticated"})


class RigSession(keystone.Session, requests.Session):  # type: ignore[misc]
    """A keystoneauth session, which is also asked like a requests session.

    A client of the field that is given this session signs in at the rig's identity service and
    finds the faces in its catalog. A plain call of the session itself (``session.get("/servers")``)
    goes to the face that it was made for: it carries the token ``admin`` unless it has another
    one, and returns every answer, whatever its status.

    Args:
        plain: answers plain calls.
        door: the whole rig.
        auth: signs clients in.
    """

    def __init__(self, plain: FaceSession, door: requests.Session, auth: RigAuth) -> None:
        # What requests would set up is in the two sessions that answer.
        keystone.Session.__init__(self, auth=auth, session=door)
        self.base_url = plain.base_url
        self.headers, self.cookies, self.params = plain.headers, plain.cookies, plain.params
        self._plain = plain

    def request(  # type: ignore[override]
        self, url: str, method: str, *args: Any, **options: Any
    ) -> requests.Response:
        """Send a request, for a client or for the caller; takes the arguments of either class."""
        if url.upper() in _METHODS:  # in the order of requests
            url, method = method, url
        if _OF_CLIENTS & options.keys():
            return super().request(url, method, *args, **options)
        return self._plain.request(method, url, *args, **options)


class RigAuth(BaseIdentityPlugin):
    """Signs in somebody whom the rig knows, without a password.

    A token is asked for again when it is refused, and not when the clock of the machine says that
    it should be: the rig has a clock of its own.

    Args:
        rig: which has been started.
        account: who it is, in which project; opened when somebody first signs in.
    """

    def __init__(self, rig: Rig, account: Account) -> None:
        super().__init__(auth_url=_AUTH_URL, reauthenticate=False)
        self._rig = rig
        self._account = account

    def get_auth_ref(self, session: keystone.Session) -> access.AccessInfo:
        """Return a new token with its catalog."""
        identity = self._rig.identity
        user, project, _is_new = open_account(identity, self._account)
        secret, _token = identity.issue(user, Scope(project_id=project.id), ("password",))
        answer = session.request(
            f"{_AUTH_URL}/auth/tokens",
            "GET",
            headers={"X-Auth-Token": secret, "X-Subject-Token": secret},
            authenticated=False,
        )
        return access.AccessInfoV3(body=answer.json(), auth_token=secret)

    def get_cache_id_elements(self) -> dict[str, str | None]:
        """Return what tells this sign-in from another."""
        return {"user": self._account.user, "project": self._account.project}


def rig_session(rig: Rig, face: str) -> RigSession:
    """Return an administrator's session, whose plain calls go to a face at ``http://<face>.rig/``.

    Raises:
        NotFound: a rig has no such face.
    """
    plain = FaceSession(rig_face(rig, face, ""), f"http://{face}.rig")
    account = Account(
        user="admin", project="admin", role="admin", user_id="admin", project_id="admin"
    )
    return RigSession(plain, _door(rig), RigAuth(rig, account))


def rig_connection(rig: Rig, account: Account) -> Connection:
    """Return openstacksdk's connection to a rig, for the user of an account.

    Raises:
        ExtraMissing: openstacksdk is not installed.
    """
    try:
        from openstack.connection import Connection
    except ModuleNotFoundError as error:
        raise ExtraMissing("rig.connection()", error.name, "clients") from error
    session = keystone.Session(auth=RigAuth(rig, account), session=_door(rig))
    return Connection(session=session, region_name="RegionOne", identity_api_version="3")


def _door(rig: Rig) -> requests.Session:
    """Return a session in which all faces of a rig are at one address, and nothing else is."""
    # The faces are built for who asks for them.
    application = cache(lambda: front_door(rig, by_token(rig.identity)))

    def answer(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        return application()(environ, start_response)

    door = requests.Session()
    door.trust_env = False
    door.adapters.clear()
    door.mount(f"{RIG_URL}/", WsgiAdapter(answer))
    return door

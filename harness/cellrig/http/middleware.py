"""What happens to every request before its route is looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import falcon

from cellrig.http.auth import TOKEN_HEADER, Authenticate
from cellrig.http.errors import Refusal
from cellrig.http.faces import Face
from cellrig.http.versions import HEADER, Version, negotiate


class Admission:
    """Gives each request its id, its caller and its microversion, or refuses it.

    Args:
        face: what is asked.
        public: paths that need no token, each with the methods that need one all the same.
        new_uuid: makes request ids.
        authenticate: tells whose token it is.
    """

    def __init__(
        self,
        face: Face,
        public: Mapping[str, frozenset[str]],
        new_uuid: Callable[[], str],
        authenticate: Authenticate,
    ) -> None:
        self._face = face
        self._public = public
        self._new_uuid = new_uuid
        self._authenticate = authenticate

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Admit one request.

        Raises:
            Refusal: 401 without a token, 400 or 406 for the microversion, 406 for a client that
                does not take JSON.
        """
        context = req.context
        context.version = None
        context.request_id = f"req-{self._new_uuid()}"
        for name in self._face.request_id_headers:
            resp.set_header(name, context.request_id)
        context.caller = self._authenticate(req.get_header(TOKEN_HEADER))
        if context.caller is None and self._needs_token(req):
            refusal = Refusal(401, f"a token is needed, in the header {TOKEN_HEADER}")
            refusal.headers = {"WWW-Authenticate": f'Keystone uri="{req.prefix}/identity"'}
            raise refusal
        context.version = self._negotiate(req, resp)
        if req.accept != "*/*" and not any(map(req.client_accepts, self._face.gives)):
            raise Refusal(406, f"only {' and '.join(self._face.gives)} is provided")

    def _needs_token(self, req: falcon.Request) -> bool:
        private = self._public.get(req.path)
        return private is None or req.method in private

    def _negotiate(self, req: falcon.Request, resp: falcon.Response) -> Version:
        """Return the microversion of a request, and say it in the answer."""
        face = self._face
        versions, legacy = face.versions, face.legacy_header
        if not face.microversioned:
            return versions.lowest
        asked = req.get_header(HEADER)
        if asked is None and legacy is not None and (older := req.get_header(legacy)):
            asked = f"{versions.service_type} {older}"
        version = negotiate(versions, asked)
        resp.set_headers({HEADER: f"{versions.service_type} {version}", "vary": HEADER})
        if legacy is not None:
            resp.set_header(legacy, str(version))
            resp.set_header("vary", f"{HEADER}, {legacy}")
        return version

"""What happens to every request before its route is looked up."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import falcon

from cellrig.http.access_rules import are_kept
from cellrig.http.auth import TOKEN_HEADER, Authenticate
from cellrig.http.errors import Refusal
from cellrig.http.faces import Face
from cellrig.http.versions import HEADER, Version, negotiate


class Admission:
    """Gives each request its id, its caller and its microversion, or refuses it.

    Args:
        face: what is asked.
        prefix: path of its root.
        public: paths that need no token, each with the methods that need one all the same.
        new_uuid: makes request ids.
        authenticate: tells whose token it is.
    """

    def __init__(
        self,
        face: Face,
        prefix: str,
        public: Mapping[str, frozenset[str]],
        new_uuid: Callable[[], str],
        authenticate: Authenticate,
    ) -> None:
        self._face = face
        self._prefix = prefix
        self._public = public
        self._new_uuid = new_uuid
        self._authenticate = authenticate

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Admit one request.

        Raises:
            Refusal: 401 without a token or against its access rules, 400 or 406 for the
                microversion.
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
        if context.caller is not None and context.caller.rules is not None:
            self._check_rules(req)
        context.version = self._negotiate(req, resp)

    def process_resource(
        self, req: falcon.Request, _resp: falcon.Response, _resource: object, _params: object
    ) -> None:
        """Refuse who reads and does not take what there is to read.

        Raises:
            Refusal: 406.
        """
        reads = req.method == "GET" and req.accept != "*/*"
        if reads and not any(map(req.client_accepts, self._face.gives)):
            raise Refusal(406, f"only {' and '.join(self._face.gives)} is provided")

    def _needs_token(self, req: falcon.Request) -> bool:
        private = self._public.get(req.path)
        return private is None or req.method in private

    def _check_rules(self, req: falcon.Request) -> None:
        path = req.path.removeprefix(self._prefix)
        service = self._face.versions.service_type
        if not are_kept(req.context.caller.rules, service, req.method, path):
            raise Refusal(401, "the application credential's access rules do not allow this")

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

"""What happens to every request before its route is looked up."""

from __future__ import annotations

from collections.abc import Callable

import falcon

from cellrig.http.auth import TOKEN_HEADER, caller_of
from cellrig.http.errors import Refusal
from cellrig.http.faces import Face
from cellrig.http.versions import HEADER, negotiate


class Admission:
    """Gives each request its id, its caller and its microversion, or refuses it.

    Args:
        face: what is asked.
        public: paths that need no token.
        new_uuid: makes request ids.
    """

    def __init__(self, face: Face, public: set[str], new_uuid: Callable[[], str]) -> None:
        self._face = face
        self._public = public
        self._new_uuid = new_uuid

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        """Admit one request.

        Raises:
            Refusal: 401 without a token, 400 or 406 for the microversion, 406 for a client that
                does not take JSON.
        """
        context = req.context
        context.version = None
        context.request_id = f"req-{self._new_uuid()}"
        resp.set_header("x-openstack-request-id", context.request_id)
        context.caller = caller_of(req.get_header(TOKEN_HEADER))
        if context.caller is None and req.path not in self._public:
            refusal = Refusal(401, f"a token is needed, in the header {TOKEN_HEADER}")
            refusal.headers = {"WWW-Authenticate": f'Keystone uri="{req.prefix}/identity"'}
            raise refusal
        versions = self._face.versions
        context.version = negotiate(versions, req.get_header(HEADER))
        resp.set_headers(
            {HEADER: f"{versions.service_type} {context.version}", "vary": HEADER},
        )
        if req.accept != "*/*" and not req.client_accepts_json:
            raise Refusal(406, "only application/json is provided")

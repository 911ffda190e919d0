"""One request of a user: its context, its task, and the settling of what it started."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from cellrig.context import RequestContext

T = TypeVar("T")


class Requests(Protocol):
    """How a client's calls are run: by a rig."""

    def request(self, function: Callable[[], T], name: str) -> T:
        """Run `function` as a task and settle, unless the rig is held."""

    def new_context(self, user_id: str, project_id: str, is_admin: bool) -> RequestContext:
        """Return the context of a new request."""


class Caller:
    """Somebody who makes requests.

    Args:
        requests: runs them.
        user_id, project_id, is_admin: who that is.
    """

    def __init__(self, requests: Requests, user_id: str, project_id: str, is_admin: bool) -> None:
        self._requests = requests
        self.user_id = user_id
        self.project_id = project_id
        self.is_admin = is_admin

    def __call__(self, operation: Callable[[RequestContext], T], name: str) -> T:
        """Run `operation` as one request of this caller, with a request id of its own."""
        context = self._requests.new_context(self.user_id, self.project_id, self.is_admin)
        return self._requests.request(lambda: operation(context), name)

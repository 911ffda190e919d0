"""A client of the identity face of one rig."""

from __future__ import annotations

from typing import Any

import pytest
import requests

from cellrig import Rig


class Identity:
    """Asks as an administrator, where no token says otherwise."""

    def __init__(self, rig: Rig) -> None:
        self.rig = rig
        self.session: requests.Session = rig.session("identity")
        self.roles = {each["name"]: each["id"] for each in self.get("roles")["roles"]}

    def __call__(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = "admin",  # noqa: S107 - a user
        expect: int | None = None,
    ) -> requests.Response:
        """Send one request below ``/v3``; fail the test where the status is another."""
        given = {} if body is None else {"json": body}
        answer = self.session.request(
            method, f"/v3/{path}", headers={"X-Auth-Token": token}, **given
        )
        if expect is not None:
            assert answer.status_code == expect, answer.text
        return answer

    def get(self, path: str, **how: Any) -> Any:
        return self("GET", path, expect=200, **how).json()

    def make(self, kind: str, path: str = "", **given: Any) -> Any:
        """Create one of something, and return it."""
        return self("POST", path or f"{kind}s", {kind: given}, expect=201).json()[kind]

    def user(self, name: str, **given: Any) -> Any:
        """Create a user whose password is their name."""
        return self.make("user", name=name, password=name, **given)

    def sign_in(self, user: Any, scope: Any = None) -> requests.Response:
        """Sign a user in whose password is their name."""
        password = {"user": {"id": user["id"], "password": user["name"]}}
        auth = {"identity": {"methods": ["password"], "password": password}}
        body = {"auth": {**auth, **({} if scope is None else {"scope": scope})}}
        return self("POST", "auth/tokens", body)

    def roles_of(self, user: Any, project: Any) -> set[str]:
        """Return the names of the roles that a user has in a project; none where they get none."""
        answer = self.sign_in(user, {"project": {"id": project["id"]}})
        if answer.status_code == 401:
            return set()
        assert answer.status_code == 201, answer.text
        return {role["name"] for role in answer.json()["token"]["roles"]}

    def token_of(self, user: Any, project: Any) -> str:
        answer = self.sign_in(user, {"project": {"id": project["id"]}})
        assert answer.status_code == 201, answer.text
        return str(answer.headers["X-Subject-Token"])

    def is_alive(self, token: str) -> bool:
        """Whether a token still stands for something."""
        headers = {"X-Subject-Token": token, "X-Auth-Token": "admin"}
        return self.session.get("/v3/auth/tokens", headers=headers).status_code == 200

    def ids(self, path: str, **how: Any) -> set[str]:
        """Return the ids in a list."""
        kind = path.partition("?")[0].rpartition("/")[2]
        return {each["id"] for each in self.get(path, **how)[kind]}


@pytest.fixture
def identity(rig: Rig) -> Identity:
    return Identity(rig)

"""Who may do what: administrators everything, plain users next to nothing."""

from __future__ import annotations

from typing import Any

import pytest

from cellrig.http.placement.table import ROUTES

_PATHS = sorted(
    {
        (route.method, route.path.format(uuid="u", resource_class="c", name="n", consumer_uuid="c"))
        for route in ROUTES
        if route.policy is not None
    }
)


@pytest.mark.parametrize(("method", "path"), _PATHS)
def test_nothing_is_done_without_a_token(rest: Any, method: str, path: str) -> None:
    result = rest(method, path, token=None, expect=401)
    assert result.headers["www-authenticate"].startswith("Keystone uri=")


@pytest.mark.parametrize(("method", "path"), _PATHS)
def test_a_plain_user_is_refused(rest: Any, method: str, path: str) -> None:
    rest(method, path, token="somebody:project", expect=403)  # noqa: S106


def test_a_plain_user_sees_what_the_own_project_uses_and_no_other(rest: Any) -> None:
    rest.provider(1)
    rest.fill(1, VCPU=8)
    rest.claim(50, {1: {"VCPU": 2}})
    told = rest("GET", "/usages?project_id=project", token="me:project", expect=200).json  # noqa: S106
    assert told["usages"]["INSTANCE"]["VCPU"] == 2
    rest("GET", "/usages?project_id=project", token="me:another", expect=403)  # noqa: S106


def test_an_administrator_may_have_a_project(rest: Any) -> None:
    rest("GET", "/resource_providers", token="admin:project", expect=200)  # noqa: S106

"""The versions of the compute API, and the calls that only tell what is not there."""

from __future__ import annotations

from typing import Any

from cellrig.http.calls import Answer
from cellrig.http.compute.face import HIGHEST, LOWEST
from cellrig.http.compute.links import href
from cellrig.http.compute.service import ComputeCall, context_of
from cellrig.http.errors import Refusal


def _old(call: ComputeCall) -> dict[str, Any]:
    return {
        "id": "v2.0",
        "status": "SUPPORTED",
        "version": "",
        "min_version": "",
        "updated": "2011-01-21T11:33:21Z",
        "links": [{"rel": "self", "href": f"{href(call, 'v2')}/"}],
    }


def _current(call: ComputeCall) -> dict[str, Any]:
    return {
        "id": "v2.1",
        "status": "CURRENT",
        "version": str(HIGHEST),
        "min_version": str(LOWEST),
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": f"{href(call, 'v2.1')}/"}],
    }


def _with_media_types(version: dict[str, Any]) -> dict[str, Any]:
    number = version["id"].removeprefix("v").removesuffix(".0")
    kind = f"application/vnd.openstack.compute+json;version={number}"
    return {**version, "media-types": [{"base": "application/json", "type": kind}]}


def list_versions(call: ComputeCall) -> Answer:
    """List the versions of the API, the oldest first."""
    return Answer(body={"versions": [_old(call), _current(call)]})


def show_version(call: ComputeCall) -> Answer:
    """Show version 2.1."""
    return Answer(body={"version": _with_media_types(_current(call))})


def show_old_version(call: ComputeCall) -> Answer:
    """Show version 2.0."""
    return Answer(body={"version": _with_media_types(_old(call))})


def gone(call: ComputeCall) -> Answer:
    """Say that a call is no more, in no microversion."""
    raise Refusal(410, "This resource is no longer available. No forwarding address is given.")


def no_bare_metal(call: ComputeCall) -> Answer:
    """Ask for bare metal nodes: there is no service that has any (until 2.35)."""
    context_of(call)
    raise Refusal(501, "no bare metal service is configured")

"""The tags of servers (since 2.26)."""

from __future__ import annotations

from cellrig.errors import Invalid, NotFound
from cellrig.http.calls import Answer
from cellrig.http.compute.service import ComputeCall, context_of


def _known(call: ComputeCall) -> tuple[str, ...]:
    return call.service.servers.show(context_of(call), call.parameters["server_id"]).tags


def _write(call: ComputeCall, tags: tuple[str, ...]) -> None:
    call.service.servers.update(context_of(call), call.parameters["server_id"], tags=tags)


def _check(call: ComputeCall, tags: tuple[str, ...]) -> str:
    tag = call.parameters["tag"]
    if tag not in tags:
        raise NotFound("tag of the server", tag)
    return tag


def list_tags(call: ComputeCall) -> Answer:
    """List the tags of a server."""
    return Answer(body={"tags": _known(call)})


def replace_tags(call: ComputeCall) -> Answer:
    """Replace the tags of a server."""
    wanted = tuple(sorted(set(call.body["tags"])))
    _write(call, wanted)
    return Answer(body={"tags": wanted})


def delete_tags(call: ComputeCall) -> Answer:
    """Delete all tags of a server."""
    _write(call, ())
    return Answer(204)


def check_tag(call: ComputeCall) -> Answer:
    """Answer whether a server has a tag."""
    _check(call, _known(call))
    return Answer(204)


def add_tag(call: ComputeCall) -> Answer:
    """Add a tag to a server's."""
    known, tag = _known(call), call.parameters["tag"]
    if tag in known:
        return Answer(204)
    if "," in tag:
        raise Invalid(f"tag {tag!r}: a tag has no '/' or ','")
    _write(call, (*known, tag))
    server_id = call.parameters["server_id"]
    return Answer(201, location=f"{call.base}/v2.1/servers/{server_id}/tags/{tag}")


def delete_tag(call: ComputeCall) -> Answer:
    """Delete one tag of a server."""
    known = _known(call)
    tag = _check(call, known)
    _write(call, tuple(each for each in known if each != tag))
    return Answer(204)

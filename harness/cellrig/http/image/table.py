"""All routes of the image face."""

from __future__ import annotations

from collections.abc import Callable

from cellrig.http.calls import Answer
from cellrig.http.checking import Schema
from cellrig.http.image import data, documents, images, info, listing, members, root, schemas
from cellrig.http.image.face import ImageCall
from cellrig.http.routes import Route, anybody
from cellrig.image import ImageClient

Handler = Callable[[ImageCall], Answer]

_JSON = "application/json"
_PATCH = "application/openstack-images-v2.1-json-patch"
_OLDER_PATCH = "application/openstack-images-v2.0-json-patch"
_STREAM = "application/octet-stream"
_IMAGE = "/images/{image_id}"


def _route(
    method: str,
    path: str,
    handler: Handler,
    *statuses: int,
    body: Schema | None = None,
    query: Schema | None = None,
    takes: str = _JSON,
    takes_too: tuple[str, ...] = (),
    gives: str = _JSON,
) -> Route[ImageClient]:
    return Route(
        method,
        f"/v2{path}",
        handler,
        statuses or (200,),
        since=(0, 0),
        body={} if body is None else {(0, 0): body},
        query={} if query is None else {(0, 0): query},
        takes=takes,
        takes_too=takes_too,
        gives=gives,
        policy=anybody,
    )


def _open(path: str, handler: Handler, status: int) -> Route[ImageClient]:
    return Route("GET", path, handler, (status,), since=(0, 0), policy=None)


ROUTES: tuple[Route[ImageClient], ...] = (
    _open("", root.choose_version, 300),
    _open("/", root.choose_version, 300),
    _open("/versions", root.list_versions, 200),
    _route("GET", "/images", listing.list_images, query=schemas.LIST),
    _route("POST", "/images", images.create_image, 201, body=schemas.CREATE),
    _route("GET", _IMAGE, images.show_image),
    _route(
        "PATCH",
        _IMAGE,
        images.update_image,
        body=schemas.PATCH,
        takes=_PATCH,
        takes_too=(_OLDER_PATCH,),
    ),
    _route("DELETE", _IMAGE, images.delete_image, 204),
    _route("PUT", f"{_IMAGE}/file", data.upload, 204, takes=_STREAM),
    _route("GET", f"{_IMAGE}/file", data.download, 200, 204, 206, gives=_STREAM),
    _route("PUT", f"{_IMAGE}/stage", data.stage, 204, takes=_STREAM),
    _route("POST", f"{_IMAGE}/import", data.import_image, 202, body=schemas.IMPORT),
    _route("POST", f"{_IMAGE}/actions/deactivate", images.deactivate_image, 204),
    _route("POST", f"{_IMAGE}/actions/reactivate", images.reactivate_image, 204),
    _route("PUT", f"{_IMAGE}/tags/{{tag}}", images.add_tag, 204),
    _route("DELETE", f"{_IMAGE}/tags/{{tag}}", images.remove_tag, 204),
    _route("GET", f"{_IMAGE}/members", members.list_members),
    _route("POST", f"{_IMAGE}/members", members.add_member, body=schemas.ADD_MEMBER),
    _route("GET", f"{_IMAGE}/members/{{member_id}}", members.show_member),
    _route(
        "PUT", f"{_IMAGE}/members/{{member_id}}", members.update_member, body=schemas.CHANGE_MEMBER
    ),
    _route("DELETE", f"{_IMAGE}/members/{{member_id}}", members.remove_member, 204),
    _route("GET", f"{_IMAGE}/tasks", info.list_image_tasks),
    _route("GET", "/schemas/{name}", documents.show_schema),
    _route("GET", "/schemas/metadefs/{name}", documents.show_metadef_schema),
    _route("GET", "/info/import", info.show_import),
    _route("GET", "/info/stores", info.list_stores),
    _route("GET", "/info/usage", info.show_usage),
    _route("GET", "/tasks", info.list_tasks),
    _route("GET", "/tasks/{task_id}", info.show_task),
    _route("GET", "/metadefs/namespaces", info.list_namespaces),
    _route("GET", "/metadefs/resource_types", info.list_resource_types),
)

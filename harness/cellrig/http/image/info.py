"""What clients ask of the service itself, and what this one has none of."""

from __future__ import annotations

from cellrig.http.calls import Answer
from cellrig.http.errors import Refusal
from cellrig.http.image.face import ImageCall, context_of
from cellrig.http.image.views import STORE, import_view

_MIB = 1024**2


def show_import(_call: ImageCall) -> Answer:
    """Show in which ways data can be imported."""
    methods = {
        "description": "Import methods available.",
        "type": "array",
        "value": ["glance-direct"],
    }
    return Answer(body={"import-methods": methods})


def list_stores(_call: ImageCall) -> Answer:
    """List the places that data can be in: there is one."""
    return Answer(body={"stores": [{"id": STORE, "default": "true"}]})


def show_usage(call: ImageCall) -> Answer:
    """Show what the images of the project take; nothing has a limit."""
    usage = call.service.usage(context_of(call))
    amounts = {
        "image_size_total": -(-usage.size // _MIB),
        "image_stage_total": -(-usage.staged // _MIB),
        "image_count_total": usage.count,
        "image_count_uploading": usage.uploading,
    }
    told = {name: {"limit": -1, "usage": amount} for name, amount in amounts.items()}
    return Answer(body={"usage": told})


def list_tasks(_call: ImageCall) -> Answer:
    """List the tasks that are under way: there are none, what is imported is there at once."""
    return Answer(body={"tasks": [], "first": "/v2/tasks", "schema": "/v2/schemas/tasks"})


def show_task(call: ImageCall) -> Answer:
    """Show a task: there is none."""
    raise Refusal(404, f"task {call.parameters['task_id']} does not exist")


def list_image_tasks(call: ImageCall) -> Answer:
    """List the tasks of an image: its import, where its data came so; it is done at once."""
    imported = call.service.import_of(context_of(call), call.parameters["image_id"])
    return Answer(body={"tasks": [] if imported is None else [import_view(imported)]})


def list_namespaces(_call: ImageCall) -> Answer:
    """List the namespaces of metadata definitions: there are none."""
    return Answer(
        body={
            "namespaces": [],
            "first": "/v2/metadefs/namespaces",
            "schema": "/v2/schemas/metadefs/namespaces",
        }
    )


def list_resource_types(_call: ImageCall) -> Answer:
    """List the resource types of metadata definitions: there are none."""
    return Answer(body={"resource_types": []})

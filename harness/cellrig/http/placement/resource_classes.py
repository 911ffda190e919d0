"""Resource classes."""

from __future__ import annotations

from cellrig.http.calls import Answer, Call
from cellrig.http.errors import Refusal
from cellrig.http.placement.dates import resource_classes_updated_at
from cellrig.http.placement.links import named, resource_class
from cellrig.placement import PlacementClient
from cellrig.placement.errors import ResourceClassNotFound


def list_resource_classes(call: Call[PlacementClient]) -> Answer:
    """List all resource classes."""
    found = call.service.list_resource_classes()
    return Answer(
        body={"resource_classes": [resource_class(call, name) for name in found]},
        updated_at=resource_classes_updated_at(call.service, found),
    )


def create_resource_class(call: Call[PlacementClient]) -> Answer:
    """Create a custom resource class that does not exist."""
    name = call.body["name"]
    if not call.service.create_resource_class(name):
        raise Refusal(409, f"resource class {name} exists already")
    return Answer(201, location=named(call, "resource_classes", name))


def show_resource_class(call: Call[PlacementClient]) -> Answer:
    """Show one resource class."""
    name = call.parameters["name"]
    if name not in call.service.list_resource_classes():
        raise ResourceClassNotFound(name)
    return Answer(
        body=resource_class(call, name),
        updated_at=resource_classes_updated_at(call.service, [name]),
    )


def put_resource_class(call: Call[PlacementClient]) -> Answer:
    """Create a custom resource class, unless it exists (204). Before 1.7: rename one."""
    name = call.parameters["name"]
    if call.version < (1, 7):
        call.service.rename_resource_class(name, call.body["name"])
        return Answer(body=resource_class(call, call.body["name"]))
    was_created = call.service.create_resource_class(name)
    location = named(call, "resource_classes", name)
    return Answer(201 if was_created else 204, location=location)


def delete_resource_class(call: Call[PlacementClient]) -> Answer:
    """Delete a custom resource class that no provider has an inventory of."""
    call.service.delete_resource_class(call.parameters["name"])
    return Answer(204)

"""All routes of the placement face, in the order of the Placement API reference."""

from __future__ import annotations

from cellrig.http.placement import (
    aggregates,
    allocations,
    candidates,
    inventories,
    providers,
    reshaper,
    resource_classes,
    root,
    traits,
    usages,
)
from cellrig.http.placement.schemas import allocations as allocation_schemas
from cellrig.http.placement.schemas import candidates as candidate_schemas
from cellrig.http.placement.schemas import inventories as inventory_schemas
from cellrig.http.placement.schemas import memberships as membership_schemas
from cellrig.http.placement.schemas import providers as provider_schemas
from cellrig.http.placement.schemas import resource_classes as class_schemas
from cellrig.http.placement.schemas import usages as usage_schemas
from cellrig.http.routes import Route
from cellrig.placement import PlacementClient

_PROVIDER = "/resource_providers/{uuid}"
_INVENTORIES = f"{_PROVIDER}/inventories"
_INVENTORY = f"{_INVENTORIES}/{{resource_class}}"
_AGGREGATES = f"{_PROVIDER}/aggregates"
_PROVIDER_TRAITS = f"{_PROVIDER}/traits"
_CLASS = "/resource_classes/{name}"
_TRAIT = "/traits/{name}"
_CONSUMER = "/allocations/{consumer_uuid}"

ROUTES: tuple[Route[PlacementClient], ...] = (
    Route("GET", "", root.show_versions, (200,), policy=None, is_dated=True),
    Route("GET", "/", root.show_versions, (200,), policy=None, is_dated=True),
    Route(
        "GET",
        "/resource_providers",
        providers.list_providers,
        (200,),
        query=provider_schemas.LIST,
        is_dated=True,
    ),
    Route(
        "POST",
        "/resource_providers",
        providers.create_provider,
        (200, 201),
        body=provider_schemas.CREATE,
        is_dated=True,
    ),
    Route("GET", _PROVIDER, providers.show_provider, (200,), is_dated=True),
    Route(
        "PUT",
        _PROVIDER,
        providers.update_provider,
        (200,),
        body=provider_schemas.UPDATE,
        is_dated=True,
    ),
    Route("DELETE", _PROVIDER, providers.delete_provider, (204,)),
    Route(
        "GET",
        "/resource_classes",
        resource_classes.list_resource_classes,
        (200,),
        (1, 2),
        is_dated=True,
    ),
    Route(
        "POST",
        "/resource_classes",
        resource_classes.create_resource_class,
        (201,),
        (1, 2),
        body=class_schemas.CREATE,
    ),
    Route("GET", _CLASS, resource_classes.show_resource_class, (200,), (1, 2), is_dated=True),
    Route(
        "PUT",
        _CLASS,
        resource_classes.put_resource_class,
        (200, 201, 204),
        (1, 2),
        body=class_schemas.RENAME,
    ),
    Route("DELETE", _CLASS, resource_classes.delete_resource_class, (204,), (1, 2)),
    Route("GET", _INVENTORIES, inventories.list_inventories, (200,), is_dated=True),
    Route(
        "PUT",
        _INVENTORIES,
        inventories.set_inventories,
        (200,),
        body=inventory_schemas.SET,
        is_dated=True,
    ),
    Route(
        "POST",
        _INVENTORIES,
        inventories.add_inventory,
        (201,),
        body=inventory_schemas.ADD_ONE,
        is_dated=True,
    ),
    Route("DELETE", _INVENTORIES, inventories.delete_inventories, (204,), (1, 5), before=405),
    Route("GET", _INVENTORY, inventories.show_inventory, (200,), is_dated=True),
    Route(
        "PUT",
        _INVENTORY,
        inventories.update_inventory,
        (200,),
        body=inventory_schemas.UPDATE_ONE,
        is_dated=True,
    ),
    Route("DELETE", _INVENTORY, inventories.delete_inventory, (204,)),
    Route("GET", _AGGREGATES, aggregates.list_aggregates, (200,), (1, 1), is_dated=True),
    Route(
        "PUT",
        _AGGREGATES,
        aggregates.set_aggregates,
        (200,),
        (1, 1),
        body=membership_schemas.SET_AGGREGATES,
        is_dated=True,
    ),
    Route(
        "GET",
        "/traits",
        traits.list_traits,
        (200,),
        (1, 6),
        query=membership_schemas.LIST_TRAITS,
        is_dated=True,
    ),
    Route("GET", _TRAIT, traits.show_trait, (204,), (1, 6), is_dated=True),
    Route("PUT", _TRAIT, traits.create_trait, (201, 204), (1, 6), is_dated=True),
    Route("DELETE", _TRAIT, traits.delete_trait, (204,), (1, 6)),
    Route("GET", _PROVIDER_TRAITS, traits.list_provider_traits, (200,), (1, 6), is_dated=True),
    Route(
        "PUT",
        _PROVIDER_TRAITS,
        traits.set_provider_traits,
        (200,),
        (1, 6),
        body=membership_schemas.SET_TRAITS,
        is_dated=True,
    ),
    Route("DELETE", _PROVIDER_TRAITS, traits.delete_provider_traits, (204,), (1, 6)),
    Route(
        "GET",
        "/allocation_candidates",
        candidates.list_candidates,
        (200,),
        (1, 10),
        query=candidate_schemas.LIST,
        is_dated=True,
    ),
    Route("GET", _CONSUMER, allocations.show_allocations, (200,), is_dated=True),
    Route("PUT", _CONSUMER, allocations.put_allocations, (204,), body=allocation_schemas.PUT),
    Route("DELETE", _CONSUMER, allocations.delete_allocations, (204,)),
    Route(
        "POST",
        "/allocations",
        allocations.post_allocations,
        (204,),
        (1, 13),
        body=allocation_schemas.POST,
    ),
    Route(
        "GET",
        f"{_PROVIDER}/allocations",
        allocations.list_provider_allocations,
        (200,),
        is_dated=True,
    ),
    Route("GET", f"{_PROVIDER}/usages", usages.list_provider_usages, (200,), is_dated=True),
    Route(
        "GET",
        "/usages",
        usages.list_usages,
        (200,),
        (1, 9),
        query=usage_schemas.LIST,
        policy=usages.own_project,
        is_dated=True,
    ),
    Route("POST", "/reshaper", reshaper.reshape, (204,), (1, 30), body=allocation_schemas.RESHAPE),
)

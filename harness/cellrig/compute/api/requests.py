"""What a user may ask for when creating servers, checked before anything is written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

from cellrig.compute.api.block_devices import CheckedDevices, check_block_devices
from cellrig.compute.api.network_requests import NetworkChoice, wanted_interfaces
from cellrig.compute.api.policy import check_admin, may_see
from cellrig.compute.api.surroundings import Surroundings
from cellrig.compute.api.volume_images import with_disks_of
from cellrig.context import RequestContext
from cellrig.errors import Invalid, NotFound
from cellrig.flavors import validate_extra_specs
from cellrig.image import StoredImage
from cellrig.model import (
    Aggregate,
    BlockDevice,
    Flavor,
    ImageProperties,
    NetworkRequest,
    Presentation,
    RequestSpec,
    ServerGroup,
)

#: The zone of hosts that no aggregate puts into one.
DEFAULT_ZONE = "nova"

MAX_TAGS = 50
MAX_TAG_LENGTH = 60
MAX_LENGTH = 255


class ServerRequest(msgspec.Struct, frozen=True, kw_only=True):
    """The creation of servers, as a user asks for it.

    Args:
        flavor: id or name.
        image: id or name; None only for a server that boots from a volume.
        block_devices: all its disks, what it boots from included; none for a local root disk made
            from the image.
        name: of the server; with several, ``-1``, ``-2``, ... is added.
        count: how many.
        zone: an availability zone, or an administrator's ``zone:host`` or ``zone:host:node``,
            which goes past the filters.
        host: a host that the filters still judge (microversion 2.74).
        group: uuid of the server group to join.
        hints: the field's scheduler hints: ``same_host``, ``different_host``, ...
        presentation: what the API shows of the servers and nobody else needs.
        networks: the interfaces of each server, or ``auto`` or ``none``.
    """

    flavor: str
    image: str | None
    name: str = "server"
    count: int = 1
    zone: str | None = None
    host: str | None = None
    group: str | None = None
    hints: Mapping[str, str | tuple[str, ...]] = {}
    metadata: dict[str, str] = {}
    tags: tuple[str, ...] = ()
    key_name: str | None = None
    hostname: str | None = None
    block_devices: tuple[BlockDevice, ...] = ()
    presentation: Presentation = Presentation()
    networks: NetworkChoice | Sequence[NetworkRequest] = "auto"


class CheckedRequest(msgspec.Struct, frozen=True):
    """A request that names only things that exist and fit each other."""

    asked: ServerRequest
    flavor: Flavor
    image: StoredImage | None
    zone: str | None
    force_host: str | None
    force_node: str | None
    devices: CheckedDevices | None
    interfaces: tuple[NetworkRequest, ...]

    @property
    def boots_from_volume(self) -> bool:
        """Whether the servers have no local root disk."""
        return self.devices is not None and self.devices.boots_from_volume

    @property
    def _image_properties(self) -> ImageProperties | None:
        if self.boots_from_volume and self.devices is not None:
            return self.devices.image
        image = self.image
        if image is None:
            return None
        return ImageProperties(image.id, image.min_disk, image.min_ram, image.properties)

    def spec(self, context: RequestContext, instance_uuid: str) -> RequestSpec:
        """Return what one of the servers needs of a host."""
        return RequestSpec(
            instance_uuid=instance_uuid,
            project_id=context.project_id,
            user_id=context.user_id,
            flavor=self.flavor,
            image=self._image_properties,
            availability_zone=self.zone,
            force_host=self.force_host,
            force_node=self.force_node,
            requested_host=self.asked.host,
            scheduler_hints={
                key: (value,) if isinstance(value, str) else tuple(value)
                for key, value in self.asked.hints.items()
            },
            group_uuid=self.asked.group,
            boots_from_volume=self.boots_from_volume,
        )


def check_request(
    context: RequestContext, rig: Surroundings, asked: ServerRequest
) -> CheckedRequest:
    """Check a request against what exists.

    Raises:
        Invalid: names the argument, what was given and what it takes.
        NotFound: a flavor, image, volume, host, zone or group does not exist.
        Forbidden: somebody who is no administrator names a host.
        Conflict: there are several networks, and none is chosen.
    """
    _check_texts(asked)
    flavor = rig.api.flavors.get(asked.flavor)
    validate_extra_specs(flavor.extra_specs)
    image = None if asked.image is None else rig.images.find(context, asked.image)
    wanted = asked.block_devices
    if image is not None:
        check_image_fits(image, flavor)
        image, wanted = with_disks_of(image, wanted)
    devices = _check_devices(context, rig, wanted, flavor, image, asked.count)
    zone, force_host, force_node = _split_zone(asked.zone)
    if zone is not None and zone not in zones_of(rig.api.aggregates.all()):
        known = ", ".join(sorted(zones_of(rig.api.aggregates.all())))
        raise Invalid(f"availability zone {zone!r} does not exist; there are: {known}")
    for host in (force_host, asked.host):
        if host is not None:
            check_admin(context, "choose a host")
            rig.api.mappings.cell_of_host(host)
    if asked.group is not None:
        find_group(context, rig, asked.group)
    interfaces = wanted_interfaces(context, rig, asked.networks, asked.count)
    return CheckedRequest(asked, flavor, image, zone, force_host, force_node, devices, interfaces)


def _check_devices(
    context: RequestContext,
    rig: Surroundings,
    wanted: tuple[BlockDevice, ...],
    flavor: Flavor,
    image: StoredImage | None,
    count: int,
) -> CheckedDevices | None:
    if wanted:
        return check_block_devices(context, rig, wanted, flavor, image, count)
    if image is None:
        raise Invalid("a server takes an image, or a volume with boot_index 0 to boot from")
    return None


def find_group(context: RequestContext, rig: Surroundings, group_uuid: str) -> ServerGroup:
    """Return a server group with its members.

    Raises:
        NotFound: there is none, or it is another project's.
    """
    group = rig.api.server_groups.get(group_uuid)
    if not may_see(context, group.project_id):
        raise NotFound("server group", group_uuid)
    return group


def check_image_fits(image: StoredImage, flavor: Flavor) -> None:
    """Check that a server of `flavor` can boot from `image`.

    Raises:
        Invalid: the image is not active, or needs more memory or disk than the flavor has.
    """
    if image.status != "active":
        raise Invalid(f"image {image.name!r} is {image.status}; a server boots from an active one")
    if image.min_ram > flavor.memory_mb:
        raise Invalid(
            f"image {image.name!r} needs {image.min_ram} MiB of memory; "
            f"flavor {flavor.name!r} has {flavor.memory_mb}"
        )
    if flavor.root_gb and image.min_disk > flavor.root_gb:
        raise Invalid(
            f"image {image.name!r} needs a root disk of {image.min_disk} GiB; "
            f"flavor {flavor.name!r} has {flavor.root_gb}"
        )


def check_name(name: str) -> None:
    """Check a server's name.

    Raises:
        Invalid: it is empty or too long.
    """
    if not 0 < len(name) <= MAX_LENGTH:
        raise Invalid(f"a server's name has 1 to {MAX_LENGTH} characters, not {len(name)}")


def check_tags(tags: tuple[str, ...]) -> None:
    """Check a server's tags (microversion 2.26: at most 50, of 60 characters, no ``/`` or ``,``).

    Raises:
        Invalid: names the tag.
    """
    if len(tags) > MAX_TAGS:
        raise Invalid(f"a server takes at most {MAX_TAGS} tags; {len(tags)} were given")
    for tag in tags:
        if not 0 < len(tag) <= MAX_TAG_LENGTH or "/" in tag or "," in tag:
            raise Invalid(
                f"tag {tag!r}: a tag has 1 to {MAX_TAG_LENGTH} characters and no '/' or ','"
            )


def check_metadata(metadata: Mapping[str, str]) -> None:
    """Check key-value metadata: strings, keys of 1 to 255 characters, values of at most 255.

    Raises:
        Invalid: names the key.
    """
    for key, value in metadata.items():
        if not isinstance(value, str):
            raise Invalid(f"metadata {key!r} takes a string; it was given {value!r}")
        if not 0 < len(key) <= MAX_LENGTH or len(value) > MAX_LENGTH:
            raise Invalid(f"metadata {key!r}: key and value have at most {MAX_LENGTH} characters")


def zones_of(aggregates: list[Aggregate]) -> set[str]:
    """Return the availability zones that there are."""
    named = {
        a.metadata["availability_zone"] for a in aggregates if "availability_zone" in a.metadata
    }
    return named | {DEFAULT_ZONE}


def _check_texts(asked: ServerRequest) -> None:
    if not isinstance(asked.count, int) or asked.count < 1:
        raise Invalid(f"count takes a number from 1 on; it was given {asked.count!r}")
    check_name(asked.name)
    check_tags(asked.tags)
    check_metadata(asked.metadata)


def _split_zone(zone: str | None) -> tuple[str | None, str | None, str | None]:
    if zone is None or ":" not in zone:
        return zone, None, None
    parts = zone.split(":")
    if len(parts) > 3:
        raise Invalid(f"availability zone {zone!r}: takes zone, zone:host or zone:host:node")
    name, host, node = (*parts, "")[:3]
    return name or None, host or None, node or None

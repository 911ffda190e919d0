"""``rig.flavors``, ``rig.images``, ``rig.server_groups``: what servers are made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from cellrig.client.requests import Caller
from cellrig.compute.api import Flavors, ServerGroups
from cellrig.context import RequestContext
from cellrig.image import ImageClient as ImageApi
from cellrig.image import ImageQuery, StoredImage, Visibility
from cellrig.model import Flavor, ServerGroup


class FlavorClient:
    """Flavors."""

    def __init__(self, call: Caller, flavors: Flavors) -> None:
        self._call = call
        self._flavors = flavors

    def create(
        self,
        name: str,
        *,
        id: str | None = None,  # noqa: A002 - the field's word
        vcpus: int = 1,
        memory_mb: int = 512,
        root_gb: int = 1,
        ephemeral_gb: int = 0,
        swap_mb: int = 0,
        extra_specs: Mapping[str, str] | None = None,
    ) -> Flavor:
        """Add a flavor; its id is its name unless one is given. Sizes as in `Flavor`."""
        flavor = Flavor(
            id or name,
            name,
            vcpus=vcpus,
            memory_mb=memory_mb,
            root_gb=root_gb,
            ephemeral_gb=ephemeral_gb,
            swap_mb=swap_mb,
            extra_specs=dict(extra_specs or {}),
        )
        return self._call(lambda c: self._flavors.create(c, flavor), "create flavor")

    def show(self, flavor: str) -> Flavor:
        """Return a flavor by id or name."""
        return self._call(lambda c: self._flavors.show(c, flavor), "show flavor")

    def list(self) -> Sequence[Flavor]:
        """Return all flavors, by name."""
        return self._call(self._flavors.all, "list flavors")

    def set_extra_specs(self, flavor: str, extra_specs: Mapping[str, str]) -> Flavor:
        """Replace a flavor's extra specs."""
        return self._call(
            lambda c: self._flavors.set_extra_specs(c, flavor, extra_specs), "change flavor"
        )

    def delete(self, flavor: str) -> None:
        """Delete a flavor."""
        self._call(lambda c: self._flavors.delete(c, flavor), "delete flavor")


class ImageClient:
    """Images."""

    def __init__(self, call: Caller, images: ImageApi) -> None:
        self._call = call
        self._images = images

    def create(
        self,
        name: str,
        *,
        id: str,  # noqa: A002 - the field's word
        disk_format: str = "qcow2",
        size: int = 0,
        min_disk: int = 0,
        min_ram: int = 0,
        properties: Mapping[str, str] | None = None,
        visibility: str = Visibility.PUBLIC,
        data: bytes | None = None,
    ) -> StoredImage:
        """Add an image that is active at once.

        Args:
            name, id, disk_format, min_disk, min_ram, properties: as in `StoredImage`.
            size: bytes that it is said to have; for one without data.
            visibility: whom it can be seen by.
            data: what is in it; None for an image of which nobody keeps data.

        Raises:
            Forbidden: a public one, where somebody else than an administrator adds it.
        """
        image = StoredImage(
            id,
            name,
            disk_format=disk_format,
            size=size,
            min_disk=min_disk,
            min_ram=min_ram,
            properties=dict(properties or {}),
            visibility=visibility,
        )

        def create(context: RequestContext) -> StoredImage:
            self._images.add(context, image)
            if data is None:
                self._images.finish(id, "active", size)
            else:
                self._images.upload(context, id, [data])
            return self._images.show(context, id)

        return self._call(create, "create image")

    def show(self, image: str) -> StoredImage:
        """Return an image by id or name."""
        return self._call(lambda context: self._images.find(context, image), "show image")

    def list(self) -> Sequence[StoredImage]:
        """Return all images that are seen, by name."""
        query = ImageQuery(
            visibility="all", member_status="all", sort=[("name", "asc"), ("id", "asc")]
        )
        return self._call(lambda context: self._images.page(context, query), "list images")

    def delete(self, image: str) -> None:
        """Delete an image."""
        self._call(lambda context: self._images.remove(context, image), "delete image")


class ServerGroupClient:
    """Server groups."""

    def __init__(self, call: Caller, groups: ServerGroups) -> None:
        self._call = call
        self._groups = groups

    def create(self, name: str, policy: str, rules: Mapping[str, int] | None = None) -> ServerGroup:
        """Add a server group; see `ServerGroup` for policies and rules."""
        return self._call(
            lambda c: self._groups.create(c, name, policy, rules), "create server group"
        )

    def show(self, group: ServerGroup | str) -> ServerGroup:
        """Return a server group with its members."""
        uuid = group if isinstance(group, str) else group.uuid
        return self._call(lambda c: self._groups.show(c, uuid), "show server group")

    def list(self) -> Sequence[ServerGroup]:
        """Return all server groups."""
        return self._call(self._groups.all, "list server groups")

    def delete(self, group: ServerGroup | str) -> None:
        """Delete a server group; its members live on."""
        uuid = group if isinstance(group, str) else group.uuid
        self._call(lambda c: self._groups.delete(c, uuid), "delete server group")

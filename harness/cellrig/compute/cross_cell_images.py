"""The image by which a server's disk travels from one cell to another.

It has the uuid of its migration, so whoever goes on with the move, or ends it, knows it.
"""

from __future__ import annotations

from cellrig.compute.arrivals import Arrivals
from cellrig.compute.guests import guest_of, image_of
from cellrig.compute.host import ComputeHost
from cellrig.errors import Conflict
from cellrig.image import StoredImage
from cellrig.model import Instance, Migration, VmState

#: The image's property that tells it from a user's snapshots: the uuid of its migration.
MIGRATION = "cross_cell_migration"


def put_in_image(host: ComputeHost, instance: Instance, migration: Migration) -> None:
    """Make the image of a guest's root disk; it is made anew where it has been begun."""
    image = StoredImage(
        id=migration.uuid,
        name=f"{instance.name}-cross-cell",
        status="queued",
        properties={
            "image_type": "snapshot",
            "instance_uuid": instance.uuid,
            MIGRATION: migration.uuid,
        },
        owner=instance.project_id,
    )
    try:
        host.images.create(image)
    except Conflict as error:
        host.seams.handled(error, "it has been begun already")
    made = host.driver.snapshot(guest_of(instance), image.id)
    host.images.finish(image.id, "active", made.size)


def spawn_from_image(
    host: ComputeHost, instance: Instance, migration: Migration, arrival: Arrivals.Arrival
) -> None:
    """Define a guest anew from the image of its disk, or from its volume."""
    image = None if instance.boots_from_volume else image_of(host.images.get(migration.uuid))
    guest = guest_of(instance)
    host.driver.spawn(guest, image, arrival.disks, arrival.devices)
    if migration.old_vm_state == VmState.STOPPED:
        host.driver.power_off(guest)

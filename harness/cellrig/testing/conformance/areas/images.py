"""Images: what guests boot from, what is made of them, what is fetched ahead."""

from __future__ import annotations

from typing import ClassVar

from cellrig.driver import BuildAbort, Image, PowerState
from cellrig.testing.conformance.areas.capability import Refused
from cellrig.testing.conformance.case import Area, undeclared
from cellrig.testing.conformance.checking import check, equal
from cellrig.testing.conformance.lab import TIMES, Lab
from cellrig.testing.conformance.refusal import refuses_the_user


class Images(Area):
    """Guests boot from images of the formats that everybody has."""

    name: ClassVar[str] = "images"

    def test_a_guest_boots_from_a_raw_image(self, lab: Lab) -> None:
        """And runs."""
        self._boots(lab, "raw")

    def test_a_guest_boots_from_a_qcow2_image(self, lab: Lab) -> None:
        """And runs."""
        self._boots(lab, "qcow2")

    def _boots(self, lab: Lab, disk_format: str) -> None:
        server = lab.server(image=lab.image(disk_format).id)
        equal(lab.info(server).power_state, PowerState.RUNNING, "the power state")

    def test_the_bus_that_an_image_asks_for_is_given(self, lab: Lab) -> None:
        """``hw_disk_bus`` of the image's properties."""
        server = lab.server(image=lab.image("qcow2", hw_disk_bus="virtio").id)
        equal({disk.bus for disk in lab.info(server).disks}, {"virtio"}, "the bus of its disks")

    def test_an_image_of_no_known_format_ends_the_build(self, lab: Lab) -> None:
        """With `BuildAbort`: no other host is tried, and no guest is left."""
        guest = lab.stranger()
        image = Image(id=lab.rig.new_uuid(), format="papyrus")
        lab.refused(BuildAbort, lab.first, "spawn", guest, image, [], [])
        check(guest.uuid not in lab.uuids(lab.first), "the guest is there all the same")
        server = lab.try_server(image=lab.image("papyrus").id)
        equal(server.status, "ERROR", "the status")
        equal(lab.whereabouts(server.id), (), "the hosts that have the guest")


class Snapshot(Refused):
    """An image is made of a guest's root disk."""

    name: ClassVar[str] = "snapshot"
    capability: ClassVar[str | None] = "snapshot"

    def test_an_image_is_made_and_the_guest_runs_on(self, lab: Lab) -> None:
        """The image is active, and has a format and a size."""
        server = lab.server()
        before = lab.info(server)
        made = lab.rig.servers.create_image(server, "snapshot")
        image = lab.rig.images.show(made.id)
        equal(str(image.status), "active", "the image's status")
        equal(lab.info(server), before, "the guest")
        check(image.min_disk <= 1, f"a disk of 1 GiB became an image that needs {image.min_disk}")
        again = lab.server(image=made.id)
        equal(lab.info(again).power_state, PowerState.RUNNING, "a guest of the image")

    def test_an_image_is_made_of_a_guest_that_is_shut_down(self, lab: Lab) -> None:
        """And it stays so."""
        server = lab.server()
        lab.rig.servers.stop(server)
        made = lab.rig.servers.create_image(server, "snapshot")
        equal(str(lab.rig.images.show(made.id).status), "active", "the image's status")
        equal(lab.info(server).power_state, PowerState.SHUTDOWN, "the power state")

    @undeclared
    def test_no_image_is_made_while_undeclared(self, lab: Lab) -> None:
        """None can be booted from, and the server is as it was."""
        before = _active(lab)
        refuses_the_user(lab, lambda server: lab.rig.servers.create_image(server, "snapshot"))
        equal(_active(lab), before, "the active images")


class ImageCache(Refused):
    """Images are fetched ahead of the first guest that boots from them."""

    name: ClassVar[str] = "image_cache"
    capability: ClassVar[str | None] = "image_cache"

    def test_an_image_is_fetched_once(self, lab: Lab) -> None:
        """The second time it is there already."""
        stored = lab.image("qcow2")
        image = Image(id=stored.id, name=stored.name)
        fetched = [lab.call(lab.first, "cache_image", image) for _time in range(TIMES)]
        equal(fetched, [True, *[False] * (TIMES - 1)], "whether each call fetched it")

    def test_an_image_that_a_guest_has_booted_from_is_there(self, lab: Lab) -> None:
        """It need not be fetched again."""
        stored = lab.image("qcow2")
        lab.server(image=stored.id)
        image = Image(id=stored.id, name=stored.name)
        equal(lab.call(lab.first, "cache_image", image), False, "whether it was fetched")


def _active(lab: Lab) -> list[str]:
    return [image.id for image in lab.rig.images.list() if str(image.status) == "active"]

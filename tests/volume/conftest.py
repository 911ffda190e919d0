"""A block storage of its own for each test, on a virtual runtime, with seams that can be told."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar
from uuid import UUID

import pytest

from cellrig.context import RequestContext
from cellrig.db.database import Database
from cellrig.driver.reports import Connector
from cellrig.errors import CellrigError
from cellrig.hooks import hookimpl, plugin_manager
from cellrig.image import ImageFiles, ImageService, StoredImage, image_database
from cellrig.runtime import TaskKilled
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Passage, Process, Seams
from cellrig.topology import StorageBackend, Topology
from cellrig.volume.service import BlockStorage
from cellrig.volume.starting import StorageRequest, start_block_storage
from cellrig.volume.tables import volume_database
from cellrig.volume.types import Attachment, AttachMode, Volume, VolumeRequest, VolumeStatus

T = TypeVar("T")


class Listener:
    """Notes every seam that is passed; fails or crashes at one when told to."""

    def __init__(self) -> None:
        self.passed: list[str] = []
        self.handled: list[str] = []
        self.at: dict[str, Callable[[], BaseException]] = {}

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        self.passed.append(passage.seam)
        if passage.seam in self.at:
            raise self.at[passage.seam]()

    @hookimpl
    def cellrig_error_handled(self, error: BaseException, because: str) -> None:
        self.handled.append(because)


class Compute:
    """Stands for compute: notes what block storage asks of it, and does what it is told to."""

    def __init__(self) -> None:
        self.extended: list[tuple[str, str]] = []
        self.swapped: list[tuple[str, str, str]] = []
        self.used: dict[tuple[str, str], str] = {}
        self.fails = False

    def volume_extended(self, context: RequestContext, instance_uuid: str, volume_id: str) -> None:
        self.extended.append((instance_uuid, volume_id))
        self._fail()

    def swap_volume(
        self, context: RequestContext, instance_uuid: str, old_volume_id: str, new_volume_id: str
    ) -> None:
        self.swapped.append((instance_uuid, old_volume_id, new_volume_id))
        self._fail()

    def attachment_in_use(
        self, context: RequestContext, instance_uuid: str, volume_id: str
    ) -> str | None:
        self._fail()
        return self.used.get((instance_uuid, volume_id))

    def _fail(self) -> None:
        if self.fails:
            raise CellrigError("compute cannot")


class Room:
    """Block storage over real parts; every call runs as a task."""

    admin = RequestContext("req-1", "admin", "admin", is_admin=True)
    alice = RequestContext("req-2", "alice", "wonderland", is_admin=False)
    bob = RequestContext("req-3", "bob", "builders", is_admin=False)
    image = "00000000-0000-4000-8000-000000000001"

    def __init__(
        self,
        *backends: StorageBackend,
        directory: Path | None = None,
        seed: int | None = None,
    ) -> None:
        topology = Topology(volume_backends=backends or (StorageBackend("fake"),))
        self.failures: list[BaseException] = []
        self.runtime = VirtualRuntime(seed, lambda _task, error: self.failures.append(error))
        self.listener = Listener()
        self.plugins = plugin_manager()
        self.plugins.register(self.listener)
        self.seams = Seams(self.runtime, self.plugins)
        self.images = ImageService(
            Database("images", image_database(), self.runtime),
            ImageFiles(lambda: make_directory("images")),
        )
        self.images.create(
            StoredImage(
                self.image, "cirros", size=3 * 2**30, min_disk=2, min_ram=64, disk_format="raw"
            )
        )
        self._counted = itertools.count(100)
        self.database = Database("volumes", volume_database(), self.runtime)

        def make_directory(name: str) -> Path:
            assert directory is not None
            path = directory / name
            path.mkdir()
            return path

        self.service: BlockStorage = start_block_storage(
            self.database,
            StorageRequest(topology.volume_backends, topology.volume_types, make_directory),
            self.images,
            self.runtime,
            self.seams,
            self.new_uuid,
        )
        self.compute = Compute()
        self.service.notify = self.compute

    def new_uuid(self) -> str:
        return str(UUID(int=next(self._counted)))

    def run(self, function: Callable[[], T]) -> T:
        return self.runtime.run(function, name="test")

    def crash_in(self, function: Callable[[BlockStorage], object]) -> None:
        """Run `function` as a process that dies where the listener says so."""
        process = Process("compute", host="somewhere")
        service = self.service.serving(process)
        task = self.runtime.spawn(lambda: function(service), name="doomed", owner=process)
        self.runtime.settle()
        assert task.done

    # -- short ways ----------------------------------------------------------------------------

    def volume(self, context: RequestContext = admin, **request: object) -> Volume:
        asked = VolumeRequest(**{"size": 1, **request})  # type: ignore[arg-type]
        return self.run(lambda: self.service.volume_create(context, asked))

    def show(self, volume: Volume | str) -> Volume:
        uuid = volume if isinstance(volume, str) else volume.id
        return self.run(lambda: self.service.volume_get(self.admin, uuid))

    def status(self, volume: Volume | str) -> VolumeStatus:
        return self.show(volume).status

    def attach(self, volume: Volume, server: str | None, mode: AttachMode | None = None) -> str:
        made = self.run(
            lambda: self.service.attachment_create(self.admin, volume.id, server, mode=mode)
        )
        return made.id

    def connect(self, attachment: str, host: str) -> Attachment:
        return self.run(
            lambda: self.service.attachment_update(self.admin, attachment, Connector(host=host))
        )

    def complete(self, attachment: str) -> None:
        self.run(lambda: self.service.attachment_complete(self.admin, attachment))

    def attached(self, volume: Volume, server: str, host: str) -> str:
        attachment = self.attach(volume, server)
        self.connect(attachment, host)
        self.complete(attachment)
        return attachment

    def detach(self, attachment: str) -> None:
        self.run(lambda: self.service.attachment_delete(self.admin, attachment))

    def attachment(self, attachment: str) -> Attachment:
        return self.run(lambda: self.service.attachment_get(self.admin, attachment))

    def attachments(self, volume: Volume | str) -> list[Attachment]:
        uuid = volume if isinstance(volume, str) else volume.id
        return list(
            self.run(
                lambda: self.service.attachment_list(self.admin, volume_id=uuid, all_projects=True)
            )
        )

    def calls(self, method: str) -> int:
        """How often a backend's method has been called."""
        return self.listener.passed.count(f"volume_backend.{method}")

    def fail(self, method: str, error: Callable[[], BaseException] | None = None) -> None:
        """Let every call of a backend's method fail from now on."""
        self.listener.at[f"volume_backend.{method}"] = error or (
            lambda: OSError("the disk is on fire")
        )

    def crash(self, method: str) -> None:
        self.fail(method, TaskKilled)

    def heal(self) -> None:
        self.listener.at.clear()

    def close(self) -> None:
        self.service.close()
        self.runtime.close()


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.close()


@pytest.fixture
def rooms() -> Iterator[Callable[..., Room]]:
    """Make rooms with the backends that a test names; the arguments are those of `Room`."""
    made: list[Room] = []

    def make(*backends: StorageBackend, **more: Any) -> Room:
        made.append(Room(*backends, **more))
        return made[-1]

    yield make
    for each in made:
        each.close()

"""One host's connections to targets that volumes share, in five hundred interleavings."""

from __future__ import annotations

from collections import Counter, defaultdict
from random import Random

import pytest
from seeds import seeds

from cellrig import Cell, Rig, Topology
from cellrig.errors import CellrigError
from cellrig.hooks import hookimpl
from cellrig.seams import Passage
from cellrig.topology import StorageBackend
from cellrig_fake import FakeDriver

SHARED, APART = "shared", "apart"
TARGET = "iqn.2018-02.org.example:everything"

#: Connecting and disconnecting take a while, so that two of them can meet.
ONE_HOST = Topology(
    cells=[Cell("cell1", 1)],
    options={"latencies": {"connect_volume": 1, "disconnect_volume": 1}},
    volume_backends=(
        StorageBackend(SHARED, options={"shared_targets": True, "target": TARGET}),
        StorageBackend(APART),
    ),
    volume_types={name: {"volume_backend_name": name} for name in (SHARED, APART)},
)
HOST = "cell1-host1"
SEEDS_IN_A_TEST = 50

#: The backend of each volume, and whether several servers can have it.
_VOLUMES = ((SHARED, True), (SHARED, False), (SHARED, False), (APART, True), (APART, False))


class Sections:
    """Sees the host enter and leave the sections in which it connects and disconnects volumes.

    One begins with the update of an attachment and ends with its completion, or begins with taking
    the disk from the guest (or the guest with all its disks) and ends with the deletion of the
    attachment.

    Args:
        rig: where; volumes are looked up there.

    Attributes:
        meetings: by backend, how often a server's section began while another's went on.
        lost: volumes that were connected while the host had no session with their target.
    """

    def __init__(self, rig: Rig) -> None:
        self.meetings: Counter[str] = Counter()
        self.lost: list[str] = []
        self._rig = rig
        self._backends: dict[str, str] = {}
        self._uses: dict[str, tuple[str, str]] = {}
        self._inside: dict[str, list[tuple[str, str]]] = defaultdict(list)

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        """Note the beginning of a section."""
        if passage.seam == "volume.attachment_update":
            self._begin(passage.args[1])
        elif passage.seam == "driver.detach_volume":
            guest, disk = passage.args
            self._begin_of(guest.uuid, {disk.serial})
        elif passage.seam == "driver.destroy":
            guest, disks = passage.args
            self._begin_of(guest.uuid, {disk.serial for disk in disks})

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        """Note the end of a section; see what the host is connected to."""
        if passage.seam == "volume.attachment_create" and passage.error is None:
            made = passage.result
            self._uses[made.id] = (made.instance_uuid, made.volume_id)
        elif passage.seam in ("volume.attachment_complete", "volume.attachment_delete"):
            self._end(passage.args[1])
            if passage.seam == "volume.attachment_delete":
                self._uses.pop(passage.args[1], None)
        elif passage.seam.startswith("driver."):
            self._look()

    def know(self, volume_id: str, backend: str) -> str:
        """Remember where a volume is; return its id."""
        self._backends[volume_id] = backend
        return volume_id

    def _begin_of(self, server: str, volumes: set[str | None]) -> None:
        for attachment_id, (of_server, volume) in list(self._uses.items()):
            if of_server == server and volume in volumes:
                self._begin(attachment_id)

    def _begin(self, attachment_id: str) -> None:
        server, volume = self._uses[attachment_id]
        inside = self._inside[self._backends[volume]]
        if any(other != server for other, _attachment in inside):
            self.meetings[self._backends[volume]] += 1
        inside.append((server, attachment_id))

    def _end(self, attachment_id: str) -> None:
        for backend, inside in self._inside.items():
            self._inside[backend] = [each for each in inside if each[1] != attachment_id]

    def _look(self) -> None:
        connections = fake_driver(self._rig).volume_connections()
        self.lost += [
            volume.volume_id
            for volume in connections.volumes
            if volume.target not in connections.sessions
        ]


def fake_driver(rig: Rig) -> FakeDriver:
    driver = rig.driver(HOST)
    assert isinstance(driver, FakeDriver)
    return driver


def play(rig: Rig, server: str, volumes: list[str], draw: Random) -> None:
    """Attach and detach what the dice say, at their moments; some servers are deleted at last."""
    attached: set[str] = set()
    for _change in range(4):
        volume = draw.choice(volumes)
        change = rig.servers.detach_volume if volume in attached else rig.servers.attach_volume
        try:
            change(server, volume)
            attached ^= {volume}
        except CellrigError as error:
            rig.seams.handled(error, "another server has it, or it is still on its way")
        rig.runtime.sleep(draw.choice((0, 1, 2)))
    if draw.random() < 0.5:
        rig.servers.delete(server)


def interleave(seed: int) -> tuple[Rig, Sections]:
    """Return a rig in which three servers' volumes came and went at the same time."""
    rig = Rig(ONE_HOST, seed=seed, plugins=["audit"]).start()
    sections = Sections(rig)
    volumes = [
        sections.know(rig.volumes.create(type=backend, multiattach=multiattach).id, backend)
        for backend, multiattach in _VOLUMES
    ]
    servers = rig.servers.create(count=3)
    rig.plugins.register(sections)
    rig.concurrently(
        *(
            lambda server=server: play(rig, server.id, volumes, Random(f"{seed}/{server.name}"))
            for server in servers
        )
    )
    rig.settle()
    rig.plugins.unregister(sections)
    return rig, sections


def check_connections(rig: Rig) -> None:
    """The host is connected to what its servers have, over sessions with just those targets."""
    servers = rig.servers.list()
    assert [server.fault for server in servers] == [None] * len(servers), f"seed {rig.seed}"
    wanted = {
        (mapping.volume_id, server.id)
        for server in servers
        for mapping in rig.servers.volumes(server)
    }
    connections = fake_driver(rig).volume_connections()
    connected = {(each.volume_id, guest) for each in connections.volumes for guest in each.guests}
    assert connected == wanted, f"seed {rig.seed}"
    assert set(connections.sessions) == {each.target for each in connections.volumes}


@pytest.mark.parametrize("some", seeds(500, SEEDS_IN_A_TEST), ids=str)
def test_connecting_and_disconnecting_a_shared_target_never_overlap_on_a_host(some: range) -> None:
    meetings: Counter[str] = Counter()
    for seed in some:
        rig, sections = interleave(seed)
        assert sections.lost == [], f"seed {seed}"
        assert sections.meetings[SHARED] == 0, f"seed {seed}"
        check_connections(rig)
        meetings += sections.meetings
        rig.stop()
    # Where targets are not shared there is no lock, and they do meet.
    assert meetings[APART] > 0

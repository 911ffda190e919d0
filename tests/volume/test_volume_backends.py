"""The backends that keep data, and how drivers of backends are found."""

from __future__ import annotations

import logging
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from cellrig.image import StoredImage
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.topology import StorageBackend
from cellrig.volume.backends.fake import FakeBackend
from cellrig.volume.backends.files import NameRefused, VolumeFiles, copy_sparse
from cellrig.volume.backends.interface import BackendContext, VolumeBackend
from cellrig.volume.backends.loading import backend_class, check_backend, load_backend
from cellrig.volume.backends.nbd_server import NbdServer, ServerFailed
from cellrig.volume.errors import InvalidBackendDriver, ToolMissing
from cellrig.volume.types import AttachMode, Volume, VolumeStatus

if TYPE_CHECKING:
    from tests.volume.conftest import Room

GIB = 2**30
HAS_NBD = shutil.which("qemu-nbd") and shutil.which("qemu-io")
needs_qemu = pytest.mark.skipif(
    not HAS_NBD, reason="qemu-nbd and qemu-io are not installed (Debian: qemu-utils)"
)


def device(room: Room, volume: Volume) -> Path:
    """Return the file of a volume, as a host gets it."""
    attachment = room.attach(volume, "server")
    info = room.connect(attachment, "host").connection_info
    room.detach(attachment)
    assert info["driver_volume_type"] == "local"
    return Path(info["data"]["device_path"])


def beginning(path: Path, size: int) -> bytes:
    with path.open("rb") as file:
        return file.read(size)


@pytest.fixture
def room(rooms: Callable[..., Room], tmp_path: Path) -> Room:
    return rooms(
        StorageBackend("disk", "file"), StorageBackend("other", "file"), directory=tmp_path
    )


# -- files ---------------------------------------------------------------------------------------


def test_blank_volume_is_a_sparse_file_of_its_size(room: Room) -> None:
    path = device(room, room.volume(size=3))
    assert path.stat().st_size == 3 * GIB
    assert path.stat().st_blocks * 512 < 2**20


def test_copies_and_snapshots_hold_what_was_there_when_they_were_made(room: Room) -> None:
    volume = room.volume()
    path = device(room, volume)
    with path.open("r+b") as file:
        file.seek(GIB // 2)
        file.write(b"first")
    snapshot = room.run(lambda: room.service.snapshot_create(room.admin, volume.id))
    copy = room.volume(size=2, source_volume_id=volume.id)
    with path.open("r+b") as file:
        file.seek(GIB // 2)
        file.write(b"later")
    restored = room.volume(size=None, snapshot_id=snapshot.id)
    for each, size in ((copy, 2), (restored, 1)):
        made = device(room, each)
        assert made.stat().st_size == size * GIB
        assert made.stat().st_blocks * 512 < 2**20
        with made.open("rb") as file:
            file.seek(GIB // 2)
            assert file.read(5) == b"first"


def test_volume_grows_and_keeps_its_data_and_goes_with_its_file(room: Room) -> None:
    volume = room.volume()
    path = device(room, volume)
    with path.open("r+b") as file:
        file.write(b"data")
    room.run(lambda: room.service.volume_extend(room.admin, volume.id, 2))
    assert path.stat().st_size == 2 * GIB
    assert beginning(path, 4) == b"data"
    room.run(lambda: room.service.volume_delete(room.admin, volume.id))
    assert list(path.parent.iterdir()) == []


def test_migration_takes_the_data_along(room: Room) -> None:
    volume = room.volume()
    before = device(room, volume)
    with before.open("r+b") as file:
        file.write(b"data")
    target = "other" if volume.backend == "disk" else "disk"
    room.run(lambda: room.service.volume_migrate(room.admin, volume.id, target))
    after = device(room, volume)
    assert after.parent != before.parent
    assert beginning(after, 4) == b"data"
    assert not before.exists()


def test_half_made_volume_leaves_nothing(tmp_path: Path) -> None:
    files = VolumeFiles(lambda: tmp_path)

    def fail(_path: Path) -> None:
        raise OSError("no space")

    with pytest.raises(OSError, match="no space"):
        files.create("volume", 1, fail)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "volume.partial").write_bytes(b"of one who died")
    files.delete("volume")
    files.delete("volume")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "name", ["../etc/passwd", "/etc/passwd", "..", "", ".partial", "a/b", "a\n"]
)
def test_name_that_leads_out_of_the_directory_is_refused(tmp_path: Path, name: str) -> None:
    files = VolumeFiles(lambda: tmp_path / "inside")
    for call in (files.path, files.delete):
        with pytest.raises(NameRefused):
            call(name)


def test_sparse_copy_writes_what_is_there_and_grows_the_target(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    with source.open("wb") as file:
        file.write(b"head")
        file.seek(8 * 2**20)
        file.write(b"tail")
        file.truncate(16 * 2**20)
    target.write_bytes(b"")
    copy_sparse(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_blocks * 512 < 2**20


def unmade() -> Volume:
    """Return a volume as a backend is told to make it."""
    return Volume(
        id="v1",
        name="",
        description=None,
        size=1,
        status=VolumeStatus.CREATING,
        volume_type="default",
        multiattach=False,
        bootable=True,
        read_only=False,
        project_id="p",
        user_id="u",
        availability_zone="nova",
        backend="disk",
        backend_uuid="b",
        shared_targets=False,
    )


def test_raw_image_is_copied_and_any_other_is_converted(tmp_path: Path) -> None:
    context = BackendContext(
        name="disk",
        runtime=VirtualRuntime(),
        make_state_directory=lambda: tmp_path,
        new_uuid=lambda: "uuid",
        logger=logging.getLogger("test"),
    )
    backend, volume = load_backend("file", {}, context), unmade()
    data = tmp_path / "image"
    data.write_bytes(b"bootable" + bytes(2**20))
    location = backend.create_volume_from_image(
        volume, StoredImage("i", "raw", disk_format="raw"), data
    )
    made = tmp_path / location
    assert beginning(made, 8) == b"bootable"
    assert made.stat().st_size == GIB
    if not shutil.which("qemu-img"):
        pytest.skip("qemu-img is not installed (Debian: qemu-utils)")
    packed = tmp_path / "packed"
    run("qemu-img", "convert", "-f", "raw", "-O", "qcow2", str(data), str(packed))
    backend.delete_volume(volume)
    backend.create_volume_from_image(volume, StoredImage("i", "q", disk_format="qcow2"), packed)
    assert beginning(made, 8) == b"bootable"


# -- drivers of backends -------------------------------------------------------------------------


def test_backends_that_come_along_are_found() -> None:
    assert backend_class("fake") is FakeBackend
    assert backend_class("file").__name__ == "FileBackend"
    assert backend_class("nbd").__name__ == "NbdBackend"


def test_misfits_of_a_backend_are_told_one_by_one() -> None:
    class Half(FakeBackend):
        def extend_volume(self, volume: Volume) -> None:  # type: ignore[override]
            pass

    class Options(FakeBackend):
        Options = dict  # type: ignore[assignment]

    with pytest.raises(InvalidBackendDriver, match="is not a subclass of VolumeBackend"):
        check_backend("x", object())
    with pytest.raises(InvalidBackendDriver, match="extend_volume takes .self, volume., needed is"):
        check_backend("x", Half)
    with pytest.raises(InvalidBackendDriver, match="Options is .*takes a msgspec.Struct"):
        check_backend("x", Options)
    with pytest.raises(InvalidBackendDriver, match="method create_snapshot is missing"):
        check_backend("x", VolumeBackend)


# -- nbd -----------------------------------------------------------------------------------------


def run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - the test's own words
        command, capture_output=True, text=True, timeout=60, check=False
    )


def io(url: str, *commands: str, read_only: bool = False) -> subprocess.CompletedProcess[str]:
    given = [part for each in commands for part in ("-c", each)]
    return run("qemu-io", *(["-r"] if read_only else []), "-f", "raw", *given, url)


@pytest.fixture
def served(rooms: Callable[..., Room], tmp_path: Path) -> Iterator[Room]:
    yield rooms(StorageBackend("net", "nbd"), directory=tmp_path)


def test_missing_qemu_nbd_is_told_with_its_package(
    rooms: Callable[..., Room], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(ToolMissing, match="needs the program 'qemu-nbd': install .*qemu-utils"):
        rooms(StorageBackend("net", "nbd"))


@needs_qemu
def test_hosts_share_what_they_write(served: Room) -> None:
    volume = served.volume(multiattach=True)
    urls = [
        served.connect(served.attach(volume, "server"), host).connection_info["data"]["url"]
        for host in ("north", "south")
    ]
    assert urls[0] == urls[1]
    assert io(urls[0], "write -P 7 0 64k", "flush").returncode == 0
    assert "pattern" not in io(urls[1], "read -P 7 0 64k").stdout.lower()
    assert "verification failed" in io(urls[1], "read -P 8 0 64k").stdout
    assert "1 GiB" in run("qemu-img", "info", urls[1]).stdout


@needs_qemu
def test_reader_sees_what_is_written_and_cannot_write(served: Room) -> None:
    volume = served.volume(multiattach=True)
    writer, reader = (
        served.connect(served.attach(volume, "server", mode), "host").connection_info["data"]["url"]
        for mode in (AttachMode.READ_WRITE, AttachMode.READ_ONLY)
    )
    assert io(writer, "write -P 7 0 4k", "flush").returncode == 0
    assert io(reader, "read -P 7 0 4k", read_only=True).returncode == 0
    assert io(reader, "write -P 8 0 4k").returncode != 0


@needs_qemu
def test_volume_is_served_from_its_first_connection_to_its_last(served: Room) -> None:
    volume = served.volume(multiattach=True)
    attachments = [served.attached(volume, "server", host) for host in ("north", "south")]
    url = served.attachment(attachments[0]).connection_info["data"]["url"]
    served.detach(attachments[0])
    assert run("qemu-img", "info", url).returncode == 0
    served.detach(attachments[1])
    assert run("qemu-img", "info", url).returncode != 0


@needs_qemu
def test_nothing_is_served_when_the_rig_has_ended(served: Room) -> None:
    url = served.connect(served.attach(served.volume(), "s"), "h").connection_info["data"]["url"]
    served.service.close()
    assert run("qemu-img", "info", url).returncode != 0


@needs_qemu
def test_nothing_is_served_when_its_process_was_killed(tmp_path: Path) -> None:
    file = tmp_path / "disk"
    file.touch()
    os.truncate(file, 2**20)
    script = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from cellrig.volume.backends.nbd_server import NbdServer\n"
        f"server = NbdServer(Path({str(file)!r}), 'disk', '127.0.0.1', read_only=False)\n"
        "print(server.port, flush=True)\n"
        "time.sleep(600)\n"
    )
    victim = subprocess.Popen(  # noqa: S603 - the test's own words
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    url = f"nbd://127.0.0.1:{victim.stdout.readline().strip()}/disk"
    assert run("qemu-img", "info", url).returncode == 0
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    victim.stdout.close()
    gone = f"until ! qemu-img info {url} >/dev/null 2>&1; do :; done"
    assert run("/bin/sh", "-c", gone).returncode == 0


@needs_qemu
def test_file_that_cannot_be_served_is_told(tmp_path: Path) -> None:
    with pytest.raises(ServerFailed, match="No such file"):
        NbdServer(tmp_path / "nothing", "x", "127.0.0.1", read_only=False)


@needs_qemu
def test_file_whose_name_has_a_comma_is_served(tmp_path: Path) -> None:
    file = tmp_path / "a,b"
    file.touch()
    os.truncate(file, 2**20)
    server = NbdServer(file, "x", "127.0.0.1", read_only=True)
    assert "1 MiB" in run("qemu-img", "info", f"nbd://127.0.0.1:{server.port}/x").stdout
    server.close()
    server.close()

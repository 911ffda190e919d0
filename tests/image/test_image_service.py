"""The image service itself: its data, files that go with images, and what services ask of it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellrig import Cell, Rig, Topology
from cellrig.context import RequestContext
from cellrig.errors import Conflict, Forbidden, NotFound
from cellrig.image import ImageSource, StoredImage
from cellrig.image.data import SMALL
from cellrig.image.errors import ImageGone

ANN = RequestContext("req-1", "ann", "one", is_admin=False)
CAT = RequestContext("req-2", "cat", "two", is_admin=False)
LARGE = b"0123456789" * (SMALL // 5)


def add(rig: Rig, name: str = "image", **more: str) -> str:
    image = StoredImage(rig.new_uuid(), name, disk_format="raw", **more)  # type: ignore[arg-type]
    return rig.cloud.images.add(ANN, image).id


def content(rig: Rig, image_id: str) -> bytes | None:
    chunks = rig.cloud.images.data(ANN, image_id)
    return None if chunks is None else b"".join(chunks)


def files(rig: Rig) -> list[Path]:
    """Return the files of a rig's images; there is no directory before the first one."""
    directory = rig._sources.directory
    return [] if directory is None else sorted(directory.glob("images.data/*"))


def test_small_data_need_no_file_and_large_ones_go_with_their_image(rig: Rig) -> None:
    small, large = add(rig), add(rig)
    rig.cloud.images.upload(ANN, small, [b"x" * SMALL])
    assert files(rig) == []
    rig.cloud.images.upload(ANN, large, [LARGE])
    (path,) = files(rig)
    assert path.read_bytes() == LARGE
    assert path.stat().st_mode & 0o077 == 0
    rig.cloud.images.remove(ANN, large)
    assert files(rig) == []


def test_a_hole_of_an_image_takes_no_room(rig: Rig) -> None:
    image_id, hole = add(rig), 40 * 2**20
    rig.cloud.images.upload(ANN, image_id, [b"begin", *[bytes(2**20)] * 40])
    (path,) = files(rig)
    assert (path.stat().st_size, path.stat().st_blocks * 512 < 2**21) == (5 + hole, True)
    assert content(rig, image_id) == b"begin" + bytes(hole)


def test_the_files_of_a_rig_end_with_it() -> None:
    with Rig() as rig:
        rig.cloud.images.upload(ANN, add(rig), [LARGE])
        (path,) = files(rig)
    assert not path.exists()


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(parts=st.lists(st.binary(max_size=SMALL), max_size=4), data=st.data())
def test_any_part_of_any_data_is_what_was_brought(
    rig: Rig, parts: list[bytes], data: st.DataObject
) -> None:
    whole = b"".join(parts)
    image_id = add(rig)
    rig.cloud.images.upload(ANN, image_id, iter(parts), len(whole))
    start = data.draw(st.integers(0, len(whole)))
    length = data.draw(st.integers(0, len(whole) - start))
    chunks = rig.cloud.images.data(ANN, image_id, start, length)
    assert chunks is not None
    assert b"".join(chunks) == whole[start : start + length]
    rig.cloud.images.remove(ANN, image_id)


@pytest.mark.parametrize("size", [0, 3 * SMALL])
def test_data_that_break_off_leave_nothing(rig: Rig, size: int) -> None:
    def broken() -> Iterator[bytes]:
        yield b"x" * size
        raise ConnectionResetError("the client has gone")

    image_id = add(rig)
    with pytest.raises(ConnectionResetError):
        rig.cloud.images.upload(ANN, image_id, broken())
    assert rig.cloud.images.get(image_id).status == "queued"
    assert (files(rig), content(rig, image_id)) == ([], None)


def test_an_image_that_is_deleted_while_its_data_come_gets_none(rig: Rig) -> None:
    image_id = add(rig)

    def deleted_meanwhile() -> Iterator[bytes]:
        yield LARGE
        rig.cloud.images.remove(ANN, image_id)
        yield LARGE

    with pytest.raises(ImageGone):
        rig.cloud.images.upload(ANN, image_id, deleted_meanwhile())
    assert files(rig) == []
    with pytest.raises(NotFound):
        rig.cloud.images.get(image_id)


def test_an_image_that_takes_the_place_of_another_does_not_get_its_data(rig: Rig) -> None:
    image_id = add(rig)

    def replaced_meanwhile() -> Iterator[bytes]:
        yield LARGE
        rig.cloud.images.remove(ANN, image_id)
        rig.cloud.images.add(ANN, StoredImage(image_id, "another", disk_format="raw"))

    with pytest.raises(ImageGone):
        rig.cloud.images.upload(ANN, image_id, replaced_meanwhile())
    assert (rig.cloud.images.get(image_id).status, files(rig)) == ("queued", [])


def test_of_two_who_bring_data_one_does(rig: Rig) -> None:
    image_id = add(rig)

    def overtaken() -> Iterator[bytes]:
        yield b"first"
        with pytest.raises(Conflict, match="saving"):
            rig.cloud.images.upload(ANN, image_id, [b"second"])

    rig.cloud.images.upload(ANN, image_id, overtaken())
    assert content(rig, image_id) == b"first"


def test_what_is_being_read_is_read_to_its_end(rig: Rig) -> None:
    image_id = add(rig)
    rig.cloud.images.upload(ANN, image_id, [LARGE])
    chunks = rig.cloud.images.data(ANN, image_id)
    rig.cloud.images.remove(ANN, image_id)
    assert chunks is not None
    assert b"".join(chunks) == LARGE


def test_a_snapshot_of_the_rig_has_the_data_too(rig: Rig) -> None:
    images = rig.cloud.images
    small, large = add(rig), add(rig)
    images.upload(ANN, small, [b"small"])
    images.upload(ANN, large, [LARGE])
    before = rig.snapshot()
    images.remove(ANN, small)
    images.remove(ANN, large)
    images.upload(ANN, add(rig), [LARGE + b"other"])
    rig.restore(before)
    assert (content(rig, small), content(rig, large)) == (b"small", LARGE)
    assert len(files(rig)) == 1


def test_an_id_that_comes_again_after_a_restore_has_its_own_data(rig: Rig) -> None:
    images = rig.cloud.images
    empty = rig.snapshot()
    first = add(rig)
    images.upload(ANN, first, [LARGE])
    filled = rig.snapshot()
    rig.restore(empty)
    assert add(rig) == first
    images.upload(ANN, first, [LARGE[::-1]])
    assert content(rig, first) == LARGE[::-1]
    rig.restore(filled)
    assert content(rig, first) == LARGE


def test_a_service_gets_a_file_of_small_data_as_well(rig: Rig) -> None:
    image = rig.images.show("cirros")
    path = rig.cloud.images.file_of(image.id)
    assert path is not None
    assert path.read_bytes()[:4] == b"QFI\xfb"
    assert rig.cloud.images.file_of(image.id) == path
    assert rig.cloud.images.file_of(rig.images.create("none", id=rig.new_uuid()).id) is None
    rig.images.delete(image.id)
    assert not path.exists()


def test_a_service_fills_an_image_with_a_file_or_with_words_alone(rig: Rig, tmp_path: Path) -> None:
    made = tmp_path / "disk"
    made.write_bytes(LARGE)
    for source, data in (
        (ImageSource(disk_format="vmdk", size=1, min_disk=2, path=made), LARGE),
        (ImageSource(disk_format="vmdk", size=77, min_disk=2), None),
    ):
        image_id = add(rig)
        for _time in range(2):
            rig.cloud.images.fill(image_id, source)
        image = rig.cloud.images.get(image_id)
        assert (image.status, image.disk_format, image.min_disk) == ("active", "vmdk", 2)
        assert image.size == (77 if data is None else len(data))
        assert content(rig, image_id) == data
    assert made.exists()


def test_names_are_found_among_what_the_caller_sees(rig: Rig) -> None:
    images = rig.cloud.images
    mine = add(rig, "same", visibility="private")
    other = StoredImage(rig.new_uuid(), "same", visibility="private")
    images.add(CAT, other)
    assert images.find(ANN, "same").id == mine
    assert images.find(CAT, "same").id == other.id
    with pytest.raises(Conflict, match="2 images"):
        images.get("same")


def test_a_user_boots_only_from_images_that_the_project_sees(rig: Rig) -> None:
    ann, cat = rig.as_user("ann", "one"), rig.as_user("cat", "two")
    image = ann.images.create(
        "own", id=rig.new_uuid(), visibility="private", disk_format="raw", data=b"boot"
    )
    assert ann.servers.create(image="own").status == "ACTIVE"
    with pytest.raises(NotFound):
        cat.servers.create(image=image.id)
    with pytest.raises(NotFound):
        cat.volumes.create(image=image.id)
    with pytest.raises(Forbidden):
        ann.images.create("all", id=rig.new_uuid())


def test_the_snapshot_of_a_server_is_its_makers(rig: Rig) -> None:
    ann, cat = rig.as_user("ann", "one"), rig.as_user("cat", "two")
    server = ann.servers.create()
    made = ann.servers.create_image(server, "snapshot")
    image = ann.images.show(made.id)
    assert (image.owner, image.visibility, image.status) == ("one", "private", "active")
    with pytest.raises(NotFound):
        cat.images.show(made.id)


def test_calls_of_the_image_service_pass_seams(rig: Rig) -> None:
    with rig.faults.record() as passed:
        rig.images.create("seen", id=rig.new_uuid(), data=b"data")
    assert [each.seam for each in passed] == ["image.add", "image.upload", "image.show"]


def test_uploads_on_threads_do_not_meet() -> None:
    outcomes: dict[str, bytes | None] = {}
    with Rig(Topology(cells=[Cell("cell1", hosts=1)]), live=True) as rig:
        ids = {add(rig): bytes([number]) * (2 * SMALL + number) for number in range(8)}

        def bring(image_id: str, data: bytes) -> None:
            parts = (data[at : at + 999] for at in range(0, len(data), 999))
            rig.cloud.images.upload(ANN, image_id, parts, len(data))
            outcomes[image_id] = content(rig, image_id)

        threads = [threading.Thread(target=bring, args=each) for each in ids.items()]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert outcomes == ids

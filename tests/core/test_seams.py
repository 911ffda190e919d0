"""Seams: what passing one announces, and what a plugin may do there."""

from __future__ import annotations

import pytest

from cellrig.errors import CellrigError
from cellrig.hooks import hookimpl, plugin_manager
from cellrig.runtime import TaskKilled
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Passage, Process, Seams


class Disk:
    """A part that is called."""

    size = 10

    def __init__(self) -> None:
        self.written: list[str] = []

    def write(self, instance_uuid: str, text: str = "") -> int:
        if text == "bad":
            raise ValueError("bad text")
        self.written.append(f"{instance_uuid}:{text}")
        return len(text)


class Listener:
    """Notes what passes."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, str, object]] = []

    @hookimpl
    def cellrig_seam_enter(self, passage: Passage) -> None:
        self.seen.append(("enter", passage.seam, passage.server))

    @hookimpl
    def cellrig_seam_exit(self, passage: Passage) -> None:
        self.seen.append(("exit", passage.seam, passage.error or passage.result))


def build() -> tuple[VirtualRuntime, Seams, Disk, Disk, Process, Listener]:
    runtime, plugins, listener = VirtualRuntime(), plugin_manager(), Listener()
    plugins.register(listener)
    seams = Seams(runtime, plugins)
    disk, process = Disk(), Process("compute", host="h1", cell="c1")
    return runtime, seams, disk, seams.wrap("disk.", disk, process), process, listener


def test_passing_a_seam_announces_enter_and_exit_with_the_outcome() -> None:
    runtime, _seams, _disk, wrapped, _process, listener = build()
    assert runtime.run(lambda: wrapped.write("u1", text="abc"), name="t") == 3
    assert listener.seen == [("enter", "disk.write", "u1"), ("exit", "disk.write", 3)]


def test_an_error_is_announced_and_goes_on() -> None:
    runtime, _seams, _disk, wrapped, _process, listener = build()
    with pytest.raises(ValueError, match="bad text"):
        runtime.run(lambda: wrapped.write("u1", "bad"), name="t")
    assert isinstance(listener.seen[-1][2], ValueError)


def test_what_is_not_a_method_is_reached_directly() -> None:
    _runtime, _seams, _disk, wrapped, _process, listener = build()
    assert wrapped.size == 10
    assert listener.seen == []


def test_a_plugin_can_have_a_call_made_twice() -> None:
    runtime, seams, disk, wrapped, _process, _listener = build()

    class Twice:
        @hookimpl
        def cellrig_seam_enter(self, passage: Passage) -> None:
            passage.times = 2

    assert seams is not None
    listener_manager = plugin_manager()
    listener_manager.register(Twice())
    again = Seams(runtime, listener_manager).wrap("disk.", disk, Process("compute"))
    runtime.run(lambda: again.write("u1", "x"), name="t")
    assert disk.written == ["u1:x", "u1:x"]
    assert wrapped is not again


def test_a_crashed_process_gets_through_no_seam() -> None:
    runtime, _seams, disk, wrapped, process, _listener = build()
    process.crash()
    with pytest.raises(TaskKilled):
        runtime.run(lambda: wrapped.write("u1", "x"), name="t")
    assert disk.written == []
    assert process.label == "compute@h1"


def test_insisting_tries_again_after_a_while_and_gives_up_in_the_end() -> None:
    runtime, seams, _disk, _wrapped, _process, _listener = build()
    attempts: list[float] = []

    def flaky() -> str:
        attempts.append(runtime.now())
        if len(attempts) < 3:
            raise CellrigError("busy")
        return "done"

    assert runtime.run(lambda: seams.insist(flaky, "give back"), name="t") == "done"
    assert [round(at - attempts[0]) for at in attempts] == [0, 1, 3]

    def broken() -> None:
        raise CellrigError("gone")

    with pytest.raises(CellrigError, match="gone"):
        runtime.run(lambda: seams.insist(broken, "give back"), name="t")

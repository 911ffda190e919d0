"""Asking many cells at once: those that are down, late or broken are told apart and named."""

from __future__ import annotations

from cellrig.cells import Scatter
from cellrig.db import CellDatabase, Database
from cellrig.db.cell_tables import cell_image
from cellrig.errors import CellBroken, CellDown, CellLate
from cellrig.hooks import plugin_manager
from cellrig.runtime.virtual import VirtualRuntime
from cellrig.seams import Process, Seams


def build(names: tuple[str, ...]) -> tuple[VirtualRuntime, Scatter, dict[str, CellDatabase]]:
    runtime = VirtualRuntime()
    seams = Seams(runtime, plugin_manager())
    process = Process("api")
    cells = {
        name: CellDatabase(Database(name, cell_image(), runtime), runtime.now, seams, process)
        for name in names
    }
    return runtime, Scatter(runtime, seams, process, timeout=30), cells


def test_cells_that_are_down_late_or_broken_are_told_apart_and_named() -> None:
    runtime, scatter, cells = build(("up", "down", "late", "broken", "also-up"))
    down = Database("down", cell_image(), runtime)
    down.take_down("no route")

    def question(cell: CellDatabase) -> str:
        if cell.name == "down":
            with down.transaction():
                pass
        if cell.name == "late":
            runtime.sleep(3600)
        if cell.name == "broken":
            raise ZeroDivisionError("a bad page")
        return f"{cell.name} has {len(cell.instances.all())}"

    start = runtime.now()
    gathered = runtime.run(lambda: scatter.gather(cells, question), name="ask")
    assert gathered.answers == {"up": "up has 0", "also-up": "also-up has 0"}
    assert list(gathered.missing) == ["down", "late", "broken"]
    assert isinstance(gathered.missing["down"], CellDown)
    assert "no route" in str(gathered.missing["down"])
    assert isinstance(gathered.missing["late"], CellLate)
    assert "no answer within 30 s" in str(gathered.missing["late"])
    assert isinstance(gathered.missing["broken"], CellBroken)
    assert "ZeroDivisionError: a bad page" in str(gathered.missing["broken"])
    assert runtime.now() == start + 30, "the cells are asked at once, so one deadline passes"


def test_one_cell_alone_is_asked_without_a_task_of_its_own() -> None:
    runtime, scatter, cells = build(("only",))
    gathered = runtime.run(lambda: scatter.gather(cells, lambda cell: cell.name), name="ask")
    assert gathered.answers == {"only": "only"}


def test_the_answers_stand_in_the_order_of_the_cells_whoever_is_first() -> None:
    runtime, scatter, cells = build(("slow", "fast"))

    def question(cell: CellDatabase) -> str:
        runtime.sleep(10 if cell.name == "slow" else 1)
        return cell.name

    gathered = runtime.run(lambda: scatter.gather(cells, question), name="ask")
    assert list(gathered.answers) == ["slow", "fast"]

"""The virtual runtime: order, clock, deadlines, deadlocks, death."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable

import pytest

from cellrig.runtime import DeadlineExceeded, Deadlock, OpenTransaction, WrongThread
from cellrig.runtime.interface import Task
from cellrig.runtime.virtual import VirtualRuntime


class Owner:
    """A process that can be killed."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.crashed = False


def interleaving(seed: int | None) -> list[str]:
    runtime = VirtualRuntime(seed)
    seen: list[str] = []

    def work(name: str) -> Callable[[], None]:
        def steps() -> None:
            for step in range(3):
                seen.append(f"{name}{step}")
                runtime.switch("a seam")

        return steps

    for name in "abc":
        runtime.spawn(work(name), name=name)
    runtime.settle()
    return seen


def test_without_a_seed_tasks_run_first_in_first_out_until_they_wait() -> None:
    assert interleaving(None) == [f"{name}{step}" for name in "abc" for step in range(3)]


def test_the_same_seed_gives_the_same_order_and_seeds_differ() -> None:
    orders = {tuple(interleaving(seed)) for seed in range(20)}
    assert interleaving(7) == interleaving(7)
    assert len(orders) > 5


def test_a_ten_minute_sleep_moves_only_the_virtual_clock() -> None:
    runtime = VirtualRuntime()
    start = runtime.now()
    runtime.run(lambda: runtime.sleep(600), name="sleeper")
    assert runtime.now() == start + 600


def test_sleepers_wake_in_the_order_of_their_time() -> None:
    runtime = VirtualRuntime()
    woken: list[int] = []
    for seconds in (30, 10, 20):

        def sleeper(seconds: int = seconds) -> None:
            runtime.sleep(seconds)
            woken.append(seconds)

        runtime.spawn(sleeper, name=f"sleeper {seconds}")
    runtime.settle()
    assert woken == [10, 20, 30]


def test_a_deadline_ends_a_wait_and_names_what_did_not_happen() -> None:
    runtime = VirtualRuntime()

    def wait() -> None:
        with runtime.deadline(5, "the reply"):
            runtime.event("never").wait()

    with pytest.raises(DeadlineExceeded, match="the reply did not happen within 5 s"):
        runtime.run(wait, name="waiter")


def test_the_nearest_of_nested_deadlines_wins() -> None:
    runtime = VirtualRuntime()

    def wait() -> None:
        with runtime.deadline(50, "outer"), runtime.deadline(5, "inner"):
            runtime.event("never").wait()

    start = runtime.now()
    with pytest.raises(DeadlineExceeded, match="inner"):
        runtime.run(wait, name="waiter")
    assert runtime.now() == start + 5


def test_a_deadlock_report_says_who_waits_for_whom_and_where() -> None:
    runtime = VirtualRuntime()
    left, right = runtime.lock("left"), runtime.lock("right")

    def take_left_then_right() -> None:
        with left:
            runtime.sleep(1)
            with right:
                pass

    def take_right_then_left() -> None:
        with right:
            runtime.sleep(1)
            with left:
                pass

    runtime.spawn(take_left_then_right, name="one", owner=Owner("compute@h1"))
    runtime.spawn(take_right_then_left, name="two")
    with pytest.raises(Deadlock) as caught:
        runtime.settle()
    told = str(caught.value)
    assert "one of compute@h1 waits for lock 'right', held by two" in told
    assert "two waits for lock 'left', held by one" in told
    assert "test_virtual.py" in told and "take_left_then_right" in told


def test_a_lock_goes_to_the_one_who_waited_longest() -> None:
    runtime = VirtualRuntime()
    lock = runtime.lock("a lock")
    taken: list[int] = []

    def take(number: int) -> None:
        with lock:
            taken.append(number)
            runtime.sleep(1)

    for number in range(4):
        runtime.spawn(lambda number=number: take(number), name=f"taker {number}")  # type: ignore[misc]
    runtime.settle()
    assert taken == [0, 1, 2, 3]


def test_a_lock_is_free_again_after_its_holder_was_killed() -> None:
    runtime = VirtualRuntime()
    lock = runtime.lock("a lock")
    owner = Owner("compute@h1")
    event = runtime.event("never", external=True)

    def hold() -> None:
        with lock:
            event.wait()

    def take() -> str:
        with lock:
            return "taken"

    runtime.spawn(hold, name="holder", owner=owner)
    runtime.settle()
    runtime.kill(owner)
    assert runtime.run(take, name="taker") == "taken"


def test_a_task_held_from_outside_is_no_deadlock_and_stops_no_clock_of_others() -> None:
    runtime = VirtualRuntime()
    released = runtime.event("the release", external=True)
    passed: list[str] = []

    def held() -> None:
        released.wait()
        passed.append("held")

    def asker() -> None:
        with runtime.deadline(60, "the answer"):
            runtime.event("answer").wait()

    runtime.spawn(held, name="held")
    start = runtime.now()
    runtime.spawn(asker, name="asker")
    runtime.settle()
    assert runtime.now() == start, "deadlines do not run out while a test holds something"
    released.set()
    runtime.settle()
    assert passed == ["held"]
    assert runtime.now() == start + 60, "with nothing held the deadline runs out"


def test_no_switch_while_a_transaction_is_open() -> None:
    runtime = VirtualRuntime()

    def careless() -> None:
        runtime.transaction_opened("cell1")
        try:
            runtime.switch("driver.spawn")
        finally:
            runtime.transaction_closed("cell1")

    with pytest.raises(OpenTransaction, match=r"pass driver\.spawn .*database 'cell1' is open"):
        runtime.run(careless, name="careless")


def test_no_wait_while_a_transaction_is_open() -> None:
    runtime = VirtualRuntime()

    def careless() -> None:
        runtime.transaction_opened("cell1")
        try:
            runtime.sleep(1)
        finally:
            runtime.transaction_closed("cell1")

    with pytest.raises(OpenTransaction, match="may not wait"):
        runtime.run(careless, name="careless")


def test_periodic_work_runs_when_time_passes_and_keeps_nothing_from_settling() -> None:
    runtime = VirtualRuntime()
    runs: list[float] = []
    start = runtime.now()
    periodic = runtime.every(10, lambda: runs.append(runtime.now() - start), name="round")
    runtime.settle()
    assert runs == []
    runtime.advance(35)
    assert runs == [10, 20, 30]
    assert runtime.now() == start + 35
    periodic.cancel()
    runtime.advance(100)
    assert len(runs) == 3


def test_a_dead_owner_does_nothing_more() -> None:
    runtime = VirtualRuntime()
    owner = Owner("compute@h1")
    done: list[str] = []

    def work() -> None:
        runtime.sleep(10)
        done.append("worked")

    runtime.spawn(work, name="work", owner=owner)
    runtime.every(5, lambda: done.append("round"), name="round", owner=owner)
    runtime.spawn(lambda: done.append("other"), name="other")
    runtime.kill(owner)
    runtime.settle()
    runtime.advance(100)
    assert done == ["other"]
    assert runtime.unfinished() == []


def test_a_task_that_fails_unwatched_is_announced_and_a_watched_one_is_not() -> None:
    failed: list[tuple[str, str]] = []

    def note(task: Task, error: BaseException) -> None:
        failed.append((task.name, str(error)))

    runtime = VirtualRuntime(on_task_error=note)

    def fail() -> None:
        raise ValueError("broken")

    runtime.spawn(fail, name="alone")
    runtime.settle()

    def watch() -> None:
        task = runtime.spawn(fail, name="watched")
        with pytest.raises(ValueError, match="broken"):
            task.result()

    runtime.run(watch, name="watcher")
    assert failed == [("alone", "broken")]


def test_a_virtual_runtime_belongs_to_one_thread() -> None:
    runtime = VirtualRuntime()
    caught: list[Exception] = []

    def use() -> None:
        try:
            runtime.settle()
        except WrongThread as error:
            caught.append(error)

    thread = threading.Thread(target=use)
    thread.start()
    thread.join()
    assert "a rig belongs to one thread" in str(caught[0])


def test_timers_that_end_early_do_not_pile_up() -> None:
    runtime = VirtualRuntime()

    def ask() -> None:
        for _round in range(5000):
            event = runtime.event("answer")
            with runtime.deadline(60, "answer"):
                runtime.spawn(event.set, name="answerer")
                event.wait()

    runtime.run(ask, name="asker")
    assert len(runtime.timers) < 200


def test_what_an_early_end_of_a_timer_makes_needless_is_kept_by_nobody() -> None:
    runtime = VirtualRuntime()

    def ask() -> Owner:
        event = runtime.event("answer")
        with runtime.deadline(60, "answer"):
            runtime.spawn(event.set, name="answerer")
            event.wait()
        return Owner("of the page that was asked for")

    runtime.run(lambda: None, name="first")  # what a worker ran first is its own to keep
    page = weakref.ref(runtime.run(ask, name="asker"))
    assert page() is None


def test_while_another_process_works_for_a_task_the_others_go_on_and_no_time_passes() -> None:
    runtime = VirtualRuntime()
    began = runtime.now()
    seen: list[str] = []

    def work(name: str) -> None:
        seen.append(f"{name} begins")
        runtime.transaction_opened(name)
        runtime.let_others()
        runtime.transaction_closed(name)
        seen.append(f"{name} ends")

    runtime.spawn(lambda: work("a"), name="a")
    runtime.spawn(lambda: work("b"), name="b")
    runtime.spawn(lambda: runtime.sleep(10), name="sleeper")
    runtime.advance(5)
    runtime.let_others()  # there is nobody outside of tasks
    assert seen == ["a begins", "b begins", "a ends", "b ends"]
    assert runtime.now() == began + 5
    runtime.settle()

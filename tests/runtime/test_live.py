"""The live runtime: the same promises, on threads."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from cellrig.runtime import DeadlineExceeded, OpenTransaction
from cellrig.runtime.interface import Task
from cellrig.runtime.live import LiveRuntime


@pytest.fixture
def runtime() -> Iterator[LiveRuntime]:
    runtime = LiveRuntime()
    yield runtime
    runtime.close()
    assert runtime.unfinished() == []


def test_tasks_are_threads_and_settle_waits_for_all(runtime: LiveRuntime) -> None:
    threads: set[int] = set()
    gate = runtime.event("gate")

    def work() -> None:
        threads.add(threading.get_ident())
        gate.wait()

    for number in range(3):
        runtime.spawn(work, name=f"worker {number}")
    runtime.spawn(gate.set, name="opener")
    runtime.settle()
    assert len(threads) == 3
    assert threading.get_ident() not in threads


def test_a_lock_excludes(runtime: LiveRuntime) -> None:
    lock = runtime.lock("a lock")
    inside: list[int] = []
    most: list[int] = []

    def work() -> None:
        for _round in range(50):
            with lock:
                inside.append(1)
                most.append(len(inside))
                inside.pop()

    for number in range(4):
        runtime.spawn(work, name=f"worker {number}")
    runtime.settle()
    assert max(most) == 1


def test_a_deadline_ends_a_wait(runtime: LiveRuntime) -> None:
    def wait() -> None:
        with runtime.deadline(0.01, "the reply"):
            runtime.event("never").wait()

    with pytest.raises(DeadlineExceeded, match="the reply"):
        runtime.run(wait, name="waiter")


def test_no_switch_while_a_transaction_is_open(runtime: LiveRuntime) -> None:
    def careless() -> None:
        runtime.transaction_opened("cell1")
        try:
            runtime.switch("driver.spawn")
        finally:
            runtime.transaction_closed("cell1")

    with pytest.raises(OpenTransaction):
        runtime.run(careless, name="careless")


def test_closing_ends_sleeping_tasks_and_periodic_work() -> None:
    runtime = LiveRuntime()
    ran = runtime.event("ran")
    runtime.every(0.001, ran.set, name="round")
    runtime.spawn(lambda: runtime.sleep(3600), name="sleeper")
    runtime.run(ran.wait, name="waiter")
    runtime.close()
    assert runtime.unfinished() == []


def test_a_task_that_fails_unwatched_is_announced() -> None:
    failed: list[str] = []

    def note(task: Task, error: BaseException) -> None:
        failed.append(f"{task.name}: {error}")

    runtime = LiveRuntime(note)

    def fail() -> None:
        raise ValueError("broken")

    runtime.spawn(fail, name="alone")
    runtime.settle()
    runtime.close()
    assert failed == ["alone: broken"]


def test_a_leap_lets_sleeps_and_periodic_work_fall_due_in_order(runtime: LiveRuntime) -> None:
    seen: list[tuple[str, int]] = []
    start = runtime.now()

    def note(what: str) -> None:
        seen.append((what, round(runtime.now() - start)))

    def sleep() -> None:
        runtime.sleep(2500)
        note("slept")

    runtime.every(1000, lambda: note("periodic"), name="periodic")
    runtime.spawn(sleep, name="sleeper")
    runtime.leap(3600)
    assert seen == [("periodic", 1000), ("periodic", 2000), ("slept", 2500), ("periodic", 3000)]
    assert 3600 <= runtime.now() - start < 3700


def test_a_leap_reaches_a_deadline_of_a_task_that_waits_for_another(runtime: LiveRuntime) -> None:
    never = runtime.event("an answer")
    told: list[type[BaseException]] = []
    ended = runtime.event("the end")

    def ask() -> None:
        try:
            with runtime.deadline(60, "the answer"):
                never.wait()
        except DeadlineExceeded as error:
            told.append(type(error))
        ended.set()

    runtime.spawn(ask, name="asks")
    runtime.spawn(ended.wait, name="waits for who asks")
    runtime.leap(61)
    assert told == [DeadlineExceeded]


def test_nothing_begins_by_itself_while_the_runtime_is_still(runtime: LiveRuntime) -> None:
    runs: list[float] = []
    ran = threading.Event()

    def run() -> None:
        runs.append(runtime.now())
        ran.set()

    with runtime.still():
        runtime.every(0.001, run, name="often")
        assert not ran.wait(0.05)
    assert ran.wait(30)

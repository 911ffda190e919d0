"""What surrounds every method of the fake driver: its latency, and what goes wrong with it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from cellrig.driver import METHODS, Guest, ProviderTree
from cellrig.driver.refusal import refuse

if TYPE_CHECKING:
    from cellrig_fake.host import FakeHost

D = TypeVar("D", bound="FakeHost")
P = ParamSpec("P")
R = TypeVar("R")


def simulated(method: Callable[Concatenate[D, P], R]) -> Callable[Concatenate[D, P], R]:
    """Let a method take its latency and misbehave as the driver's options say.

    The guest that a behaviour may be about is the method's first argument.
    """
    name = method.__name__
    needs = tuple(capability for capability, obliged in METHODS.items() if name in obliged)

    @functools.wraps(method)
    def surrounded(driver: D, /, *args: P.args, **kwargs: P.kwargs) -> R:
        driver.check_answers()
        if needs and not any(getattr(driver.capabilities, each) for each in needs):
            refuse(driver, name, needs[0])
        if driver.behaves:
            return method(driver, *args, **kwargs)
        return _surround(driver, name, method, args, kwargs)

    return surrounded


def _surround(
    driver: FakeHost,
    name: str,
    method: Callable[..., R],
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
) -> R:
    subject = args[0] if args else kwargs.get("guest")
    guest = subject if isinstance(subject, Guest) else None
    latency = driver.options.latencies.get(name, 0)
    if latency:
        driver.context.runtime.sleep(latency)
    due = driver.misconduct.due(name, guest)
    for behaviour in due:
        if behaviour.does == "nonsense" and isinstance(subject, ProviderTree):
            subject.new_child(f"nonsense of {driver.context.host}", "a provider that is not there")
        if behaviour.does == "hang":
            driver.misconduct.hang(name, guest)
        elif behaviour.does == "fail":
            behaviour.raise_error(guest, driver.context.host)
    result = method(driver, *args, **kwargs)
    for behaviour in due:
        if behaviour.does == "vanish" and guest is not None:
            driver.lose_guest(guest.uuid)
        elif behaviour.does == "die" and guest is not None:
            driver.kill_guest(guest.uuid)
        elif behaviour.does == "fail_after":
            behaviour.raise_error(guest, driver.context.host)
    return result

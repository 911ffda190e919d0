"""What goes wrong in the fake hypervisor, as data: which call, how often, and how."""

from __future__ import annotations

from typing import Annotated, Literal, NoReturn

import msgspec

from cellrig.driver import (
    BuildAbort,
    ComputeResourcesUnavailable,
    DriverContext,
    Guest,
    HypervisorError,
    HypervisorUnavailable,
    MigrationError,
    MigrationPreCheckError,
)
from cellrig.runtime import Event


class Behaviour(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that goes wrong.

    Args:
        on: the driver's method, ``spawn``.
        does: ``fail`` raises `error` in place of doing it; ``fail_after`` does it and then raises;
            ``hang`` waits until the test lets go (`FakeDriver.release`); ``vanish`` does it, then
            the guest is gone; ``die`` does it, then the guest crashes; ``nonsense`` describes an
            impossible provider (of ``update_provider_tree``); ``hold`` lets a live migration run
            until it is forced to complete or aborted.
        error: what is raised: ``resources`` sends a build to the next host, ``abort`` gives it up,
            ``hypervisor`` is the hypervisor's refusal, ``unavailable`` its silence, ``migration``
            and ``precheck`` are refusals of a move, ``bug`` is an error that no driver may raise.
        times: so often; None: always.
        skip: so many calls go well before.
        per: what is counted: calls on this ``host``, calls for the same ``guest`` on this host, or
            calls for the same guest on any host of the ``cloud``.
        guest: only for the guest of this name, display name or uuid.
        vm_state: only for servers in this state, ``shelved_offloaded``.
        message: what the error says.
    """

    on: str
    does: Literal["fail", "fail_after", "hang", "vanish", "die", "nonsense", "hold"] = "fail"
    error: Literal[
        "resources", "abort", "hypervisor", "unavailable", "migration", "precheck", "bug"
    ] = "hypervisor"
    times: Annotated[int, msgspec.Meta(ge=1)] | None = None
    skip: Annotated[int, msgspec.Meta(ge=0)] = 0
    per: Literal["host", "guest", "cloud"] = "host"
    guest: str | None = None
    vm_state: str | None = None
    message: str = "the fake driver was told to fail"

    def concerns(self, method: str, guest: Guest | None) -> bool:
        """Whether it is about a call of `method` for `guest`."""
        if self.on != method:
            return False
        if guest is None:
            return self.guest is None and self.vm_state is None and self.per == "host"
        if self.guest is not None and self.guest not in (
            guest.uuid,
            guest.name,
            guest.display_name,
        ):
            return False
        return self.vm_state is None or self.vm_state == guest.vm_state

    def raise_error(self, guest: Guest | None, host: str) -> NoReturn:
        """Raise the error that was asked for."""
        subject = guest.uuid if guest is not None else host
        match self.error:
            case "resources":
                raise ComputeResourcesUnavailable(self.message, "more", "less")
            case "abort":
                raise BuildAbort(self.message)
            case "unavailable":
                raise HypervisorUnavailable(host, self.message)
            case "migration":
                raise MigrationError(subject, self.message)
            case "precheck":
                raise MigrationPreCheckError(subject, self.message)
            case "bug":
                raise RuntimeError(self.message)
            case _:
                raise HypervisorError(self.message)


class Misconduct:
    """The behaviours of one driver object at work.

    Args:
        behaviours: what goes wrong.
        context: the driver's.
        counts: calls so far, by behaviour and guest: a part of the hypervisor's state.
    """

    def __init__(
        self, behaviours: tuple[Behaviour, ...], context: DriverContext, counts: dict[str, int]
    ) -> None:
        self._behaviours = behaviours
        self._context = context
        self.counts = counts
        self._hung: dict[str, list[Event]] = {}

    def due(self, method: str, guest: Guest | None) -> tuple[Behaviour, ...]:
        """Count this call, and return the behaviours that it gets."""
        return tuple(
            behaviour
            for position, behaviour in enumerate(self._behaviours)
            if behaviour.concerns(method, guest) and self._counts_in(position, behaviour, guest)
        )

    def hang(self, method: str, guest: Guest | None) -> None:
        """Wait until `release` is called for `method`."""
        subject = f" of {guest.name}" if guest is not None else ""
        name = f"{method}{subject} hanging on {self._context.host}"
        event = self._context.runtime.event(name, external=True)
        self._hung.setdefault(method, []).append(event)
        event.wait()

    def release(self, method: str) -> int:
        """Let all calls of `method` that hang go on, and return how many there were."""
        hung = self._hung.pop(method, [])
        for event in hung:
            event.set()
        return len(hung)

    def _counts_in(self, position: int, behaviour: Behaviour, guest: Guest | None) -> bool:
        subject = guest.uuid if guest is not None and behaviour.per != "host" else ""
        key = f"{position} {subject}"
        if behaviour.per == "cloud":
            fabric, place = self._context.fabric, f"calls of {behaviour.on}"
            before = fabric.get(place, key, int) or 0
            fabric.put(place, key, before + 1)
        else:
            before = self.counts.get(key, 0)
            self.counts[key] = before + 1
        last = None if behaviour.times is None else behaviour.skip + behaviour.times
        return before >= behaviour.skip and (last is None or before < last)

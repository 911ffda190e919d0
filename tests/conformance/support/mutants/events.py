"""Events. One bug a class."""

from __future__ import annotations

from cellrig.driver import EventSink, GuestEvent, GuestEventKind
from cellrig_fake import FakeDriver
from mutants.noting import caught_by


@caught_by("Events::test_starting_and_stopping_are_told", "nobody was told that the guest stopped")
class SaysNothing(FakeDriver):
    """No event is told."""

    def emit(self, event: GuestEvent) -> None:
        """Keep it."""


@caught_by(
    "Events::test_a_guest_that_dies_behind_our_back_is_noticed",
    "nobody has noticed that the guest has died",
)
class HidesDeaths(FakeDriver):
    """That a guest has died is not told."""

    def emit(self, event: GuestEvent) -> None:
        if event.kind is not GuestEventKind.DIED:
            super().emit(event)


@caught_by("Events::test_only_the_last_listener_is_told", "what the listener before was told")
class TellsEverybody(FakeDriver):
    """Listeners that were replaced are told as well."""

    def register_event_listener(self, callback: EventSink) -> None:
        before: EventSink | None = getattr(self, "_listener", None)

        def both(event: GuestEvent) -> None:
            if before is not None:
                before(event)
            callback(event)

        super().register_event_listener(both)

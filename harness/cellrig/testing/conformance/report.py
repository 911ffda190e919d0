"""What came out: a row for each area, and whether the driver is what it declares."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cellrig.driver import Capabilities
from cellrig.testing.conformance.running import Outcome, Result

#: The rows of what every driver must pass, in the table's order.
ALWAYS = "always"


class Row(msgspec.Struct, frozen=True):
    """One row of the table.

    Args:
        name: of the area.
        declared: ``always``, ``yes`` or ``no``.
        verified: ``yes``, ``no``, ``refused`` (it is not declared, and is refused cleanly),
            ``in part`` (the set-up does not offer what the rest needs), ``known`` (it fails, as it
            was said to) or ``-`` (there was nothing to try).
        is_green: what is declared is what is verified.
        reasons: what failed or was not tried: case and reason.
        seconds: by the wall clock.
        tried: how many cases ran.
    """

    name: str
    declared: str
    verified: str
    is_green: bool
    reasons: tuple[tuple[str, str], ...]
    seconds: float
    tried: int


class Report(msgspec.Struct, frozen=True):
    """What came out for one driver.

    Args:
        driver: its name.
        capabilities: what it declares.
        results: of all cases, in the order in which they ran.
        known_failing: capability to the reason why it fails; then it must.
        command: what was typed to try it, without what chooses cases.
        against: the driver that it was compared with, where it was; then a row is green where both
            look alike.
    """

    driver: str
    capabilities: Capabilities
    results: tuple[Result, ...]
    known_failing: Mapping[str, str] = {}
    command: str = ""
    against: str = ""

    @property
    def question(self) -> str:
        """What was asked."""
        if self.against:
            return f"drivers {self.driver} and {self.against}: where do they differ?"
        return f"driver {self.driver}: is it what it declares?"

    @property
    def answer(self) -> str:
        """What came out, in one sentence."""
        rows = self.rows()
        red = ", ".join(row.name for row in rows if not row.is_green)
        if self.against:
            told = f"they differ in: {red}" if red else "no difference was seen"
        else:
            told = f"not so: {red}" if red else "all that is declared is verified"
        seconds, tried = sum(row.seconds for row in rows), sum(row.tried for row in rows)
        return f"{told}; {tried} cases in {seconds:.1f} s"

    def replay(self, result: Result) -> str:
        """Return the one line that runs a case again."""
        command = self.command or f"cellrig conformance --driver {self.driver}"
        return f"{command} {result.replay}"

    @property
    def is_green(self) -> bool:
        """Whether what is declared is exactly what is verified."""
        return all(row.is_green for row in self.rows())

    @property
    def failures(self) -> tuple[Result, ...]:
        """The cases that failed."""
        return tuple(each for each in self.results if each.outcome is Outcome.FAILED)

    def rows(self) -> tuple[Row, ...]:
        """Return the table."""
        areas: dict[str, list[Result]] = {}
        for result in self.results:
            areas.setdefault(result.area, []).append(result)
        return tuple(self._row(name, results) for name, results in areas.items())

    def _row(self, name: str, results: Iterable[Result]) -> Row:
        results = tuple(results)
        capability = results[0].capability
        declared = ALWAYS
        if capability is not None:
            declared = "yes" if getattr(self.capabilities, capability) else "no"
        tried = [each for each in results if each.outcome in (Outcome.PASSED, Outcome.FAILED)]
        failed = [each for each in tried if each.outcome is Outcome.FAILED]
        verified = self._verdict(name, declared, tried, failed, results)
        shown = (Outcome.FAILED,) if declared == "no" else (Outcome.FAILED, Outcome.NOT_TRIED)
        told = [each for each in results if each.outcome in shown]
        reasons = [(each.case, f"{each.outcome}: {each.reason}") for each in told]
        if name in self.known_failing and not failed:
            reasons.append((name, f"it passes, though it is known to fail: {self._known(name)}"))
        elif verified == "known":
            reasons.insert(0, (name, f"known to fail: {self._known(name)}"))
        return Row(
            name,
            declared,
            verified,
            verified not in ("no", "in part"),
            tuple(reasons),
            sum(each.seconds for each in results),
            len(tried),
        )

    def _verdict(
        self,
        name: str,
        declared: str,
        tried: list[Result],
        failed: list[Result],
        results: tuple[Result, ...],
    ) -> str:
        if name in self.known_failing:
            return "known" if failed else "no"
        if failed:
            return "no"
        if declared == "no":
            return "refused" if tried else "-"
        if any(each.outcome is Outcome.NOT_TRIED for each in results):
            return "in part" if tried else "no"
        return "yes" if tried else "-"

    def _known(self, name: str) -> str:
        return self.known_failing[name]

"""``cellrig drivers``: what is installed, what it can do, what it takes."""

from __future__ import annotations

from rich.markup import escape

from cellrig.cli.screen import Screen
from cellrig.driver.loading import DriverInfo, installed_drivers


def show_drivers(screen: Screen) -> bool:
    """List the installed drivers; return whether all of them can be used."""
    drivers = installed_drivers()
    if not drivers:
        screen.show("no driver is installed")
    for driver in drivers:
        _show(screen, driver)
    return all(driver.error is None for driver in drivers)


def _show(screen: Screen, driver: DriverInfo) -> None:
    screen.section(f"driver {escape(driver.name)}")
    if driver.error is not None:
        screen.verdict(False, escape(driver.error))
        return
    screen.show(escape(driver.summary))
    facts = [
        ("version", driver.version),
        ("interface", driver.interface_version),
        ("capabilities", ", ".join(driver.capabilities.names()) or "none"),
    ]
    screen.facts([(name, escape(value)) for name, value in facts])
    screen.table(
        ("option", "takes", "default"),
        [tuple(map(escape, (o.name, o.type, _default(o.default)))) for o in driver.options],
    )


def _default(shown: str) -> str:
    """Return a default as it would stand in YAML, where Python writes it another way."""
    words = {"()": "empty", "{}": "empty", "None": "nothing", "True": "true", "False": "false"}
    return words.get(shown, shown.strip("()'").replace("'", ""))

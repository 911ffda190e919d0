"""``cellrig drivers``: what is installed, what it can do, what it takes."""

from __future__ import annotations

from rich.markup import escape

from cellrig.cli.screen import Screen
from cellrig.driver.loading import DriverInfo, installed_drivers


def show_drivers(screen: Screen) -> bool:
    """List the installed drivers; return whether all of them can be used."""
    drivers = installed_drivers()
    if not drivers:
        screen.say("no driver is installed")
    for driver in drivers:
        _show(screen, driver)
    return all(driver.error is None for driver in drivers)


def _show(screen: Screen, driver: DriverInfo) -> None:
    screen.section(f"driver {escape(driver.name)}")
    if driver.error is not None:
        screen.verdict(False, escape(driver.error))
        return
    screen.say(escape(driver.summary))
    facts = [
        ("version", driver.version),
        ("interface", driver.interface_version),
        ("capabilities", ", ".join(driver.capabilities.names()) or "none"),
    ]
    screen.table(("", ""), [(name, escape(value)) for name, value in facts], last_folds=True)
    screen.table(
        ("option", "default", "takes"),
        [tuple(map(escape, (o.name, _default(o.default), o.type))) for o in driver.options],
        last_folds=True,
    )


def _default(shown: str) -> str:
    """Return a default as it would stand in YAML, where Python writes it another way."""
    words = {"()": "empty", "{}": "empty", "None": "nothing", "True": "true", "False": "false"}
    return words.get(shown, shown.strip("()'").replace("'", ""))

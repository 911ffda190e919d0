"""How a method says that its driver cannot do that."""

from __future__ import annotations

from typing import NoReturn

from cellrig.driver.errors import CapabilityNotSupported


def refuse(driver: object, method: str, capability: str) -> NoReturn:
    """Refuse a call of a method that needs a capability which `driver` has not.

    Args:
        driver: who is asked.
        method: what was called.
        capability: what it needs.
    """
    raise CapabilityNotSupported(type(driver).__name__, method, capability)

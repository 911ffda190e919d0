"""What this plugin raises: at the one who writes a fault, and on behalf of a fault."""

from __future__ import annotations

from cellrig.driver.errors import DriverError
from cellrig.errors import Invalid


class InvalidFault(Invalid):
    """A fault cannot be: names what was given and what is taken."""


class InjectedFault(DriverError):
    """What a fault raises that names no error of its own. Args: the seam, who called.

    It is a `DriverError`, so that a build that meets it at ``driver.spawn`` is tried again on the
    next host, as the field does; at any other seam it is an error that nobody knows.
    """

    template = "fault injected at {0}, called by {1}"

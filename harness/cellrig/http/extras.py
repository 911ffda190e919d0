"""What is said where an optional package is needed and is not installed."""

from __future__ import annotations

from cellrig.errors import CellrigError


class ExtraMissing(CellrigError):
    """Something needs a package that only an extra of Cellrig installs.

    Args: what needs it, the package, the extra.
    """

    template = (
        "{0} needs the package {1!r}, which is not installed: "
        "install Cellrig with its extra {2!r} (pip install 'cellrig[{2}]')"
    )

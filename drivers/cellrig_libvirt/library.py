"""Libvirt's own library, which is there only where somebody installed it."""

from __future__ import annotations

from functools import cache
from typing import Any

from cellrig.driver.errors import HypervisorUnavailable


@cache
def missing_library() -> str | None:
    """Say in one sentence why libvirt-python cannot be used; None where it can."""
    try:
        import libvirt  # noqa: F401
    except ImportError as error:
        return (
            f"libvirt-python is not installed ({error}): it is the extra 'libvirt' of cellrig, and "
            "is built with Debian's gcc, pkg-config, python3-dev and libvirt-dev"
        )
    return None


def library(host: str) -> Any:
    """Return the module `libvirt`, which has no types of its own.

    Args:
        host: who needs it, for the error.

    Raises:
        HypervisorUnavailable: it is not installed; says what to install.
    """
    lacking = missing_library()
    if lacking is not None:
        raise HypervisorUnavailable(host, lacking)
    import libvirt

    # Else it writes each error to standard error beside raising it.
    libvirt.registerErrorHandler(_drop_error, None)
    return libvirt


def _drop_error(_context: object, _error: object) -> None:
    """Do nothing: the same error is raised."""

"""Where the data of volumes is: the interface of a backend, and the backends that come along."""

from __future__ import annotations

from cellrig.volume.backends.interface import BackendContext, VolumeBackend

__all__ = ["BackendContext", "VolumeBackend"]

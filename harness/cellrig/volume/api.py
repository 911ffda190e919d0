"""All operations of block storage, for a face that serves them to users."""

from __future__ import annotations

from cellrig.volume.attachments import Attachments
from cellrig.volume.connections import Connections
from cellrig.volume.creation import Creation
from cellrig.volume.details import Details
from cellrig.volume.hosts import Hosts
from cellrig.volume.migration import Migration
from cellrig.volume.older_attaching import OlderAttaching
from cellrig.volume.quotas import Quotas
from cellrig.volume.releases import Releases
from cellrig.volume.reverting import Reverting
from cellrig.volume.snapshots import Snapshots
from cellrig.volume.surroundings import Surroundings
from cellrig.volume.transfers import Transfers
from cellrig.volume.type_access import TypeAccess
from cellrig.volume.type_catalog import TypeCatalog
from cellrig.volume.uploading import Uploading
from cellrig.volume.volumes import Volumes


class StorageApi:
    """Block storage's operations, as one object.

    Args:
        around: what they work with.
    """

    def __init__(self, around: Surroundings) -> None:
        self.volumes = Volumes(around)
        self.creation = Creation(around)
        self.snapshots = Snapshots(around)
        self.details = Details(around, self.volumes, self.snapshots)
        self.types = TypeCatalog(around)
        self.access = TypeAccess(around)
        self.attachments = Attachments(around)
        self.connections = Connections(around, self.attachments)
        self.releases = Releases(around, self.attachments, self.connections)
        self.older = OlderAttaching(around, self.attachments, self.releases, self.details)
        self.migration = Migration(around)
        self.quotas = Quotas(around)
        self.transfers = Transfers(around)
        self.hosts = Hosts(around)
        self.uploading = Uploading(around)
        self.reverting = Reverting(around)
        self.runtime = around.runtime
        self.seams = around.seams

"""Clouds that last: what one process has served, the next one opens and goes on with.

Services keep all they know in their databases. Beside those a cloud is its topology and its
hypervisors, which this package keeps in one database more, and a directory for what is in files.
"""

from cellrig.lasting.cloud import LastingCloud, OpenCloud
from cellrig.lasting.tables import RIG_SCHEMA

__all__ = ["RIG_SCHEMA", "LastingCloud", "OpenCloud"]

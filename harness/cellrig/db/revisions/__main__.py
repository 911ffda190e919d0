"""Write the next revision of a kind of database: what its tables have that its revisions have not.

``python -m cellrig.db.revisions KIND "what changes"``
"""

import sys

from cellrig.db.schemas import SCHEMAS
from cellrig.db.upgrade import write_revision

if __name__ == "__main__":
    kind, message = sys.argv[1:]
    write_revision(SCHEMAS[kind], message)

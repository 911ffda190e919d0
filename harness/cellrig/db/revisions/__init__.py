"""How databases that last come from one version of their tables to the next: Alembic revisions.

There is a folder for each kind of database, whose revisions are ``<kind>_1``, ``<kind>_2``, ... The
first makes all tables. An empty database is not built this way but from the tables themselves; a
test holds that both are the same.
"""

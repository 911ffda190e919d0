"""The revisions of a database of this kind."""

"""The revisions of what a rig keeps itself."""

"""Runs revisions for Alembic, on the connection that `cellrig.db.upgrade` hands over."""

from alembic import context

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=context.config.attributes["metadata"],
    render_as_batch=True,  # SQLite changes few things of a table in place
    compare_type=True,
)
with context.begin_transaction():
    context.run_migrations()

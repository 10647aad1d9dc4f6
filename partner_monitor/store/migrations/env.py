"""Alembic's entry: the connection is handed over by ``partner_monitor.store.migrate``."""

from alembic import context

from partner_monitor.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    render_as_batch=True,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()

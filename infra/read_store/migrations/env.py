"""Alembic's entry: the caller's connection and transaction are used as they are."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False)
context.run_migrations()

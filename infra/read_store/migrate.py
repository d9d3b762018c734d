"""Brings the read store's schema up to date, by the migrations that come with the package."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy.engine import Connection

from domain.errors import Invalid
from infra.read_store.errors import SETTING

_MIGRATIONS = Path(__file__).parent / "migrations"
_ONE_AT_A_TIME = 0x6C69_7564_616E_7231  # "liudanr1"


def migrate(connection: Connection) -> None:
    """Run what is missing, inside the caller's transaction; raises Invalid for a schema that is newer."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_ONE_AT_A_TIME})")
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    head = ScriptDirectory.from_config(config).get_current_head()
    present = MigrationContext.configure(connection).get_current_revision()
    if present == head:
        return
    _check_known(config, present)
    command.upgrade(config, "head")


def _check_known(config: Config, present: str | None) -> None:
    if present is None:
        return
    try:
        ScriptDirectory.from_config(config).get_revision(present)
    except CommandError as error:
        raise Invalid(
            f"the read store's schema ({present}) is newer than this version of liudan; "
            "update liudan or name another database",
            field=SETTING,
        ) from error

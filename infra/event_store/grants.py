"""`liudan grants`: the rights of the service's role in PostgreSQL. It may add to the history and read it.

Not even a service that was taken over can then change or remove what was recorded: the triggers belong to
the schema's owner, whom nobody has to be in daily work. (A superuser is out of anybody's reach; what one does
is found by `liudan audit verify`.)
"""

import click
from psycopg.sql import SQL, Identifier, Literal

from domain.errors import Invalid

_LONGEST = 63
_SCRIPT = """\
-- Rights of the role {role} in the event store's database. Run it as the owner of the schema, after the owner
-- has started liudan once: psql "$OWNERS_URL" -v ON_ERROR_STOP=1 -f grants.sql
-- The role may keep the read models, too, in a database of its own: they are made anew from the events.
BEGIN;
DO $$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = {name}) THEN CREATE ROLE {role} LOGIN; END IF;
END $$;
REVOKE CREATE ON SCHEMA public FROM PUBLIC, {role};
REVOKE ALL ON events, commands, bookmarks FROM PUBLIC, {role};
REVOKE ALL ON SEQUENCE events_position_seq FROM PUBLIC, {role};
GRANT USAGE ON SCHEMA public TO {role};
-- Without `position`: it is given by the sequence alone, so that none can be filled in or taken again.
GRANT SELECT, INSERT (stream_id, version, topic, state) ON events TO {role};
GRANT SELECT, INSERT ON commands TO {role};
GRANT SELECT, INSERT, UPDATE ON bookmarks TO {role};
COMMIT;
"""


def grants_for(role: str) -> str:
    """Give the SQL that makes a role of this name, if there is none, and gives it these rights alone."""
    if not role or len(role.encode()) > _LONGEST or not role.isprintable():
        raise Invalid(f"the name of a role has 1 to {_LONGEST} printable bytes", field="role")
    script = SQL(_SCRIPT).format(role=Identifier(role), name=Literal(role))
    return script.as_string(None)


@click.command()
@click.option("--role", required=True, help="The role that the service connects as.")
def grants(role: str) -> None:
    """Print the SQL that lets the service's role add and read, and nothing else."""
    click.echo(grants_for(role), nl=False)

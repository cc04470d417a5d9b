"""How the tables lie in PostgreSQL: in a schema of their own, which is made when it is first used."""

from psycopg import sql
from ranch.backends.sql_layout import LAYOUT, Dialect, statements
from ranch.exceptions import BackendError

DIALECT = Dialect(
    integer="BIGINT",
    real="DOUBLE PRECISION",
    # Whatever language the database sorts by: ids and timers are sorted by their bytes.
    text='TEXT COLLATE "C"',
    bytes="BYTEA",
    boolean="BOOLEAN",
    number="BIGINT GENERATED ALWAYS AS IDENTITY",
)

# Rows that change at each claim. Room in their pages lets most new versions replace old ones in place, and the old
# entries of the index of lanes go before a claim has to step over many of them.
_ROOM = (
    "ALTER TABLE queues SET (fillfactor = 10)",
    "ALTER TABLE lanes SET (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.02)",
)


def lay_out(connection, schema):
    """Make the tables if they are not there, and check that they are of the layout that this ranch knows."""
    with connection.transaction():
        # Asked first, so that who may not create anything can still work with what is there.
        (table,) = connection.execute("SELECT to_regclass('layout')").fetchone()
        if table is None:
            # Two processes at once would both not find them.
            connection.execute("SELECT pg_advisory_xact_lock(hashtext(%s))", (f"ranch {schema}",))
            connection.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {}").format(sql.Identifier(schema)))
            for statement in (*statements(DIALECT), *_ROOM):
                connection.execute(statement)
            connection.execute(f"CREATE TABLE IF NOT EXISTS layout AS SELECT {LAYOUT} AS number")
        (number,) = connection.execute("SELECT number FROM layout").fetchone()
    if number != LAYOUT:
        raise BackendError(f"schema {schema} in PostgreSQL has layout {number}, this version of ranch knows {LAYOUT}")

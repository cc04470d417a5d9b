"""PostgreSQL, as a store for ranch."""

from ranch.hooks import BackendPlugin, hookimpl


def _open(url, **options):
    from ranch_postgres.backend import PostgresBackend

    return PostgresBackend(url, **options)


@hookimpl
def ranch_backends():
    """Name the backend; psycopg is imported when its scheme is asked for."""
    return [
        BackendPlugin(
            name="postgresql",
            factory=_open,
            summary="PostgreSQL: many hosts, durable, beside the data that you have there already.",
            remote=True,
        )
    ]

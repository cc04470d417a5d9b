import psycopg
import pytest
from ranch.testing import BackendSuite

from ranch_postgres.backend import PostgresBackend


class TestPostgres(BackendSuite):
    examples = 20
    fleet_jobs = 1_000
    kills = 2

    @pytest.fixture(autouse=True)
    def _on_server(self, server, new_schema):
        self.server, self.new_schema = server, new_schema

    def open(self, clock):
        return PostgresBackend(self.server.url, schema=self.new_schema(), clock=clock)

    def open_shared(self):
        with psycopg.connect(self.server.url) as connection:
            connection.execute("DROP SCHEMA IF EXISTS ranch CASCADE")
        return self.server.url

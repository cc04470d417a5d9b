import itertools

import pytest
from server import PostgresServer


@pytest.fixture(scope="session")
def server():
    server = PostgresServer()
    try:
        server.start()
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def numbers():
    return itertools.count()


@pytest.fixture
def new_schema(numbers):
    """Names of schemas that nobody has used."""
    return lambda: f"test_{next(numbers)}"

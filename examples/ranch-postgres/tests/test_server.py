"""What PostgreSQL adds to a backend's contract, and what happens when it goes."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from ranch import AsyncQueue, BackendError, BackendUnavailable, ConfigError, Queue
from server import PostgresServer

from ranch_postgres.backend import PostgresBackend


@pytest.fixture
def backend(server, new_schema):
    backend = PostgresBackend(server.url, schema=new_schema())
    yield backend
    backend.close()


def test_it_is_found_by_its_scheme(server):
    """Installed, its URLs can be used wherever a backend is named."""
    with Queue("mail", backend=server.url) as queue:
        queue.enqueue("acme", "hello")

        assert isinstance(queue.backend.backend, PostgresBackend)  # behind its breaker
        assert queue.claim().job.payload == "hello"


def test_the_first_that_a_queue_hears_of_is_the_time(backend):
    """A queue that nobody has used has no row to read the clock with."""
    schedule = Queue("mail", backend=backend).schedule(every=60, payload="hello", name="s", lane="acme")

    assert schedule.next_at == pytest.approx(time.time() + 60, abs=30)


def test_those_who_only_read_wait_for_nobody(server, backend, new_schema):
    """Not even for a transaction on the queue that never ends."""
    queue = Queue("mail", backend=backend)
    queue.enqueue("acme", 1)
    with psycopg.connect(server.url) as other:
        other.execute(f"SELECT * FROM {backend._schema}.queues FOR UPDATE")

        assert queue.stats().pending == 1
        assert queue.lane("acme").read().stats.enqueued == 1


def test_a_connection_that_ends_is_made_anew(server, backend):
    """Those who work notice nothing, those who wait are woken all the same."""
    queue = Queue("mail", backend=backend)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(queue.claim, wait=60)
        _wait_for_listener(server)
        with psycopg.connect(server.url) as admin:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
        started = time.monotonic()
        queue.enqueue("acme", "hello")

        assert waiting.result(30).job.payload == "hello"
        assert time.monotonic() - started < 15


def test_a_server_that_is_away_is_reported_until_it_is_back():
    """Nothing is kept in the process meanwhile; what was stored before is there afterwards."""
    server = PostgresServer()
    try:
        server.start()
        queue = Queue("mail", backend=PostgresBackend(server.url, timeout=1.0))
        queue.enqueue("acme", "before")
        server.kill()
        with pytest.raises(BackendUnavailable, match="PostgreSQL at"):
            queue.enqueue("acme", "lost")
        server.start()

        assert [lease.job.payload for lease in queue.claim_many(3)] == ["before"]
        queue.close()
    finally:
        server.stop()


def test_who_waits_in_an_event_loop_takes_no_thread(backend):
    """Twenty wait at once where there is one thread, and nobody keeps it from the others."""

    async def work():
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        queue = AsyncQueue("mail", backend=backend)
        waiting = [asyncio.create_task(queue.claim(wait=60)) for _ in range(20)]
        await asyncio.sleep(0)
        await queue.enqueue_many([("acme", number) for number in range(20)])
        return await asyncio.wait_for(asyncio.gather(*waiting), 20)

    leases = asyncio.run(work())

    assert sorted(lease.job.payload for lease in leases) == list(range(20))


def test_tables_of_another_layout_are_refused(server, backend):
    """Before anything in them is touched."""
    Queue("mail", backend=backend).stats()
    with psycopg.connect(server.url) as admin:
        admin.execute(f"UPDATE {backend._schema}.layout SET number = 1")

    with pytest.raises(BackendError, match="layout 1"):
        Queue("mail", backend=PostgresBackend(server.url, schema=backend._schema)).stats()


@pytest.mark.parametrize("options", [{"schema": "Ranch; DROP"}, {"url": "postgresql://h/d?colour=red"}])
def test_what_cannot_be_is_refused_at_once(options):
    """Nothing is opened for it."""
    with pytest.raises(ConfigError):
        PostgresBackend(**{"url": "postgresql://h/d", **options})


def _wait_for_listener(server):
    from ranch.testing.waiting import wait_until

    query = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'LISTEN%'"
    with psycopg.connect(server.url, autocommit=True) as admin:
        wait_until(lambda: admin.execute(query).fetchone()[0])

"""Jobs in PostgreSQL: many hosts, durable."""

import asyncio
import os
import re
import threading
import time
from contextlib import contextmanager, suppress
from functools import partial
from random import uniform

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg_pool import ConnectionPool, PoolTimeout
from ranch.backends.sql import ADD_QUEUE, NO_QUEUE, SELECT_QUEUE, SQLTables
from ranch.backends.tables import TableBackend
from ranch.backends.waits import Wait, Watch
from ranch.exceptions import BackendError, BackendUnavailable, ConfigError

from ranch_postgres.layout import lay_out
from ranch_postgres.listener import Listener
from ranch_postgres.statements import Statements
from ranch_postgres.texts import keep_all_characters

# Pauses before a transaction is tried again that the server has broken off or could not be reached for, in seconds.
_PAUSES = (0.02, 0.1, 0.4, 1.0, 1.5)

# Because of another transaction, not of the connection.
_BROKEN_OFF = (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected)

# Every statement here finds its few rows by an index and in the index's order, whatever the planner believes of tables
# that were empty a moment ago; so there is nothing to plan anew either.
_PLANNER = {
    "enable_bitmapscan": "off",
    "enable_seqscan": "off",
    "enable_sort": "off",
    "jit": "off",
    "plan_cache_mode": "force_generic_plan",
}

_NOW = "extract(epoch FROM clock_timestamp())::float8"
_READ_CLOCK = f"SELECT {_NOW}"
_READ_QUEUE = SELECT_QUEUE.replace(" FROM ", f", {_NOW} FROM ", 1)
_BEGIN_READING = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
_LOCK_QUEUE = f"{_READ_QUEUE} FOR UPDATE"


class PostgresBackend(TableBackend):
    """Keeps queues in PostgreSQL 15 or newer, in a schema of their own.

    What an operation has returned for is as durable as the server makes its commits. Operations that change one queue
    follow one another: each locks the queue's row. Operations that only read lock nothing and wait for nobody.

    A transaction that is broken off, by the server or by the network, is tried again for about three seconds. Its
    answer may have been lost after the work was done, so in such a moment a job may be enqueued twice, and an ack
    reported as lost.

    Args:
        url: ``postgresql://user@host:port/database``, with whatever parameters libpq knows.
        schema: Where the tables are, in lower case. Two apps in one database need different ones.
        connections: How many connections a process may have at most, beside one that listens.
        timeout: Seconds to wait for a connection, while others use all of them or the server does not answer.
        clock: In place of the server's clock, for tests.
    """

    def __init__(self, url, *, schema="ranch", connections=8, timeout=5.0, clock=None):
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", schema):
            raise ConfigError(f"schema {schema!r}: expected a name of lower-case letters, digits and _", "backend")
        try:
            parts = conninfo_to_dict(url)
        except psycopg.ProgrammingError as exc:
            raise ConfigError(f"the URL for PostgreSQL cannot be used: {exc}", "backend") from exc
        self.address = f"{parts.get('host', 'localhost')}:{parts.get('port', 5432)}/{parts.get('dbname', '')}"
        parts.setdefault("connect_timeout", max(2, round(timeout)))
        settings = {**_PLANNER, "search_path": schema}
        parts["options"] = " ".join([parts.get("options", ""), *(f"-c {name}={settings[name]}" for name in settings)])
        self._conninfo = make_conninfo(**parts)
        self._schema, self._most, self._timeout, self._clock = schema, connections, timeout, clock
        self._forget()

    def _forget(self):
        self._process = os.getpid()
        self._lock = threading.Lock()
        self._pool = None
        self._listener = None

    @contextmanager
    def begin(self, queue, *, reading=False):
        """Open a transaction: it locks the queue's row, or, if it only reads, sees all tables as of one moment."""
        with self._connections().connection() as connection:
            execute = Statements(connection, _BEGIN_READING if reading else "BEGIN")
            tables = self._open(execute, queue, reading=reading)
            seen = _changes(tables)
            yield tables
            tables.finish()
            if _changes(tables) != seen:
                # Arrives when this is committed, and not at all if it is not.
                execute.later("SELECT pg_notify(?, ?)", (self._schema, queue))
            if tables.has_ended:
                execute.later("SELECT pg_notify(?, ?)", (self._schema, _endings_of(queue)))
            execute.later("COMMIT")
            execute.send()

    def _open(self, execute, queue, *, reading):
        statement = _READ_QUEUE if reading else _LOCK_QUEUE
        found = execute(statement, (queue,)).fetchone()
        if found is None and not reading:
            execute(ADD_QUEUE, (queue,))
            found = execute(statement, (queue,)).fetchone()
        *row, now = found or (*NO_QUEUE, *execute(_READ_CLOCK).fetchone())
        return SQLTables(execute, row, round(self._clock() if self._clock else now, 3))

    def perform(self, step):
        """Take one step, blocking."""
        pauses = list(_PAUSES)
        while True:
            try:
                return step()
            except psycopg.OperationalError as exc:
                if not pauses or isinstance(exc, PoolTimeout):
                    raise BackendUnavailable(f"PostgreSQL at {self.address}: {exc}") from exc
                if not isinstance(exc, _BROKEN_OFF):
                    # When one connection has ended, others may have too. To connect anew shows why, and at once when
                    # the server is back: a pool pauses for longer and longer.
                    self._hang_up()
                time.sleep(pauses.pop(0) * uniform(0.5, 1.0))
            except psycopg.Error as exc:
                raise BackendError(f"PostgreSQL at {self.address}: {exc}") from exc

    async def aperform(self, step):
        """Take one step, awaited: waiting takes no thread, transactions one of the event loop's own."""
        if isinstance(step, Wait):
            return await self._await(step.queue, partial(self._has_changed, step.queue, step.tick), step.timeout)
        if isinstance(step, Watch):
            return await self._await(_endings_of(step.queue), step.seen, step.timeout)
        return await super().aperform(step)

    def wait(self, queue, timeout, tick):
        """Wait until the server tells that the queue has changed."""
        self._sleep(queue, partial(self._has_changed, queue, tick), timeout)

    def wait_for(self, queue, job_id, timeout):
        """Wait until the server tells that jobs of the queue have ended."""
        self._sleep(_endings_of(queue), Watch(self, queue, job_id, timeout).seen, timeout)

    def _sleep(self, what, look, timeout):
        told = threading.Event()
        with self._listening().watch(what, told.set):
            # Only now, so that no change falls between the look and the wait.
            if not look():
                told.wait(timeout)

    async def _await(self, what, look, timeout):
        told, loop = asyncio.Event(), asyncio.get_running_loop()
        listener = await asyncio.to_thread(self.perform, self._listening)
        with listener.watch(what, partial(loop.call_soon_threadsafe, told.set)):
            if not await asyncio.to_thread(self.perform, look):
                with suppress(asyncio.TimeoutError):
                    await asyncio.wait_for(told.wait(), timeout)

    def _has_changed(self, queue, tick):
        with self._connections().connection() as connection:
            row = connection.execute("SELECT tick FROM queues WHERE name = %s", (queue,)).fetchone()
        return (row[0] if row else 0) != tick

    def _connections(self):
        self._notice_fork()
        with self._lock:
            if self._pool is None:
                with self._connect() as connection:
                    lay_out(connection, self._schema)
                self._pool = ConnectionPool(
                    self._conninfo,
                    kwargs={"autocommit": True, "prepare_threshold": 0},
                    min_size=0,
                    max_size=self._most,
                    timeout=self._timeout,
                    reconnect_timeout=self._timeout,
                    configure=keep_all_characters,
                    num_workers=1,
                    open=True,
                )
            return self._pool

    def _listening(self):
        self._connections()
        with self._lock:
            if self._listener is None or self._listener.has_ended:
                self._listener = Listener(self._connect(), self._schema)
            return self._listener

    def _connect(self):
        return psycopg.connect(self._conninfo, autocommit=True)

    def _notice_fork(self):
        if os.getpid() != self._process:
            # A connection must not be used on the other side of a fork, and not be closed there either.
            _inherited.append((self._pool, self._listener))
            self._forget()

    def close(self):
        """Close this process's connections; the next operation opens new ones."""
        self._hang_up()
        with self._lock:
            listener, self._listener = self._listener, None
        if listener is not None:
            listener.close()

    def _hang_up(self):
        self._notice_fork()
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.close()

    async def aclose(self):
        """Do as `close`."""
        await asyncio.to_thread(self.close)


#: What came over a fork, kept so that nothing closes it.
_inherited = []


def _endings_of(queue):
    """Return what those listen for who wait for a job of a queue to end."""
    return f"{queue} ended"


def _changes(tables):
    """Count the changes of a queue that concern those who wait: all its ticks but those of jobs that were claimed."""
    return tables.queue.tick - tables.queue.claimed

"""Jobs in an SQLite file: one host, any number of processes, durable, no server; the embedded default."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from random import uniform
from typing import Any, Final, TypeVar
from urllib.parse import unquote, urlsplit

from ranch.backends.sql import ADD_QUEUE, NO_QUEUE, SELECT_QUEUE, SQLTables
from ranch.backends.sql_layout import LAYOUT, Dialect, statements
from ranch.backends.tables import TableBackend
from ranch.exceptions import BackendError, BackendUnavailable, ConfigError
from ranch.typing import Clock

R = TypeVar("R")

# How long to wait before asking again for a lock that another process holds, and for a change, in seconds. SQLite's
# own busy handler sleeps up to 100 ms and is unfair: with eight processes the worst claim took a second.
_LOCK_PAUSE: Final = (0.0002, 0.002)
_WAIT_PAUSE: Final = 0.005
# Of what SQLite calls operational, what does not pass by itself.
_LASTING: Final = ("disk is full", "readonly database")

# One page in so many may be free, for the next jobs; of more than these a part goes back to the file system, so many at
# a time. The file shrinks when SQLite checkpoints it: after 1,000 pages of changes, or when the last one closes it.
_SPARE: Final = 4
_PAGES_PER_CALL: Final = 256

_DIALECT: Final = Dialect(
    integer="INTEGER",
    real="REAL",
    text="TEXT",
    bytes="BLOB",
    boolean="INTEGER",
    number="INTEGER",
    by_key=" WITHOUT ROWID",
)


class SQLiteTables(SQLTables):
    """The rows of one queue, in a file that gives back what it does not need."""

    def __init__(self, connection: sqlite3.Connection, row: tuple[Any, ...], now: float) -> None:
        super().__init__(connection.execute, row, now)
        self._connection = connection

    def shrink(self) -> None:
        query = self._connection.execute
        (pages,), (free,) = (query(f"PRAGMA {name}_count").fetchone() for name in ("page", "freelist"))
        for _ in range(min(free - pages // _SPARE, _PAGES_PER_CALL)):
            # One by one: Python takes one step of a statement that returns nothing, and that is one page.
            query("PRAGMA incremental_vacuum(1)")


class SQLiteBackend(TableBackend):
    """Keeps queues in one file, in WAL mode.

    Any number of threads and processes of one host may work on it; one of them writes at a time. Not for network file
    systems. A killed process loses nothing that was committed; with ``synchronous="NORMAL"`` a power cut may lose the
    last commits, never damage the file; ``"FULL"`` waits for the disk at each.

    Args:
        url: ``sqlite:///relative.db``, from the working directory, or ``sqlite:////absolute.db``.
        synchronous: ``"NORMAL"`` or ``"FULL"``.
        lock_timeout: Seconds to wait for the file while others write, before `BackendUnavailable`.
        clock: The time; by default the host's.
    """

    def __init__(
        self,
        url: str,
        *,
        synchronous: str = "NORMAL",
        lock_timeout: float = 30.0,
        clock: Clock = time.time,
    ) -> None:
        self.path = _path(url)
        if synchronous not in {"NORMAL", "FULL"}:
            raise ConfigError(f"synchronous is 'NORMAL' or 'FULL', not {synchronous!r}", where=url)
        self._synchronous = synchronous
        self._lock_timeout = lock_timeout
        self._clock = clock
        self._forget()

    def _forget(self) -> None:
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def begin(self, queue: str, *, reading: bool = False) -> Iterator[SQLiteTables]:
        """Take the file's lock for writers; those who read see the file as it is when they begin."""
        with self._open() as connection:
            self._patiently(lambda: connection.execute("BEGIN" if reading else "BEGIN IMMEDIATE"))
            try:
                row = connection.execute(SELECT_QUEUE, (queue,)).fetchone()
                if row is None and not reading:
                    connection.execute(ADD_QUEUE, (queue,))
                    row = connection.execute(SELECT_QUEUE, (queue,)).fetchone()
                tables = SQLiteTables(connection, row or NO_QUEUE, round(self._clock(), 3))
                yield tables
                tables.finish()
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    def wait(self, queue: str, timeout: float, tick: int) -> None:
        """Look at the queue's tick every 5 milliseconds."""
        until = time.monotonic() + timeout
        while (left := until - time.monotonic()) > 0:
            with self._open() as connection:
                row = connection.execute("SELECT tick FROM queues WHERE name = ?", (queue,)).fetchone()
            if row and row[0] != tick:
                return
            time.sleep(min(_WAIT_PAUSE, left))

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        """Give this process's connection, to one thread at a time, and turn SQLite's errors into ours."""
        if os.getpid() != self._process:
            # A connection must not be used on the other side of a fork, and not be closed there either.
            _inherited.append(self._connection)
            self._forget()
        with self._lock:
            try:
                if self._connection is None:
                    self._connection = self._patiently(self._connect)
                yield self._connection
            except sqlite3.OperationalError as exc:
                kind = BackendError if any(words in str(exc) for words in _LASTING) else BackendUnavailable
                raise kind(f"SQLite file {self.path}: {exc}. Nothing was changed") from exc
            except sqlite3.Error as exc:
                raise BackendError(f"SQLite file {self.path}: {exc}") from exc

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False, timeout=0)
        try:
            # A file that is as it should be is opened without the lock, so whoever only reads waits for nobody.
            known = connection.execute("PRAGMA user_version").fetchone() == (LAYOUT,)
            if not known:
                connection.execute("PRAGMA auto_vacuum = INCREMENTAL")  # of a new file, before all else
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute(f"PRAGMA synchronous = {self._synchronous}")
            if not known:
                connection.execute("BEGIN IMMEDIATE")
                self._lay_out(connection)
                connection.execute("COMMIT")
        except BaseException:
            connection.close()
            raise
        return connection

    def _lay_out(self, connection: sqlite3.Connection) -> None:
        (layout,) = connection.execute("PRAGMA user_version").fetchone()
        if layout not in {0, LAYOUT}:
            raise BackendError(f"SQLite file {self.path} has layout {layout}, this version of ranch knows {LAYOUT}")
        for statement in statements(_DIALECT):
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {LAYOUT}")

    def _patiently(self, action: Callable[[], R]) -> R:
        """Do something that needs the lock on the file, again and again until it is free."""
        until = time.monotonic() + self._lock_timeout
        while True:
            try:
                return action()
            except sqlite3.OperationalError as exc:
                if "locked" not in str(exc) or time.monotonic() > until:
                    raise
                time.sleep(uniform(*_LOCK_PAUSE))

    def close(self) -> None:
        """Close this process's connection; the next operation opens one."""
        if os.getpid() == self._process:
            with self._lock:
                if self._connection is not None:
                    self._connection.close()
                    self._connection = None

    async def aclose(self) -> None:
        """Do as `close`."""
        self.close()


#: Connections that came over a fork, kept so that nothing closes them.
_inherited: list[sqlite3.Connection | None] = []


def _path(url: str) -> str:
    parts = urlsplit(url)
    path = unquote(parts.path.removeprefix("/"))
    if parts.netloc or parts.query or parts.fragment or not path:
        raise ConfigError(
            f"{url!r}: expected sqlite:///relative/path.db or, with four slashes, sqlite:////absolute/path.db",
            where="backend",
        )
    # Absolute at once: a daemon may change its working directory later.
    return str(Path(path).absolute())

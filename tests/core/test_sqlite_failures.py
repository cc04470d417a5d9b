"""SQLite files that are locked, full, read-only, damaged, or not there."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing

import pytest

from ranch import Queue
from ranch.backends.sqlite import SQLiteBackend
from ranch.exceptions import BackendError, BackendUnavailable

_LOCK = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("locked", flush=True)
sys.stdin.read()
"""
_STOP = """
import os, signal, sys
from ranch import Queue
from ranch.strategies import WeightedLRU
enter = WeightedLRU.enter
def stop(*args):
    os.kill(os.getpid(), signal.SIGSTOP)
    return enter(*args)
WeightedLRU.enter = stop  # which is asked in the middle of an enqueue
Queue("q", backend=f"sqlite:///{sys.argv[1]}").enqueue("b", "of the one that is stopped")
"""
_FILL = """
import resource, signal, sys
from ranch import Queue
from ranch.exceptions import BackendError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
if len(sys.argv) > 2:
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000_000, 2_000_000))
queue = Queue("q", backend=f"sqlite:///{sys.argv[1]}")
stored = 0
try:
    while True:
        queue.enqueue_many([("a", "x" * 1000)] * 20)
        stored += 20
except BackendError as exc:
    print(type(exc).__name__, exc, file=sys.stderr)
print(stored, queue.stats().pending)
"""


@pytest.fixture
def path(tmp_path):
    """A file with one job in it."""
    path = tmp_path / "ranch.db"
    with Queue("q", backend=f"sqlite:///{path}") as queue:
        queue.enqueue("a", 1)
    return path


def fill(path, *arguments, before=()):
    """Store jobs until there is no more room, in a process of its own; return how many it counts, and what it saw."""
    command = [*before, sys.executable, "-c", _FILL, str(path), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode and "mount" in done.stderr:
        pytest.skip(f"a disk of its own is not to be had here: {done.stderr}")
    stored, pending = map(int, done.stdout.split())
    assert stored == pending > 0
    return stored, done.stderr


def test_a_file_that_another_process_keeps_locked(path):
    """Whoever wants to write waits for lock_timeout, and is told that it may do later."""
    backend = SQLiteBackend(f"sqlite:///{path}", lock_timeout=0.3)
    with Queue("q", backend=backend) as queue:
        assert queue.stats().pending == 1
        with subprocess.Popen(
            [sys.executable, "-c", _LOCK, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        ) as holder:
            assert holder.stdout.readline() == b"locked\n"
            start = time.monotonic()
            with pytest.raises(BackendUnavailable, match="locked"):
                queue.enqueue("a", 2)
            waited = time.monotonic() - start
            holder.stdin.close()

        queue.enqueue("a", 2)

        assert 0.3 <= waited < 25.0  # by default 30
        assert queue.stats().pending == 2


@pytest.mark.skipif(not hasattr(signal, "SIGSTOP"), reason="Windows stops no process")
@pytest.mark.parametrize("then", ["let go on", "killed"])
def test_a_process_that_is_stopped_in_the_middle_of_an_operation(path, then):
    """It keeps the lock; let go on it ends what it was in, killed it has never begun."""
    with Queue("q", backend=SQLiteBackend(f"sqlite:///{path}", lock_timeout=0.3)) as queue:
        other = subprocess.Popen([sys.executable, "-c", _STOP, str(path)])
        try:
            _, status = os.waitpid(other.pid, os.WUNTRACED)
            assert os.WIFSTOPPED(status)

            with pytest.raises(BackendUnavailable, match="locked"):
                queue.enqueue("a", 2)
            assert queue.stats().enqueued == 1
            if then == "let go on":
                other.send_signal(signal.SIGCONT)
                assert other.wait(60.0) == 0
        finally:
            other.kill()
            other.wait()

        queue.enqueue("a", 2)
        assert queue.check() == []
        assert queue.stats().enqueued == (3 if then == "let go on" else 2)


@pytest.mark.skipif(not shutil.which("unshare"), reason="only Linux lets a process have a disk of its own")
def test_a_disk_that_is_full(tmp_path):
    """What does not fit is refused whole, and all that was confirmed is there."""
    own_disk = f'mount -t tmpfs -o size=2m none {tmp_path} && exec "$@"'

    _, said = fill(tmp_path / "ranch.db", before=("unshare", "-rm", "sh", "-c", own_disk, "sh"))

    assert said.startswith("BackendError SQLite file ")
    assert "disk is full. Nothing was changed" in said


def test_a_file_that_may_not_grow(tmp_path):
    """The same of a quota, and nothing is damaged by it: when there is room the work goes on."""
    path = tmp_path / "ranch.db"
    stored, said = fill(path, "with a limit")
    with Queue("q", backend=f"sqlite:///{path}") as queue:
        queue.enqueue("a", 1)

        assert queue.stats().pending == stored + 1
    assert said.startswith("BackendUnavailable SQLite file ")
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)


def test_a_file_that_may_not_be_written(path):
    """It will not pass by itself, so it is no absence."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")  # so that no other file is needed to read it
    with Queue("q", backend=SQLiteBackend(f"sqlite:///{path}")) as queue:
        queue.backend._connect = lambda: _read_only(path)

        with pytest.raises(BackendError, match="readonly") as caught:
            queue.enqueue("a", 2)

    assert type(caught.value) is BackendError


def _read_only(path):
    return sqlite3.connect(f"file:{path}?mode=ro", uri=True, isolation_level=None, check_same_thread=False)


@pytest.mark.parametrize("damage", [b"not a database at all" * 100, None], ids=["another file", "pages overwritten"])
def test_a_damaged_file(path, damage):
    """It is named, and nothing is guessed from what is left."""
    if damage is None:
        with closing(sqlite3.connect(path)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        damage = path.read_bytes()[:100] + os.urandom(path.stat().st_size - 100)
    path.write_bytes(damage)

    with Queue("q", backend=f"sqlite:///{path}") as queue, pytest.raises(BackendError, match=r"ranch\.db: ") as caught:
        queue.stats()

    assert type(caught.value) is BackendError


def test_a_folder_that_is_not_there(tmp_path):
    """A file is made, a folder is not."""
    queue = Queue("q", backend=f"sqlite:///{tmp_path}/nowhere/ranch.db")

    with pytest.raises(BackendUnavailable, match="unable to open"):
        queue.stats()

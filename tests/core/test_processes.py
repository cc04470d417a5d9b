"""Several processes on one store, some of which die."""

from __future__ import annotations

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ranch import BackendUnavailable, Queue
from ranch.backends.memory import MemoryBackend
from ranch.testing.waiting import wait_until

JOBS = 10_000


@contextmanager
def process(*args: str, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of the fleet; what it prints goes to a file, and it ends with the block."""
    with output.open("wb") as out:
        running = subprocess.Popen([sys.executable, "-m", "tests.core.fleet", *args], stdout=out)
        try:
            yield running
        finally:
            running.kill()
            running.wait()


def test_many_processes_lose_nothing_and_run_nothing_twice(shared_url: str, tmp_path: Path) -> None:
    """Four processes enqueue 10,000 jobs while two work: each job runs exactly once."""
    queue = Queue("fleet", backend=shared_url)
    outputs = [tmp_path / f"worker{n}" for n in range(2)]
    with ExitStack() as stack:
        for output in outputs:
            stack.enter_context(process("work", shared_url, output=output))
        producers = [
            stack.enter_context(
                process("enqueue", shared_url, str(n * JOBS // 4), str(JOBS // 4), output=tmp_path / f"producer{n}")
            )
            for n in range(4)
        ]
        assert [producer.wait(100) for producer in producers] == [0] * 4
        wait_until(lambda: queue.stats().acked == JOBS, timeout=100, interval=0.1)

    ran = [int(line) for output in outputs for line in output.read_text().splitlines()]
    assert sorted(ran) == list(range(JOBS))
    stats = queue.stats()
    assert (stats.pending, stats.delayed, stats.leased, stats.reclaimed) == (0, 0, 0, 0)
    assert (stats.enqueued, stats.claimed) == (JOBS, JOBS)


def test_a_killed_process_loses_nothing(shared_url: str, tmp_path: Path) -> None:
    """After kill -9 of a holder of leases, its jobs are claimed again when these end: at the front of their lanes."""
    queue = Queue("fleet", backend=shared_url)
    queue.enqueue_many([("a", f"a{n}") for n in range(5)] + [("b", f"b{n}") for n in range(5)])
    output = tmp_path / "holder"
    with process("hold", shared_url, "4", "1.5", output=output) as holder:
        wait_until(lambda: output.read_text().endswith("\n"))
        assert output.read_text().split() == ["a0", "b0", "a1", "b1"]
        assert queue.stats().leased == 4
        holder.kill()
        holder.wait()

    wait_until(lambda: queue.reclaim() or queue.stats().reclaimed == 4)

    assert queue.stats().leased == 0
    served = [lease.job.payload for lease in queue.claim_many(10)]
    assert [name for name in served if name[0] == "a"] == [f"a{n}" for n in range(5)]
    assert [name for name in served if name[0] == "b"] == [f"b{n}" for n in range(5)]


def _enqueue_in_child(queue: Queue) -> None:
    queue.enqueue("acme", "from the child")


def test_a_queue_may_be_carried_over_a_fork(shared_url: str) -> None:
    """Parent and child go on with connections of their own, as in a prefork worker."""
    queue = Queue("fleet", backend=shared_url)
    queue.enqueue("acme", "from the parent")

    child = multiprocessing.get_context("fork").Process(target=_enqueue_in_child, args=(queue,))
    child.start()
    child.join(30)

    assert child.exitcode == 0
    queue.enqueue("acme", "from the parent again")
    payloads = [lease.job.payload for lease in queue.claim_many(10)]
    assert payloads == ["from the parent", "from the child", "from the parent again"]


def _refused_in_child(queue: Queue) -> None:
    try:
        queue.enqueue("acme", 1)
    except BackendUnavailable as exc:
        assert "sqlite://" in str(exc)  # noqa: PT017 - in a child, where pytest does not look
    else:
        raise AssertionError("a child enqueued into a copy of the parent's memory")


def test_memory_says_so_when_it_is_carried_over_a_fork() -> None:
    """The child is told, instead of working on a copy that nobody else sees."""
    queue = Queue("fleet", backend=MemoryBackend())

    child = multiprocessing.get_context("fork").Process(target=_refused_in_child, args=(queue,))
    child.start()
    child.join(30)

    assert child.exitcode == 0

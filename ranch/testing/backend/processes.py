"""Several processes on one store, some of which die."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import ClassVar

from ranch.queue import Queue
from ranch.testing.backend.case import BackendCase
from ranch.testing.forking import Child
from ranch.testing.waiting import wait_until


@contextmanager
def process(*args: str, output: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run one of the fleet; what it prints goes to a file, and it is killed at the end of the block."""
    with output.open("wb") as out:
        running = subprocess.Popen([sys.executable, "-m", "ranch.testing.backend.fleet", *args], stdout=out)
        try:
            yield running
        finally:
            running.kill()
            running.wait()


class Processes(BackendCase):
    """What holds between processes, whenever one is killed."""

    #: How many jobs the fleet has to do.
    fleet_jobs: ClassVar[int] = 10_000
    #: How many enqueuers, and as many workers, are killed while they work.
    kills: ClassVar[int] = 4

    def test_many_processes_lose_nothing_and_run_nothing_twice(self, shared_url: str) -> None:
        """Four processes enqueue while two work: each job runs exactly once."""
        jobs, queue = self.fleet_jobs, Queue("fleet", backend=shared_url)
        outputs = [self.tmp_path / f"worker{n}" for n in range(2)]
        with ExitStack() as stack:
            for output in outputs:
                stack.enter_context(process("work", shared_url, output=output))
            producers = [
                stack.enter_context(
                    process("enqueue", shared_url, str(n * jobs // 4), str(jobs // 4), output=self.tmp_path / f"in{n}")
                )
                for n in range(4)
            ]
            assert [producer.wait(100) for producer in producers] == [0] * 4
            wait_until(lambda: queue.stats().acked == jobs, timeout=100, interval=0.1)

        assert sorted(number for output in outputs for number in _numbers(output)) == list(range(jobs))
        stats = queue.stats()
        assert (stats.pending, stats.delayed, stats.leased, stats.reclaimed) == (0, 0, 0, 0)
        assert (stats.enqueued, stats.claimed) == (jobs, jobs)
        queue.close()

    def test_a_killed_holder_loses_nothing(self, shared_url: str) -> None:
        """After SIGKILL of a holder of leases, its jobs are claimed again when these end, first of their lanes."""
        queue = Queue("fleet", backend=shared_url)
        queue.enqueue_many([("a", f"a{n}") for n in range(5)] + [("b", f"b{n}") for n in range(5)])
        output = self.tmp_path / "holder"
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
        queue.close()

    def test_killed_enqueuers_lose_nothing(self, shared_url: str) -> None:
        """Whenever one is killed: each job whose enqueueing returned is there, and a batch is there whole or not."""
        queue, said = Queue("fleet", backend=shared_url), set()
        for kill in range(self.kills):
            output = self.tmp_path / f"in{kill}"
            # The first quarter goes in one by one, so some are killed there, and some in the batches.
            with process("enqueue", shared_url, str(kill * 2000), "2000", output=output) as enqueuer:
                when = 1 + kill * 1500 // self.kills
                wait_until(partial(_has_numbers, output, when), interval=0.001)
                enqueuer.kill()
                enqueuer.wait()
            said |= set(_numbers(output))

        stored = {lease.job.payload for lease in queue.claim_many(2000 * self.kills)}

        assert said <= stored
        # Of each that was killed, the call that it was in is done or not: one job, or a batch of 50.
        unsaid = Counter(number // 2000 for number in stored - said)
        assert set(unsaid.values()) <= {1, 50}
        assert queue.stats().enqueued == queue.stats().leased == len(stored)
        queue.close()

    def test_killed_workers_lose_nothing(self, shared_url: str) -> None:
        """Whenever one is killed, the jobs it held come back: in the end each has run, and none is left."""
        queue = Queue("fleet", backend=shared_url)
        jobs = self.fleet_jobs // 8
        queue.enqueue_many([(f"lane{number % 20}", number) for number in range(jobs)])
        outputs = [self.tmp_path / f"worker{n}" for n in range(self.kills + 1)]
        for number, output in enumerate(outputs, 1):
            with process("work", shared_url, "0.5", output=output) as worker:
                if output is outputs[-1]:
                    wait_until(lambda: queue.stats().acked == jobs, timeout=100, interval=0.05)
                else:
                    wait_until(partial(_has_acked, queue, jobs * number // len(outputs)), timeout=100, interval=0.005)
                worker.kill()
                worker.wait()

        assert {number for output in outputs for number in _numbers(output)} == set(range(jobs))
        stats = queue.stats()
        assert (stats.pending, stats.delayed, stats.leased) == (0, 0, 0)
        assert stats.claimed == jobs + stats.reclaimed
        queue.close()

    def test_a_process_may_be_killed_between_any_two_steps(self, shared_url: str) -> None:
        """Each step leaves the store whole: jobs and counters agree, and all that were not acked can be claimed."""
        output = self.tmp_path / "deaths"
        with process("die", shared_url, output=output) as fleet:
            assert fleet.wait(60) == 0
        queues, survivor = map(int, output.read_text().split())
        assert survivor == 0, "the child that nobody killed failed"
        assert queues > 10

        for number in range(queues):
            queue = Queue(f"die{number}", backend=shared_url)
            stats = queue.stats()
            assert stats.enqueued in {0, 180, 181}
            assert stats.pending + stats.delayed + stats.leased + stats.acked == stats.enqueued
            lanes = [lane.stats for lane in queue.lanes()]
            for name in ("pending", "delayed", "leased", "enqueued", "claimed", "acked", "released", "reclaimed"):
                assert sum(getattr(lane, name) for lane in lanes) == getattr(stats, name)
            claimed = queue.claim_many(200)
            now = queue.stats()
            assert now.pending == 0
            # What is leased and was not claimed here is leased to the dead, for longer than this test runs.
            assert len(claimed) == now.leased - (stats.leased - (now.reclaimed - stats.reclaimed))
            assert len({lease.job.id for lease in claimed}) == len(claimed)
            queue.ack(claimed)
            queue.close()

    def test_a_queue_may_be_carried_over_a_fork(self, shared_url: str) -> None:
        """Parent and child go on with connections of their own, as in a prefork worker."""
        queue = Queue("fleet", backend=shared_url)
        queue.enqueue("acme", "from the parent")

        Child.doing(lambda: queue.enqueue("acme", "from the child")).join()

        queue.enqueue("acme", "from the parent again")
        payloads = [lease.job.payload for lease in queue.claim_many(10)]
        assert payloads == ["from the parent", "from the child", "from the parent again"]
        queue.close()


def _numbers(output: Path) -> list[int]:
    return [int(line) for line in output.read_text().splitlines()]


def _has_numbers(output: Path, count: int) -> bool:
    return len(_numbers(output)) >= count


def _has_acked(queue: Queue, count: int) -> bool:
    return queue.stats().acked >= count

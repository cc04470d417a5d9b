"""Calls that are made together in one event loop, and go together."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
import redis

from ranch import AsyncQueue, AsyncWorker, BackendError, BackendUnavailable
from ranch.backends.redis import RedisBackend
from ranch.testing.proxy import FaultyProxy


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    """A look at the server from beside."""
    with redis.Redis.from_url(redis_url) as client:
        yield client


def reads(client: redis.Redis) -> int:
    """Return how often the server has read from a connection."""
    count: int = client.info("stats")["total_reads_processed"]
    return count


async def test_calls_of_one_turn_are_one_round_trip(redis_url: str, client: redis.Redis) -> None:
    """However many there are, over one connection, and each has the answer to its own question."""
    async with AsyncQueue("q", backend=redis_url) as queue:
        await asyncio.gather(queue.enqueue("warm", 0), queue.stats())
        before = reads(client)

        jobs = await asyncio.gather(*(queue.enqueue(f"lane{number}", number) for number in range(50)))

        assert reads(client) - before <= 3  # and one for the question itself
        assert [job.lane for job in jobs] == [f"lane{number}" for number in range(50)]
        assert [job.id for job in jobs] == sorted(job.id for job in jobs)


async def test_a_claim_sees_what_was_acked_with_it(redis_url: str) -> None:
    """Calls made together are carried out in their order: the lane's one place is free when the claim looks."""
    async with AsyncQueue("q", backend=redis_url) as queue:
        await queue.lane("acme").limit(max_in_flight=1)
        await queue.enqueue_many([("acme", number) for number in range(20)])
        await queue.ack([await queue.claim()])  # type: ignore[list-item]  # whose script the server knows from now on
        lease = await queue.claim()

        for number in range(2, 20):
            assert lease is not None
            _, lease = await asyncio.gather(queue.ack([lease]), queue.claim())
            assert lease is not None
            assert lease.job.payload == number


async def test_what_is_no_script_is_answered_as_ever(redis_url: str) -> None:
    """Who has a job is read by a plain command, whose answer the client puts into shape; so is what is checked."""
    async with AsyncQueue("q", backend=redis_url) as queue:
        await queue.enqueue("acme", 1)
        lease = await queue.claim()
        assert lease is not None
        found = await queue.explain(lease.job.id)

        assert (found.state, found.at) == ("leased", lease.deadline)
        assert await queue.check() == []


async def test_one_slot_costs_one_round_trip_a_job(redis_url: str, client: redis.Redis) -> None:
    """A job is acked in the round trip that claims the next one, and before it: one lease is held at a time."""
    async with AsyncQueue("q", backend=redis_url) as queue, AsyncQueue("q", backend=redis_url) as spectator:
        held, counts = [], []

        @queue.task
        async def look() -> None:
            counts.append(reads(client))

        @queue.task
        async def count() -> None:
            held.append((await spectator.stats()).leased)

        for task in (look, count):
            await queue.enqueue_many([(f"lane{number % 3}", {"task": task.name}) for number in range(30)])
            await AsyncWorker(queue, concurrency=1, burst=True).run()

        # One for each job, and one for each look; a reply may be long enough for two.
        assert counts[-1] - counts[5] <= 24 * 2 + 6
        assert held == [1] * 30


async def test_a_refusal_is_one_call_s_own(redis_url: str, client: redis.Redis) -> None:
    """What the server does not take, others that were sent with it do not hear of."""
    backend = RedisBackend(redis_url)
    good, bad = AsyncQueue("good", backend=backend), AsyncQueue("bad", backend=backend)
    client.set("{ranch:bad}:meta", "mine")

    results = await asyncio.gather(
        good.enqueue("a", 1), bad.enqueue("a", 1), good.enqueue("a", 2), return_exceptions=True
    )

    assert [type(result).__name__ for result in results] == ["Job", "BackendError", "Job"]
    assert isinstance(results[1], BackendError)
    assert (await good.stats()).pending == 2
    await backend.aclose()


async def test_who_is_cancelled_leaves_the_others_their_answers(redis_url: str) -> None:
    """Before the question is sent, and while its answer is on its way."""
    async with AsyncQueue("q", backend=redis_url) as queue:
        await queue.enqueue("warm", 0)
        for turns in range(8):
            calls = [asyncio.ensure_future(queue.enqueue(f"lane{number}", number)) for number in range(10)]
            for _ in range(turns):
                await asyncio.sleep(0)
            for call in calls[::2]:
                call.cancel()

            jobs = await asyncio.gather(*calls, return_exceptions=True)

            assert [job.lane for job in jobs[1::2]] == [f"lane{number}" for number in range(1, 10, 2)]
            assert isinstance(await queue.enqueue("last", turns), type(jobs[1]))


async def test_a_connection_that_was_cut_is_made_anew(proxy: FaultyProxy) -> None:
    """All that were sent together are sent again, and nobody notices."""
    async with AsyncQueue("q", backend=proxy.url) as queue:
        await queue.enqueue("a", 1)
        proxy.cut()

        answers = await asyncio.gather(*(queue.stats() for _ in range(5)))

        assert [stats.pending for stats in answers] == [1] * 5


async def test_a_connection_that_is_cut_fails_all_that_were_sent_together(proxy: FaultyProxy) -> None:
    """Each hears that the store was away, and the next calls go over a new connection."""
    async with AsyncQueue("q", backend=RedisBackend(proxy.url, retries=0)) as queue:
        await queue.enqueue("a", 1)
        proxy.lose_answers()

        results = await asyncio.gather(*(queue.stats() for _ in range(5)), return_exceptions=True)

        assert [type(result) for result in results] == [BackendUnavailable] * 5
        assert (await queue.stats()).pending == 1

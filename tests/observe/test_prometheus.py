"""What Prometheus is given, read as it reads it."""

from __future__ import annotations

import pytest
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from ranch import Queue, Retry
from ranch.hooks.details import BackendDown, BackendUp
from ranch.hooks.manager import Plugins
from ranch.observe.prometheus import Prometheus, StoreCollector
from ranch.testing import FakeClock
from ranch.typing import Backend


@pytest.fixture
def registry() -> CollectorRegistry:
    """An empty one, as strict as the one that Prometheus's client has."""
    return CollectorRegistry(auto_describe=True)


def scraped(registry: CollectorRegistry) -> dict[str, float]:
    """Return what a scrape gets: each sample by its name and labels."""
    return {
        sample.name + "".join(f"|{value}" for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(generate_latest(registry).decode())
        for sample in family.samples
        if not sample.name.endswith("_created")
    }


def _work(queue: Queue, clock: FakeClock) -> None:
    """Let everything happen once that can happen to a job."""
    queue.enqueue_many([("acme", n) for n in range(5)])
    clock.advance(3)
    done, again, dead, back = queue.claim_many(4)
    done.ack()
    again.fail("away", retry=Retry.fixed(100))
    dead.fail("away", retry=Retry.never())
    back.release()
    queue.purge()
    queue.enqueue("acme", 1, expires=5)
    clock.advance(5)
    assert queue.claim() is None


def test_all_that_happens_is_counted(backend: Backend, clock: FakeClock, registry: CollectorRegistry) -> None:
    """By the queue alone, and the times are in the buckets that they belong to."""
    plugins = Plugins([Prometheus(registry)])
    _work(Queue("mail", backend=backend, plugins=plugins), clock)
    samples = scraped(registry)

    assert {name: samples[f"ranch_jobs_{name}_total|mail"] for name in ("enqueued", "claimed", "finished")} == {
        "enqueued": 6,
        "claimed": 4,
        "finished": 1,
    }
    assert [samples[f"ranch_jobs_{name}_total|mail"] for name in ("released", "failed", "retried", "dead")] == [
        1,
        2,
        1,
        1,
    ]
    assert [samples[f"ranch_jobs_{name}_total|mail"] for name in ("expired", "cancelled")] == [1, 3]
    assert samples["ranch_job_wait_seconds_bucket|2.5|mail"] == 0
    assert samples["ranch_job_wait_seconds_bucket|5.0|mail"] == samples["ranch_job_wait_seconds_count|mail"] == 4
    assert samples["ranch_job_run_seconds_count|mail"] == 3
    assert plugins.events.errors == 0


def test_lanes_are_a_label_only_if_asked_for(backend: Backend, registry: CollectorRegistry) -> None:
    """Each is a series for ever."""
    other = CollectorRegistry()
    plugins = Plugins([Prometheus(registry, lanes=True), Prometheus(other)])
    queue = Queue("mail", backend=backend, plugins=plugins)
    queue.enqueue_many([("acme", 1), ("zoe", 1), ("zoe", 2)])
    queue.ack(queue.claim_many(3))

    assert scraped(registry)["ranch_jobs_enqueued_total|acme|mail"] == 1
    assert scraped(registry)["ranch_job_run_seconds_count|zoe|mail"] == 2
    assert scraped(other)["ranch_jobs_enqueued_total|mail"] == 3
    assert not [name for name in scraped(other) if "zoe" in name]
    assert plugins.events.errors == 0


def test_a_backend_that_is_away_is_shown(registry: CollectorRegistry) -> None:
    """And that it is back."""
    events = Plugins([Prometheus(registry)]).events
    assert events.backend_down
    assert events.backend_up
    events.backend_down(BackendDown(url="redis://host", error=OSError("x")))
    away = scraped(registry)
    events.backend_up(BackendUp(url="redis://host", seconds=5))

    assert (away["ranch_backend_up|redis://host"], scraped(registry)["ranch_backend_up|redis://host"]) == (0, 1)


def test_what_the_stores_hold_is_read_when_it_is_asked_for(
    backend: Backend, clock: FakeClock, registry: CollectorRegistry
) -> None:
    """Gauges of now, counters of the whole fleet; the collector's own process did none of it."""
    queue, other = Queue("mail", backend=backend), Queue("sms", backend=backend)
    registry.register(StoreCollector([queue, other]))
    _work(queue, clock)
    queue.enqueue_many([("acme", 1), ("zoe", 2)])
    queue.enqueue("zoe", 3, delay=60)
    assert queue.claim() is not None
    samples = scraped(registry)
    stats = queue.stats()

    for name in ("pending", "delayed", "leased", "dead", "lanes", "backlogged", "blocked"):
        assert samples[f"ranch_queue_{name}|mail"] == getattr(stats, name)
        assert samples[f"ranch_queue_{name}|sms"] == 0
    for name in ("enqueued", "claimed", "acked", "released", "failed", "retried", "died", "expired", "cancelled"):
        assert samples[f"ranch_queue_{name}_total|mail"] == getattr(stats, name) > 0
    assert samples["ranch_queue_oldest_wait_seconds|mail"] > 0
    assert samples["ranch_queue_oldest_wait_seconds|sms"] == 0
    assert samples["ranch_queue_up|mail"] == 1


def test_of_too_many_lanes_the_oldest_wait_is_left_out(backend: Backend, registry: CollectorRegistry) -> None:
    """It would cost a round trip for each."""
    queue = Queue("mail", backend=backend)
    queue.enqueue_many([("acme", 1), ("zoe", 1)])
    registry.register(StoreCollector([queue], oldest_wait_lanes=1))

    assert "ranch_queue_oldest_wait_seconds|mail" not in scraped(registry)
    assert scraped(registry)["ranch_queue_pending|mail"] == 2


def test_a_store_that_is_away_does_not_take_the_other_numbers_with_it(
    own_redis, registry: CollectorRegistry, caplog: pytest.LogCaptureFixture
) -> None:
    """Its queue is down, and the others are there."""
    with Queue("mail", backend=f"{own_redis.url}", breaker_failures=1) as away, Queue("sms", backend="memory://") as up:
        registry.register(StoreCollector([away, up]))
        before = scraped(registry)
        own_redis.kill()
        samples = scraped(registry)

    assert before["ranch_queue_up|mail"] == 1
    assert (samples["ranch_queue_up|mail"], samples["ranch_queue_up|sms"]) == (0, 1)
    assert "ranch_queue_pending|mail" not in samples
    assert "no numbers of queue 'mail'" in caplog.text

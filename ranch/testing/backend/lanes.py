"""What is kept of a lane: its weight, tags and data, and its numbers."""

from __future__ import annotations

from ranch.queue import Queue
from ranch.testing.backend.case import BackendCase, claimed
from ranch.testing.clock import FakeClock
from ranch.typing import Backend


class LanesOfAQueue(BackendCase):
    """Changing lanes, and reading them."""

    def test_weights_tags_and_data_are_kept_and_merged(self, queue: Queue) -> None:
        """An update changes what it names, removes what it sets to None, and leaves the rest."""
        lane = queue.lane("acme")
        lane.update(weight=0.5, tags={"tier": "gold", "region": "eu"}, data={"bid": 3, "plan": {"seats": [1, 2]}})
        lane.update(tags={"region": None}, data={"note": "ü"})
        queue.lane("globex").update(tags={"tier": "silver"})

        read = lane.read()

        assert (read.weight, read.tags) == (0.5, {"tier": "gold"})
        assert read.data == {"bid": 3, "plan": {"seats": [1, 2]}, "note": "ü"}
        assert [lane.key for lane in queue.lanes(tag=("tier", "gold"))] == ["acme"]
        assert [lane.key for lane in queue.lanes()] == ["acme", "globex"]
        assert queue.lane("never used").read().weight == 1.0

    def test_a_new_weight_acts_on_the_backlog(self, queue: Queue) -> None:
        """Half the weight is twice the share, for jobs that were waiting already."""
        queue.enqueue_many([(lane, lane) for _ in range(40) for lane in "ab"])
        queue.lane("a").update(weight=0.5)

        assert sum(lane == "a" for lane in claimed(queue, 30)) in {19, 20, 21}

    def test_a_new_bid_acts_on_the_backlog(self, backend: Backend) -> None:
        """Who raises the bid while waiting goes first at once."""
        queue = Queue("gpu", backend=backend, strategy="bid")
        queue.enqueue_many([(lane, lane) for lane in "abc"])
        queue.lane("b").update(data={"bid": 2})
        queue.lane("c").update(data={"bid": 5})

        assert claimed(queue) == ["c", "b", "a"]

    def test_counters_tell_what_happened(self, queue: Queue, clock: FakeClock) -> None:
        """A lane's numbers add up, and a queue's are the sums over its lanes."""
        queue.enqueue_many([("acme", n) for n in range(5)])
        queue.enqueue("acme", "later", delay=60)
        queue.enqueue("globex", 1)
        done, back, _lost = queue.claim_many(3, lease=10)
        done.ack()
        back.release()
        clock.advance(10)
        queue.reclaim()

        stats = queue.stats()

        assert (stats.enqueued, stats.claimed, stats.acked, stats.released, stats.reclaimed) == (7, 3, 1, 1, 1)
        assert (stats.pending, stats.delayed, stats.leased, stats.lanes, stats.backlogged) == (5, 1, 0, 2, 2)
        per_lane = [lane.stats for lane in queue.lanes()]
        assert sum(lane.pending for lane in per_lane) == stats.pending
        assert sum(lane.enqueued for lane in per_lane) == stats.enqueued

    def test_lanes_have_any_name(self, queue: Queue) -> None:
        """Up to 256 characters of any kind, and none is taken for another."""
        names = [" ", "a:b", "{a}", "%00", "a\x00b", "ü" * 256, "🐴", "'; --", "a", "A"]
        queue.enqueue_many([(name, name) for name in names])

        assert [lane.key for lane in queue.lanes()] == sorted(names)
        assert sorted(map(str, claimed(queue))) == sorted(names)

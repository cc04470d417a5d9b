"""What a worker holds of a queue is settled, whatever the store does meanwhile."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ranch import BackendUnavailable, Queue
from ranch.backends.memory import MemoryBackend
from ranch.celery.leases import Leases


class Store(MemoryBackend):
    """Is away while it is told to be, and does something before it answers."""

    away = False
    before: Callable[[], object] = staticmethod(lambda: None)

    def perform(self, step: Any) -> Any:
        if self.away:
            raise BackendUnavailable("out for lunch")
        self.before()
        return super().perform(step)


def test_a_lease_may_be_lost_while_others_are_settled() -> None:
    """As after an outage longer than a lease: the heartbeat learns of it in the middle, and the rest are settled."""
    now = 1000.0
    store = Store(clock=lambda: now)
    with Queue("mail", backend=store, lease=10) as queue, Queue("mail", backend=store) as thief:
        queue.enqueue_many([("acme", number) for number in range(3)])
        first, lost, last = queue.claim_many(3)
        leases = Leases(queue._operations)
        leases.opened([first, lost, last])
        store.away = True
        for lease in (first, lost, last):
            leases.ack(lease)
        assert leases.unsettled == 3

        store.away = False
        queue.renew([first, last], 1000)
        now += 20
        (taken,) = thief.claim_many(3)
        assert taken.job.id == lost.job.id

        store.before = lambda: leases._lost(lost)
        leases.settle()
        leases.stop()
        assert (leases.open, leases.unsettled, queue.stats().acked) == (0, 0, 2)

"""What is wrong with a fleet as it is written down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations, permutations

from ranch.checks import checked_key, did_you_mean
from ranch.exceptions import ConfigError, InvalidJob
from ranch.fleet.members import FleetQueue, FleetWorker
from ranch.hooks.manager import Plugins
from ranch.selection import ANYTHING, Selection


def find_faults(
    store: str, queues: Mapping[str, FleetQueue], workers: Sequence[FleetWorker], plugins: Plugins
) -> Iterator[str]:
    """Say what is wrong, in sentences: of the store, each queue, each worker, and of what they are together."""
    yield from _of_store(store, plugins)
    if not queues:
        yield "there is no queue to work on"
    if not workers:
        yield "there is no worker"
    for name, queue in queues.items():
        yield from (f"queue {name!r}: {fault}" for fault in (*_of_name(name), *queue.faults(plugins)))
    for worker in workers:
        yield from (f"worker {worker.id!r}: {fault}" for fault in (*worker.faults(), *_of_queues(worker, queues)))
    for worker_id, times in Counter(worker.id for worker in workers).items():
        if times > 1:
            yield f"{times} workers have the id {worker_id!r}: each needs one of its own"
    for one, other in combinations(workers, 2):
        if any(one.serves(name) and other.serves(name) for name in queues):
            yield from _assigned_twice(one, other)


def _of_store(store: object, plugins: Plugins) -> Iterator[str]:
    if not isinstance(store, str):
        yield f"store: it is a URL, not {store!r}"
        return
    try:
        # It is reached when it is used, and not before.
        plugins.backend(store).close()
    except ConfigError as exc:
        yield from (f"store: {problem}" for problem in exc.problems)


def _of_name(name: str) -> Iterator[str]:
    try:
        checked_key(name, "queue")
    except InvalidJob as exc:
        yield str(exc)


def _of_queues(worker: FleetWorker, queues: Mapping[str, FleetQueue]) -> Iterator[str]:
    if worker.queues == []:
        yield "it works on no queue: name some, or leave them out for all"
    for name in worker.queues or ():
        if name not in queues:
            yield f"there is no queue {name!r}{did_you_mean(name, queues)}"
    for name, queue in queues.items():
        if worker.serves(name) and worker.timeout and queue.timeout and worker.timeout < queue.timeout:
            yield (
                f"its timeout {worker.timeout:g} is shorter than the {queue.timeout:g} seconds that jobs of queue "
                f"{name!r} may run: raise it, or leave it out"
            )


def _assigned_twice(one: FleetWorker, other: FleetWorker) -> Iterator[str]:
    both = [lane for lane in one.assigned or () if lane in (other.assigned or ())]
    for lane in dict.fromkeys(both):
        yield f"lane {lane!r} is assigned twice, to {one.id!r} and {other.id!r}: let one of them steal it"
    for first, second in permutations((one, other)):
        for pattern in second.assigned or ():
            if ANYTHING in pattern:
                fits = Selection(frozenset(), (pattern,))
                for lane in first.assigned or ():
                    # All that fits a pattern fits another one that its own text fits.
                    if lane != pattern and lane in fits and lane not in both:
                        yield (
                            f"lane {lane!r} is assigned twice, to {first.id!r} and, by {pattern!r}, to {second.id!r}: "
                            "let one of them steal it"
                        )

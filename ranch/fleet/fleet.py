"""A fleet: a store, queues in it, and workers with lanes of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, TypeVar

from attrs import Factory, asdict, field, frozen

from ranch.checks import did_you_mean
from ranch.exceptions import ConfigError
from ranch.fleet.coverage import Coverage
from ranch.fleet.faults import find_faults
from ranch.fleet.forms import plain_form
from ranch.fleet.members import FleetQueue, FleetWorker
from ranch.hooks.manager import Plugins, default_plugins
from ranch.queue import Queue
from ranch.structure import sound, structure
from ranch.worker import Worker

T = TypeVar("T")

DEFAULT_STORE: Final = "sqlite:///ranch.db"
KEYS: Final = ("store", "queues", "workers")


@frozen(kw_only=True)
class Fleet:
    """Which store there is, which queues are in it, and which worker serves which lanes.

    One made by `from_dict` or `read_fleet` was validated; one made by hand is, when `validate` is called.
    """

    #: A URL, as `Queue` takes it.
    store: str = DEFAULT_STORE
    #: By their names.
    queues: Mapping[str, FleetQueue] = field(factory=dict)
    workers: list[FleetWorker] = field(factory=list)
    plugins: Plugins = field(default=Factory(default_plugins), repr=False, eq=False)

    @classmethod
    def from_dict(cls, settings: Any, *, where: str = "fleet", plugins: Plugins | None = None) -> Fleet:
        """Make a fleet of a mapping: ``store``, ``queues``, ``workers``, each as its class has it.

        A single worker may stand under ``worker``; FairQueue's form is taken too: see `plain_form`.

        Args:
            settings: Keys and values.
            where: Where they stand, for messages.
            plugins: Where names are looked up; by default the installed plugins.

        Raises:
            ConfigError: With every fault in it, each with its value and its place.
        """
        if not isinstance(settings, Mapping):
            raise ConfigError(f"expected a mapping of settings, not {settings!r}", where=where)
        plain = plain_form(settings)
        problems = _unknown(plain, where)
        store = plain.get("store", DEFAULT_STORE)
        queues = {
            name: _structured(queue, FleetQueue, f"{where}.queues[{name!r}]", problems)
            for name, queue in plain.get("queues", {}).items()
        }
        workers = [
            _structured(worker, FleetWorker, f"{where}.workers[{number}]", problems, id=f"workers[{number}]")
            for number, worker in enumerate(plain.get("workers", []))
        ]
        fleet = cls(store=store, queues=queues, workers=workers, plugins=plugins or default_plugins())
        if problems := [*problems, *fleet.faults()]:
            raise ConfigError(problems, where=where)
        return fleet

    def to_dict(self) -> dict[str, Any]:
        """Return a mapping of which `from_dict` makes the same fleet; what has its default is left out."""
        return {
            "store": self.store,
            "queues": {name: _said(queue, FleetQueue()) for name, queue in self.queues.items()},
            "workers": [_said(worker, FleetWorker(id="")) for worker in self.workers],
        }

    def validate(self) -> None:
        """Check all of it. No round trip.

        Raises:
            ConfigError: With every fault in it.
        """
        if problems := list(self.faults()):
            raise ConfigError(problems, where="fleet")

    def faults(self) -> Iterator[str]:
        """Say what is wrong, in sentences; nothing is, if there are none."""
        return find_faults(self.store, self.queues, self.workers, self.plugins)

    def coverage(self, lanes: Iterable[str] = (), *, queue: str | None = None) -> Coverage:
        """Tell who serves which lanes. No round trip.

        Args:
            lanes: About which to tell, beside those that are named in the fleet: those in the store, for instance.
            queue: Of which lanes and workers; by default of all.
        """
        return Coverage.of([worker for worker in self.workers if queue is None or worker.serves(queue)], lanes)

    def get_worker(self, worker_id: str) -> FleetWorker:
        """Return a worker by its id.

        Raises:
            ConfigError: There is none.
        """
        for worker in self.workers:
            if worker.id == worker_id:
                return worker
        ids = [worker.id for worker in self.workers]
        raise ConfigError(
            f"there is no worker {worker_id!r}{did_you_mean(worker_id, ids)}; there are {', '.join(map(repr, ids))}",
            where="fleet",
        )

    def open(self, names: Iterable[str] | None = None) -> list[Queue]:
        """Open queues, by default all, on one connection to the store. No round trip; to be closed, any of them."""
        opened: list[Queue] = []
        for name in self.queues if names is None else names:
            queue = self.queues[name]
            opened.append(
                Queue(
                    name,
                    backend=opened[0].backend if opened else self.store,
                    strategy=queue.strategy,
                    weight_function=queue.weight_function,
                    serializer=queue.serializer,
                    lease=queue.lease,
                    metrics_enabled=queue.metrics_enabled,
                    plugins=self.plugins,
                )
            )
        return opened

    def worker(self, worker_id: str, **settings: Any) -> Worker:
        """Make a worker of those written down, and set the limits of its queues: a round trip for each that has some.

        Args:
            worker_id: Its id. That no other runs under it is for `Identity` to say.
            settings: In place of what is written down, and beside it: as `Worker` takes them.

        Raises:
            ConfigError: There is no such worker.
        """
        worker = self.get_worker(worker_id)
        queues = self.open(name for name, _ in self._queues_of(worker))
        for queue in queues:
            if limits := self.queues[queue.name].limits:
                queue.limit(**limits)
        written = {
            "concurrency": worker.concurrency,
            "pool": worker.pool,
            "allow": worker.allow,
            "timeout": {name: queue.timeout or worker.timeout for name, queue in self._queues_of(worker)},
            "drain_timeout": worker.drain_timeout,
            "assigned": worker.assigned,
            "steal": worker.steal,
        }
        return Worker(*queues, **{**written, **settings})

    def _queues_of(self, worker: FleetWorker) -> list[tuple[str, FleetQueue]]:
        return [(name, queue) for name, queue in self.queues.items() if worker.serves(name)]


def _unknown(plain: dict[str, Any], where: str) -> list[str]:
    """Find keys that are unknown, and those of a wrong type, which are taken out."""
    problems = [f"unknown key {key!r}{_instead(key)} @ {where}" for key in plain if key not in KEYS]
    for key, kind, wanted in (
        ("queues", Mapping, "a mapping of names to settings"),
        ("workers", list, "a list, each a mapping of settings"),
    ):
        if key in plain and not isinstance(plain[key], kind):
            problems.append(f"{key} are {wanted}, not {plain.pop(key)!r} @ {where}.{key}")
    return problems


def _instead(key: object) -> str:
    if key == "redis":  # it has more than FairQueue's, or there is a store too
        return ": say where it is by a URL, store = 'redis://localhost:6379/0'"
    return did_you_mean(str(key), KEYS)


def _structured(settings: Any, cls: type[T], where: str, problems: list[str], **needed: Any) -> T:
    """Make a member; of one that cannot be, what can be of it, so that its other faults are told too."""
    try:
        return structure(settings, cls, where=where)
    except ConfigError as exc:
        problems += exc.problems
    left = sound(settings, cls) if isinstance(settings, Mapping) else {}
    return structure({**needed, **left}, cls, where=where)


def _said(member: FleetQueue | FleetWorker, default: FleetQueue | FleetWorker) -> dict[str, Any]:
    plain = asdict(default)
    return {name: value for name, value in asdict(member).items() if name == "id" or value != plain[name]}

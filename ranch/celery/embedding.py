"""The embedding: ranch in a Celery app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from attrs import asdict
from celery import Celery, Signature

from ranch.celery.calls import call_of
from ranch.celery.delivery import batching
from ranch.celery.endings import Endings
from ranch.celery.internals.app import let_sends_return_others, scope_producers, signature_queue, use_amqp
from ranch.celery.message import readable
from ranch.celery.naming import Naming, lane_router
from ranch.celery.settings import read_settings
from ranch.celery.store import open_store
from ranch.celery.weights import weight_function_of
from ranch.config import Config
from ranch.exceptions import ConfigError, InvalidJob
from ranch.hooks.manager import Plugins
from ranch.observe.log import MetricsLog
from ranch.operations import Operations
from ranch.queue import Queue
from ranch.schedule import Schedule
from ranch.typing import Backend

T = TypeVar("T")

#: Keeps the options given to `Ranch` in the app's configuration: only that travels to a process that is spawned.
#: Apart from ``ranch``, which may be set later as a whole. Celery hides keys that begin with an underscore.
_OPTIONS: Final = "_ranch_options"

#: Where an app keeps its ranch.
_ATTRIBUTE: Final = "_ranch"

#: The remote command that tells workers of a change.
UPDATE: Final = "ranch_update"

#: Before the name of a queue, among what is made once.
_QUEUE: Final = "queue "


class Ranch:
    """Ranch in a Celery app: messages that name a lane wait in it, and the app's workers take them in fair order.

    What names no lane is plain Celery. To be called once the app is made; the configuration may come later, for it is
    read when the first message is sent, or when a worker starts. Calling it again gives the same object.

    Settings stand in ``app.conf``: in ``ranch``, a mapping, or each by itself, ``ranch_backend`` and so on.
    See `ranch.config.Config` for what they mean.

    Args:
        app: The app.
        **options: The same settings; they go before those of ``app.conf``.

    Raises:
        ConfigError: The app has an AMQP class that knows no lanes, or other options were given before.
    """

    app: Celery
    _options: dict[str, Any]
    _made: dict[str, Any]
    #: How many messages with a lane went to the broker instead, for the store could not be reached.
    sent_to_broker: int

    def __new__(cls, app: Celery, **options: Any) -> Ranch:
        if not isinstance(app, Celery):
            raise ConfigError(f"expected a Celery app, got {app!r}", where="Ranch(app)")
        ranch = vars(app).get(_ATTRIBUTE)
        if ranch is None:
            ranch = super().__new__(cls)
            ranch._embed(app)
        ranch._add(options)
        return ranch

    def _embed(self, app: Celery) -> None:
        from ranch.celery.bootsteps import PumpStep, WorkerStep
        from ranch.celery.publish import RanchAMQP

        self.app = app
        self._options = {}
        self._made = {}
        self.sent_to_broker = 0
        use_amqp(app, RanchAMQP)
        scope_producers(app, batching)
        let_sends_return_others(app)
        app.steps["worker"].add(WorkerStep)
        app.steps["consumer"].add(PumpStep)
        vars(app)[_ATTRIBUTE] = self

    def _add(self, options: dict[str, Any]) -> None:
        if not options:
            return
        known = asdict(self.config, recurse=False) if self._made else self._options
        differing = [name for name, value in options.items() if name in known and known[name] != value]
        if differing:
            raise ConfigError(
                [
                    f"{name} was {known[name]!r} before, and is {options[name]!r} now: give it once"
                    for name in differing
                ],
                where="Ranch(app)",
            )
        self._options.update(options)
        self.app.conf[_OPTIONS] = dict(self._options)

    @property
    def config(self) -> Config:
        """What was set, read at the first use.

        Raises:
            ConfigError: With every fault that was found.
        """
        return self._once("config", self._read_config)

    @property
    def backend(self) -> Backend:
        """Where the jobs live, opened at the first use."""
        return self._once("backend", lambda: open_store(self.app, self.config, self.plugins))

    @property
    def plugins(self) -> Plugins:
        """The installed plugins, and those that listen for the app."""
        return self._once("plugins", self._load_plugins)

    @property
    def endings(self) -> Endings:
        """What tells whoever waits for a task that it ends without having run."""
        return self._once("endings", lambda: Endings(self.app))

    @property
    def naming(self) -> Naming:
        """How messages come by their lane, as it was set."""
        return self._once("naming", self._read_naming)

    def way_round(self, publish: Callable[[], Any]) -> Callable[[], None] | None:
        """Return what sends a message to the broker while the store is away; None if the app does not want it."""
        if self.config.on_backend_down == "raise":
            return None

        def send() -> None:
            publish()
            self.sent_to_broker += 1

        return send

    def queue(self, name: str | None = None) -> Queue:
        """Return the ranch queue that bears the name of a Celery queue, by default that of the app's default queue."""
        name = name or str(self.app.amqp.default_queue.name)
        return self._once(_QUEUE + name, lambda: Queue(name, **self._settings_of(name)))

    def schedule(
        self, signature: Signature[Any], cron: str | None = None, *, name: str, lane: str, **options: Any
    ) -> Schedule:
        """Put a task into a lane again and again: each run exactly once, with an id and a result of its own.

        No Celery beat is needed: the workers of the queue do it. Two round trips.

        Args:
            signature: Of one task, such as ``report.s("daily")``. Of options it may have ``queue`` and ``time_limit``;
                without a queue it is the one that the task is routed to.
            cron: This and all that follow: as for `Queue.schedule`.
            name: Of the schedule, unique in the queue.
            lane: Whose job it is.
            options: `every`, `timezone`, `missed`, `grace`, and the options of each job.

        Raises:
            InvalidJob: The signature or a value cannot be; nothing was stored.
        """
        call = call_of(signature)
        queue = signature_queue(self.app, signature)
        if queue is None:
            raise InvalidJob(f"{call.task} is routed to an exchange, and lanes need a queue: give it one")
        return self.queue(queue).schedule(cron, call.payload(), name=name, lane=lane, **options)

    def operations(self, name: str) -> Operations:
        """Return the operations of a queue, for whoever drives them in steps."""
        return Operations.open(name, **self._settings_of(name))

    def _settings_of(self, queue: str) -> dict[str, Any]:
        config = self.config
        return {
            "backend": self.backend,
            "strategy": config.strategy_of(queue),
            "weight_function": weight_function_of(self.app, config, queue),
            "weight_refresh": config.weight_refresh,
            "lease": config.lease,
            "policy": config.policy,
            "metrics_enabled": config.metrics_enabled,
            "plugins": self.plugins,
            "serializer": config.serializer,
            "accept": readable(config.serializer),
        }

    def update(
        self, *, strategy: Any = None, strategies: Mapping[str, Any] | None = None, share: float | None = None
    ) -> None:
        """Change settings while workers run; what is not named stays. All is checked before anything is changed.

        A strategy is kept in the store: every process follows with its next operation, and so do those that start
        later, whatever they are configured with. A share is told to the workers that run now, by Celery's remote
        control; those that start later read their configuration. No other setting can change at run time.

        Args:
            strategy: For all queues that the app knows, but those that have one of their own.
            strategies: For single queues, by their names.
            share: For all workers of the app.

        Raises:
            ConfigError: A value cannot be; nothing was changed.
            BackendUnavailable: The store is away. Some queues may have their new strategy: say it again.
        """
        given = {"strategy": strategy, "strategies": strategies, "share": share}
        if isinstance(strategies, Mapping):
            given["strategies"] = {**self.config.strategies, **strategies}
        config = self._config_with({name: value for name, value in given.items() if value is not None})
        served = [] if strategy is None else [name for name in self.app.amqp.queues if name not in config.strategies]
        # Whatever this process believes: another one may have set them since.
        for queue in (*served, *(strategies or ())):
            self.queue(queue).set_strategy(config.strategy_of(queue))
        self._made["config"] = config
        if share is not None:
            self.app.control.broadcast(UPDATE, arguments={"share": share})

    def set_here(self, settings: Mapping[str, Any]) -> None:
        """Change settings in this process.

        Raises:
            ConfigError: A value cannot be; nothing was changed.
        """
        self._made["config"] = self._config_with(settings)

    def _config_with(self, settings: Mapping[str, Any]) -> Config:
        return Config.resolve({**asdict(self.config, recurse=False), **settings}, where="Ranch.update")

    def check(self, queues: Iterable[str]) -> None:
        """Find what is wrong with the settings of queues before they are used.

        Raises:
            ConfigError: The configuration is wrong, or a queue has two weight functions.
        """
        self._once("naming", self._read_naming)
        for queue in queues:
            weight_function_of(self.app, self.config, queue)

    @staticmethod
    def forget_queues(app: Celery) -> None:
        """Let an app's queues be made anew when they are asked for: a task has come that may change their settings."""
        if ranch := vars(app).get(_ATTRIBUTE):
            for name in [name for name in ranch._made if name.startswith(_QUEUE)]:
                ranch._made.pop(name, None)

    def _load_plugins(self) -> Plugins:
        listeners: list[object] = [self.endings]
        if self.config.metrics_log:
            listeners.append(MetricsLog())
        return Plugins(listeners)

    def _read_config(self) -> Config:
        # In a spawned process this object is a new one, and nobody gave it options.
        return read_settings(self.app, {**(self.app.conf.get(_OPTIONS) or {}), **self._options})

    def _read_naming(self) -> Naming:
        return Naming(self.app, self.config.inherit_lane, lane_router(self.config.lane_router))

    def _once(self, name: str, make: Callable[[], T]) -> T:
        # No lock, which a fork could inherit locked. Of two threads that come first, both take what one of them made.
        if name not in self._made:
            self._made.setdefault(name, make())
        made: T = self._made[name]
        return made

    def __repr__(self) -> str:
        return f"Ranch({self.app!r})"

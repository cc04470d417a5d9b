"""The embedding: ranch in a Celery app."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeVar

from attrs import asdict
from celery import Celery

from ranch.celery.broker import store_url
from ranch.celery.delivery import batching
from ranch.celery.internals import scope_producers, use_amqp
from ranch.celery.naming import Naming, lane_router
from ranch.celery.weights import weight_function_of
from ranch.config import Config
from ranch.exceptions import ConfigError
from ranch.hooks.manager import default_plugins
from ranch.operations import Operations
from ranch.queue import Queue
from ranch.typing import Backend

T = TypeVar("T")

#: Keeps the options given to `Ranch` in the app's configuration: only that travels to a process that is spawned.
#: Apart from ``ranch``, which may be set later as a whole. Celery hides keys that begin with an underscore.
_OPTIONS: Final = "_ranch_options"

#: Where an app keeps its ranch.
_ATTRIBUTE: Final = "_ranch"

#: Before the name of a queue, among what is made once.
_QUEUE: Final = "queue "

#: Schemes of stores that are shared with others, so that keys need a prefix.
_SHARED: Final = ("redis", "rediss", "unix")


class Ranch:
    """Ranch in a Celery app: messages that name a lane wait in it, and the app's workers take them in fair order.

    What names no lane is plain Celery. To be called once the app is made; the configuration may come later, for it is
    read when the first message is sent, or when a worker starts. Calling it again gives the same object.

    Settings stand in ``app.conf.ranch``, a mapping; options given here go before it.
    See `ranch.config.Config` for what they mean.

    Raises:
        ConfigError: The app has an AMQP class that knows no lanes, or other options were given before.
    """

    app: Celery
    _options: dict[str, Any]
    _made: dict[str, Any]

    def __new__(
        cls,
        app: Celery,
        *,
        backend: str | None = None,
        prefix: str | None = None,
        strategy: Any = None,
        strategies: Mapping[str, Any] | None = None,
        weight_function: Any = None,
        weight_functions: Mapping[str, Any] | None = None,
        weight_refresh: float | None = None,
        lease: float | None = None,
        share: float | None = None,
        inherit_lane: bool | None = None,
        lane_router: Any = None,
        on_backend_down: str | None = None,
    ) -> Ranch:
        given = {
            "backend": backend,
            "prefix": prefix,
            "strategy": strategy,
            "strategies": strategies,
            "weight_function": weight_function,
            "weight_functions": weight_functions,
            "weight_refresh": weight_refresh,
            "lease": lease,
            "share": share,
            "inherit_lane": inherit_lane,
            "lane_router": lane_router,
            "on_backend_down": on_backend_down,
        }
        ranch = vars(app).get(_ATTRIBUTE)
        if ranch is None:
            ranch = super().__new__(cls)
            ranch._embed(app)
        ranch._add({name: value for name, value in given.items() if value is not None})
        return ranch

    def _embed(self, app: Celery) -> None:
        from ranch.celery.bootsteps import PumpStep, WorkerStep
        from ranch.celery.publish import RanchAMQP

        self.app = app
        self._options = {}
        self._made = {}
        #: How many messages with a lane went to the broker instead, for the store could not be reached.
        self.sent_to_broker = 0
        use_amqp(app, RanchAMQP)
        scope_producers(app, batching)
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
        return self._once("backend", self._open_backend)

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

    def operations(self, name: str) -> Operations:
        """Return the operations of a queue, for whoever drives them in steps."""
        return Operations.open(name, serializer="json", plugins=None, **self._settings_of(name))

    def _settings_of(self, queue: str) -> dict[str, Any]:
        config = self.config
        return {
            "backend": self.backend,
            "strategy": config.strategy_of(queue),
            "weight_function": weight_function_of(self.app, config, queue),
            "weight_refresh": config.weight_refresh,
            "lease": config.lease,
        }

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

    def _read_config(self) -> Config:
        conf = self.app.conf
        settings = conf.get("ranch") or {}
        # In a spawned process this object is a new one, and nobody gave it options.
        options = {**(conf.get(_OPTIONS) or {}), **self._options}
        if isinstance(settings, Mapping):
            settings = {**settings, **options}
        return Config.resolve(settings, where="app.conf.ranch")

    def _read_naming(self) -> Naming:
        return Naming(self.app, self.config.inherit_lane, lane_router(self.config.lane_router))

    def _open_backend(self) -> Backend:
        url = self.config.backend or store_url(self.app)
        options = {"prefix": self.config.prefix} if url.partition("://")[0] in _SHARED else {}
        return default_plugins().backend(url, **options)

    def _once(self, name: str, make: Callable[[], T]) -> T:
        # No lock, which a fork could inherit locked. Of two threads that come first, both take what one of them made.
        if name not in self._made:
            self._made.setdefault(name, make())
        made: T = self._made[name]
        return made

    def __repr__(self) -> str:
        return f"Ranch({self.app!r})"

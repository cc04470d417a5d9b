"""What a user may set: one class, made of a plain mapping, with all faults in one error."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Mapping
from types import NoneType
from typing import Any, Final, Literal

from attrs import field, fields_dict, frozen

from ranch.exceptions import ConfigError
from ranch.hooks.manager import Plugins, default_plugins
from ranch.policy import DEFAULT as DEFAULT_POLICY
from ranch.policy import Policy
from ranch.structure import structure

#: Old names that go on working, and the key that each stands for.
ALIASES: Final = {"redis_prefix": "prefix", "redis_serializer": "serializer", "redis_key_ttl": "lane_ttl"}


@frozen(kw_only=True)
class Config:
    """The settings of one application."""

    #: Where jobs live: a URL, or a backend. None leaves it to the embedding: in Celery, the app's own Redis broker.
    backend: Any = None
    #: What all keys begin with, in a store that others use too.
    prefix: str = "ranch:"
    #: How lanes are chosen: a name, a mapping with ``name`` and the strategy's options, or a strategy.
    strategy: Any = "weighted-lru"
    #: The same for single queues, by the queue's name.
    strategies: dict[str, Any] = field(factory=dict)
    #: What weighs lanes: a name, a mapping with ``name`` and the function's options, or a function. None: nothing does.
    weight_function: Any = None
    #: The same for single queues, by the queue's name.
    weight_functions: dict[str, Any] = field(factory=dict)
    #: Seconds for which a lane is not weighed again for being served by the same process.
    weight_refresh: float = 1.0
    #: Seconds after which a job comes back from a worker that was killed.
    lease: float = 60.0
    #: ``"as-task"``: a job is acked as its task says, when it starts or, with ``acks_late``, when it has ended.
    #: ``"at-least-once"``: always when it has ended, so that none is lost with its worker.
    delivery: Literal["as-task", "at-least-once"] = "as-task"
    #: How often a job may come back from a worker that was killed before it is a dead letter.
    max_reclaims: int = DEFAULT_POLICY.max_reclaims
    #: Seconds after which a lane is forgotten that has no jobs and of which nothing was set. None: never.
    lane_ttl: float | None = DEFAULT_POLICY.lane_ttl
    #: How many dead letters a queue keeps; the oldest go first.
    max_dead: int = DEFAULT_POLICY.max_dead
    #: Seconds for which a dead letter is kept. None: until there are too many.
    dead_ttl: float | None = DEFAULT_POLICY.dead_ttl
    #: Where a worker takes plain messages too: the share of its slots for jobs in lanes while both wait, 0 to 1.
    share: float = 0.5
    #: Whether a task that is sent by a job, and names no lane, goes into the job's lane. A task may say otherwise.
    inherit_lane: bool = True
    #: Names the lane of a message that nothing else gave one: a function of ``(name, args, kwargs, options)`` that
    #: returns a lane or None, or where there is one, as ``pkg.module:name``.
    lane_router: Any = None
    #: What becomes of a message with a lane while the store cannot be reached: ``raise`` an error, or let the
    #: ``broker`` have it.
    on_backend_down: Literal["raise", "broker"] = "raise"
    #: How many calls in a row find a store away, one that is reached over a network, before the next fail at once. One
    #: in 5 seconds is let through, to find out when it is back. 0: each call finds out by itself.
    breaker_failures: int = 3
    #: Whether it is measured how long jobs wait and run, for `Queue.metrics`.
    metrics_enabled: bool = True
    #: Whether numbers of what happens are logged, by ``ranch.metrics``: see `ranch.observe.MetricsLog`.
    metrics_log: bool = False
    #: What jobs are written with: the name of a serializer, or a serializer.
    serializer: Any = "json"
    #: How often a call of Redis is tried again, within seconds, before its store counts as away. None: 4 times.
    redis_max_retries: int | None = None
    #: Seconds to wait for an answer of Redis. None: 5.
    redis_socket_timeout: float | None = None
    #: Whether to reach Redis by TLS: true, or a mapping of redis-py's ``ssl_…`` arguments.
    redis_use_ssl: Any = None

    @classmethod
    def resolve(cls, settings: Any, *, where: str, plugins: Plugins | None = None) -> Config:
        """Make a configuration of a mapping.

        Args:
            settings: Keys and values, as the user wrote them.
            where: Where they stand, for messages: ``app.conf.ranch``.
            plugins: Where strategies and weight functions are looked up; by default the installed plugins.

        Raises:
            ConfigError: With every fault in it, each with its value and its place.
        """
        if not isinstance(settings, Mapping):
            raise ConfigError(f"expected a mapping of settings, not {settings!r}", where=where)
        settings, problems = _without_aliases(settings)
        try:
            config = structure(settings, cls, where=where)
        except ConfigError as exc:
            config, problems = cls(), [*problems, *exc.problems]
        problems += _wrong_values(settings, where, plugins or default_plugins())
        if problems:
            raise ConfigError(problems, where=where)
        return config

    def strategy_of(self, queue: str) -> Any:
        """Return what was set for a queue, or for all of them."""
        return self.strategies.get(queue, self.strategy)

    @property
    def policy(self) -> Policy:
        """How long queues go on with a job, and how long they remember."""
        return Policy(**{name: getattr(self, name) for name in fields_dict(Policy)})


def _without_aliases(settings: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    renamed, problems = dict(settings), []
    for alias, key in ALIASES.items():
        if alias in renamed:
            value = renamed.pop(alias)
            if renamed.setdefault(key, value) != value:
                problems.append(f"{alias!r} is another name for {key!r}, and the two differ: drop {alias!r}")
    return renamed, problems


def _wrong_values(settings: Mapping[str, Any], where: str, plugins: Plugins) -> Iterator[str]:
    """Find what types do not say. Values of a wrong type are left to `structure`."""
    for key, low, high, wanted in (
        ("lease", math.nextafter(0, 1), sys.float_info.max, "a number of seconds > 0"),
        ("weight_refresh", 0.0, sys.float_info.max, "a number of seconds >= 0"),
        ("max_reclaims", 1, sys.maxsize, "a number of times >= 1"),
        ("lane_ttl", math.nextafter(0, 1), sys.float_info.max, "a number of seconds > 0"),
        ("max_dead", 1, sys.maxsize, "a number of dead letters >= 1"),
        ("dead_ttl", math.nextafter(0, 1), sys.float_info.max, "a number of seconds > 0"),
        ("share", 0.0, 1.0, "a number from 0 to 1"),
        ("breaker_failures", 0, sys.maxsize, "a number of calls >= 0"),
        ("redis_max_retries", 0, sys.maxsize, "a number of attempts >= 0"),
        ("redis_socket_timeout", math.nextafter(0, 1), sys.float_info.max, "a number of seconds > 0"),
    ):
        value = settings.get(key)
        if isinstance(value, (int, float)) and not isinstance(value, bool) and not low <= value <= high:
            yield f"{key} must be {wanted}, not {value!r} @ {where}.{key}"
    if not isinstance(ssl := settings.get("redis_use_ssl"), (bool, Mapping, NoneType)):
        yield f"redis_use_ssl is true, false or a mapping of arguments, not {ssl!r} @ {where}.redis_use_ssl"
    if not isinstance(store := settings.get("backend"), (str, NoneType)) and not callable(
        getattr(store, "lanes", None)
    ):
        yield f"a backend is a URL or an object, not {store!r} @ {where}.backend"
    yield from _refused("serializer", settings.get("serializer", "json"), plugins.codec, where)
    for key, plural, made in (
        ("strategy", "strategies", plugins.strategy),
        ("weight_function", "weight_functions", plugins.weight_function),
    ):
        specs = {key: settings[key]} if key in settings else {}
        if isinstance(of_queues := settings.get(plural), Mapping):
            specs |= {f"{plural}[{queue!r}]": spec for queue, spec in of_queues.items()}
        for place, spec in specs.items():
            if spec is None and key == "weight_function":  # none at all
                continue
            yield from _refused(place, spec, made, where)


def _refused(place: str, spec: Any, made: Callable[[Any], object], where: str) -> Iterator[str]:
    """Find why nothing can be made of what is named."""
    try:
        made(spec)
    except ConfigError as exc:
        yield from (f"{problem} @ {where}.{place}" for problem in exc.problems)

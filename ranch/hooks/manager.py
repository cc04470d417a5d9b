"""The plugin manager: finds plugins, and turns the names in a configuration into objects."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache
from importlib.metadata import Distribution
from typing import Any, Final, Generic, Protocol, TypeVar, cast

import attrs
import pluggy

from ranch.exceptions import ConfigError, PluginError, UnknownName
from ranch.hooks import specs
from ranch.hooks.details import BackendPlugin, SerializerPlugin, StrategyPlugin
from ranch.structure import did_you_mean, structure
from ranch.typing import Backend, Serializer, Strategy

#: The entry-point group of plugins, and pluggy's name for the project.
GROUP: Final = "ranch"


class Record(Protocol):
    """What a registration hook returns."""

    @property
    def name(self) -> str: ...

    @property
    def summary(self) -> str: ...


T = TypeVar("T", bound=Record)


class Catalogue(Generic[T]):
    """What the plugins of one kind give, by name."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        self._records: dict[str, T] = {}
        self._providers: dict[str, str] = {}

    def add(self, record: T, provider: str) -> None:
        if record.name in self._records:
            raise PluginError(
                f"two plugins give a {self.kind} named {record.name!r}: {self._providers[record.name]} and {provider}. "
                "Uninstall or block one of them"
            )
        self._records[record.name] = record
        self._providers[record.name] = provider

    def __getitem__(self, name: str) -> T:
        try:
            return self._records[name]
        except (KeyError, TypeError):
            known = ", ".join(f"{known} ({self._providers[known]})" for known in sorted(self._records))
            hint = did_you_mean(name, self._records) if isinstance(name, str) else ""
            message = f"unknown {self.kind} {name!r}{hint or '.'} Known: {known}"
            raise UnknownName(message, where=self.kind) from None

    def __iter__(self) -> Iterator[T]:
        return iter(self._records.values())


class Plugins:
    """The plugins of one application or process.

    Args:
        plugins: Modules or objects with hook implementations, beside the installed ones.
        block: Names of entry points that are not to be loaded.

    Raises:
        PluginError: Two plugins give the same name, or one implements a hook that does not exist.
    """

    def __init__(self, plugins: Iterable[object] = (), *, block: Iterable[str] = ()) -> None:
        manager = pluggy.PluginManager(GROUP)
        manager.add_hookspecs(specs)
        for name in block:
            manager.set_blocked(name)
        try:
            manager.load_setuptools_entrypoints(GROUP)
            for plugin in plugins:
                manager.register(plugin)
            manager.check_pending()
        except pluggy.PluginValidationError as exc:
            raise PluginError(f"plugin {exc.plugin!r} does not fit: {exc}") from exc
        self.strategies: Catalogue[StrategyPlugin] = Catalogue("strategy")
        self.backends: Catalogue[BackendPlugin] = Catalogue("backend")
        self.serializers: Catalogue[SerializerPlugin] = Catalogue("serializer")
        providers = {plugin: _provider(dist) for plugin, dist in manager.list_plugin_distinfo()}
        for hook, add in (
            (manager.hook.ranch_strategies, self.strategies.add),
            (manager.hook.ranch_backends, self.backends.add),
            (manager.hook.ranch_serializers, self.serializers.add),
        ):
            _register(hook, add, providers)

    def strategy(self, spec: str | Mapping[str, Any] | Strategy) -> Strategy:
        """Return the strategy that a configuration names.

        Args:
            spec: A name; a mapping of ``name`` and the strategy's options; or a strategy.

        Raises:
            UnknownName: No plugin gives the name. The message lists the known ones, and who provides each.
            ConfigError: An option is unknown or has a wrong value. All faults are reported together.
        """
        if isinstance(spec, str):
            spec = {"name": spec}
        if not isinstance(spec, Mapping):
            if callable(getattr(spec, "enter", None)) and callable(getattr(spec, "served", None)):
                return spec
            raise ConfigError(
                f"a strategy is a name, a mapping with one, or an object, not {spec!r}",
                where="strategy",
            )
        options = dict(spec)
        if "name" not in options:
            raise ConfigError(f"a strategy needs a 'name': {spec!r} has none", where="strategy")
        record = self.strategies[options.pop("name")]
        factory: type[Any] = record.factory
        if not attrs.has(factory):
            raise PluginError(f"strategy {record.name!r} is no attrs class: {record.factory!r}")
        strategy: Any = structure(options, factory, where=f"strategy {record.name}")
        return cast("Strategy", strategy)

    def backend(self, url: str | Backend, **options: Any) -> Backend:
        """Return the backend that a URL names; one that is a backend already, as it is.

        Raises:
            UnknownName: No plugin gives the URL's scheme.
            ConfigError: The URL is not one, or the backend does not take it.
        """
        if not isinstance(url, str):
            if callable(getattr(url, "lanes", None)):
                return url
            raise ConfigError(f"a backend is a URL or an object, not {url!r}", where="backend")
        scheme, found, _ = url.partition("://")
        if not found:
            raise ConfigError(f"{url!r} is no URL: expected something like sqlite:///ranch.db", where="backend")
        return self.backends[scheme].factory(url, **options)

    def serializer(self, spec: str | Serializer) -> Serializer:
        """Return the serializer of a name; one that is a serializer already, as it is."""
        return self.serializers[spec].factory() if isinstance(spec, str) else spec


@cache
def default_plugins() -> Plugins:
    """Return the installed plugins, loaded at the first call."""
    return Plugins()


def _register(hook: pluggy.HookCaller, add: Callable[[Any, str], None], providers: Mapping[object, str]) -> None:
    for implementation in hook.get_hookimpls():
        for record in cast("Iterable[Record]", implementation.function()):
            add(record, providers.get(implementation.plugin, implementation.plugin_name))


def _provider(dist: Any) -> str:
    # pluggy wraps importlib's Distribution; its metadata name is the one that users install.
    distribution: Distribution = dist
    return f"{distribution.metadata['Name']} {distribution.version}"

"""The plugin manager: turns the names in a configuration into objects."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import cache
from typing import Any, Final, cast

import attrs
import pluggy

from ranch.choice import StrategyChoice
from ranch.codec import Codec
from ranch.exceptions import ConfigError, PluginError
from ranch.hooks import specs
from ranch.hooks.catalogue import Catalogue
from ranch.hooks.discovery import GROUP, Discovered, discover
from ranch.hooks.events import Events
from ranch.hooks.records import BackendPlugin, SerializerPlugin, StrategyPlugin, WeightFunctionPlugin
from ranch.structure import structure
from ranch.typing import Backend, Serializer, Strategy, WeightFunction

log = logging.getLogger("ranch")

#: If set to anything but 0, each call of a hook is logged.
TRACE: Final = "RANCH_TRACE_PLUGINS"


class Plugins:
    """The plugins of one application or process.

    Args:
        plugins: Modules or objects with hook implementations, beside the installed ones.
        block: Names of entry points, or of distributions, that are not to be loaded.

    Raises:
        PluginError: Two plugins give the same name; or one implements a hook that does not exist, or with arguments
            that the hook has not.
    """

    def __init__(self, plugins: Iterable[object] = (), *, block: Collection[str] = ()) -> None:
        self._manager = pluggy.PluginManager(GROUP)
        self._manager.add_hookspecs(specs)
        if os.environ.get(TRACE, "0") != "0":
            self._manager.add_hookcall_monitoring(_log_call, lambda *_: None)
        #: The plugins of installed distributions, loaded or not.
        self.discovered: list[Discovered] = list(discover(block))
        self._providers: dict[str, str] = {}
        for found in self.discovered:
            if found.plugin is not None:
                self._register(found.plugin, f"{found.distribution}", found.name)
        for plugin in plugins:
            self._register(plugin, getattr(plugin, "__name__", None) or type(plugin).__name__, None)
        self._check()
        self.strategies = Catalogue("strategy", StrategyPlugin, self._broken)
        self.weight_functions = Catalogue("weight function", WeightFunctionPlugin, self._broken)
        self.backends = Catalogue("backend", BackendPlugin, self._broken)
        self.serializers = Catalogue("serializer", SerializerPlugin, self._broken)
        hooks = self._manager.hook
        for hook, catalogue in (
            (hooks.ranch_strategies, self.strategies),
            (hooks.ranch_weight_functions, self.weight_functions),
            (hooks.ranch_backends, self.backends),
            (hooks.ranch_serializers, self.serializers),
        ):
            self._ask(hook, cast("Catalogue[Any]", catalogue))

        #: Whom to tell what has happened.
        self.events = Events(self._manager)

    def _register(self, plugin: object, provider: str, name: str | None) -> None:
        try:
            registered = self._manager.register(plugin, name)
        except pluggy.PluginValidationError as exc:
            raise PluginError(f"plugin of {provider} does not fit: {exc}") from exc
        if registered:
            self._providers[registered] = provider

    def _check(self) -> None:
        try:
            self._manager.check_pending()
        except pluggy.PluginValidationError as exc:
            name = self._manager.get_name(exc.plugin)
            raise PluginError(f"plugin of {self._providers.get(str(name), name)} does not fit: {exc}") from exc

    def _ask(self, hook: pluggy.HookCaller, catalogue: Catalogue[Any]) -> None:
        for implementation in hook.get_hookimpls():
            provider = self._providers[implementation.plugin_name]
            # One plugin at a time, to know who gave what.
            others = [plugin for plugin in self._manager.get_plugins() if plugin is not implementation.plugin]
            ask = self._manager.subset_hook_caller(hook.name, others)
            try:
                records = [record for given in ask() for record in given]
            except Exception as exc:
                raise PluginError(f"{hook.name} of {provider} failed: {type(exc).__name__}: {exc}") from exc
            for record in records:
                catalogue.add(record, provider)

    def _broken(self) -> str:
        broken = [f"{found.distribution} ({found.reason})" for found in self.discovered if found.state == "broken"]
        return f". Not loaded, so perhaps there: {', '.join(broken)}" if broken else ""

    def strategy(self, spec: str | Mapping[str, Any] | Strategy) -> Strategy:
        """Return the strategy that a configuration names.

        Args:
            spec: A name; a mapping of ``name`` and the strategy's options; or a strategy.

        Raises:
            UnknownName: No plugin gives the name. The message lists the known ones, and who provides each.
            ConfigError: An option is unknown or has a wrong value. All faults are reported together.
        """
        return cast("Strategy", self._chosen(spec, self.strategies, _is_strategy))

    def weight_function(self, spec: str | Mapping[str, Any] | WeightFunction) -> WeightFunction:
        """Return the weight function that a configuration asks for.

        Args:
            spec: A name; a mapping of ``name`` and the function's options; or a function.

        Raises:
            UnknownName: No plugin gives the name. The message lists the known ones, and who provides each.
            ConfigError: An option is unknown or has a wrong value. All faults are reported together.
        """
        return cast("WeightFunction", self._chosen(spec, self.weight_functions, _is_function))

    def _chosen(self, spec: Any, catalogue: Catalogue[Any], fits: Callable[[Any], bool]) -> Any:
        kind = catalogue.kind
        if isinstance(spec, str):
            spec = {"name": spec}
        if not isinstance(spec, Mapping):
            if fits(spec):
                return spec
            raise ConfigError(f"a {kind} is a name, a mapping with one, or an object, not {spec!r}", where=kind)
        options = dict(spec)
        if "name" not in options:
            raise ConfigError(f"a {kind} needs a 'name': {spec!r} has none", where=kind)
        record = catalogue[options.pop("name")]
        if not attrs.has(record.factory):
            raise PluginError(f"{kind} {record.name!r} is no attrs class: {record.factory!r}")
        return structure(options, record.factory, where=f"{kind} {record.name}")

    def choice(self, strategy: Strategy) -> StrategyChoice:
        """Describe a strategy by the name that a plugin gives it, or by that of its class if none does."""
        names = [record.name for record in self.strategies if record.factory is type(strategy)]
        return StrategyChoice.of(strategy, names[0] if names else None)

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

    def codec(self, serializer: str | Serializer, accept: Iterable[str | Serializer] | None = None) -> Codec:
        """Return what a queue writes and reads with.

        Args:
            serializer: To write with: a name, or a serializer.
            accept: To read with; by default the same, unless reading it can run code of the writer's: that must be
                asked for.
        """
        writer = self._serializer(serializer)
        if accept is None:
            trusted_only = isinstance(serializer, str) and self.serializers[serializer].trusted_only
            readers = [] if trusted_only else [writer]
        elif isinstance(accept, str):
            raise ConfigError(f"accept is a list of serializers, not {accept!r}", where="serializer")
        else:
            readers = [self._serializer(name) for name in accept]
        return Codec(writer, {reader.content_type: reader for reader in readers})

    def _serializer(self, spec: str | Serializer) -> Serializer:
        if isinstance(spec, str):
            return self.serializers[spec].factory()
        if not all(hasattr(spec, name) for name in ("content_type", "dumps", "loads")):
            raise ConfigError(
                f"a serializer is a name, or an object with content_type, dumps and loads, not {spec!r}",
                where="serializer",
            )
        return spec


def _is_strategy(given: Any) -> bool:
    return callable(getattr(given, "enter", None)) and callable(getattr(given, "served", None))


def _is_function(given: Any) -> bool:
    # A class would make an object of a lane, and no number.
    return callable(given) and not isinstance(given, type)


def _log_call(hook_name: str, methods: Iterable[pluggy.HookImpl], kwargs: Mapping[str, Any]) -> None:
    called = ", ".join(method.plugin_name for method in methods)
    log.info("hook %s(%s) calls %s", hook_name, ", ".join(map(repr, kwargs.values())), called or "nobody")


@cache
def default_plugins() -> Plugins:
    """Return the installed plugins, loaded at the first call."""
    return Plugins()

"""How names become objects, and what is said when they do not."""

from __future__ import annotations

import logging
from collections.abc import Callable

import pluggy
import pytest
from attrs import field, frozen, validators

from ranch import ConfigError, Queue
from ranch.backends.asking import SLOW_ANSWER
from ranch.exceptions import PluginError, PluginWarning, UnknownName
from ranch.hooks import BackendPlugin, SerializerPlugin, StrategyPlugin, hookimpl
from ranch.hooks.manager import Plugins
from ranch.strategies import Bid, RoundRobin, WeightedLRU
from ranch.testing import FakeClock
from ranch.typing import Backend, LaneView, QueueClock, Strategy


@frozen
class Newest(Strategy):
    """Who came last goes first."""

    boost: float = field(default=1.0, validator=validators.gt(0))

    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return -self.boost * clock.tick

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        return lane.tag


class NewestPlugin:
    @staticmethod
    @hookimpl
    def ranch_strategies() -> list[StrategyPlugin]:
        return [StrategyPlugin(name="newest", factory=Newest, summary="Who came last goes first.")]


def test_built_ins_come_through_the_front_door() -> None:
    """The strategies, backends and serializers that ship are found as a stranger's would be."""
    plugins = Plugins()

    assert " ".join(record.name for record in plugins.strategies) == "weighted-lru round-robin bid priority lottery"
    assert {"memory", "sqlite", "redis", "rediss", "unix"} < {record.name for record in plugins.backends}
    assert {record.name for record in plugins.serializers} == {"json", "msgpack", "pickle"}
    assert all(record.summary for kind in (plugins.strategies, plugins.backends) for record in kind)
    assert plugins.strategy("weighted-lru") == WeightedLRU()
    assert plugins.strategy({"name": "bid", "ageing": 2}) == Bid(ageing=2.0)
    assert plugins.strategy(RoundRobin()) == RoundRobin()


def test_a_strangers_strategy_is_chosen_by_name() -> None:
    """A plugin given by hand is as good as an installed one."""
    plugins = Plugins([NewestPlugin])
    queue = Queue("q", backend="memory://", strategy={"name": "newest", "boost": 2.0}, plugins=plugins)
    queue.enqueue_many([(lane, lane) for lane in "abc"])

    assert [lease.job.payload for lease in queue.claim_many(3)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("strategy", "said"),
    [
        ("newst", ["unknown strategy 'newst', did you mean 'newest'?", "bid (ranch-scheduler ", "newest (Newest"]),
        ({"name": "newest", "bost": 1.0}, ["unknown key 'bost', did you mean 'boost'?"]),
        ({"name": "newest", "boost": "1"}, ["expected float, got str '1'", "strategy newest.boost"]),
        ({"name": "newest", "boost": 0.0}, ["'boost' must be > 0: 0.0"]),
        ({"boost": 1.0}, ["needs a 'name'"]),
        (7, ["not 7"]),
        ({"name": ["newest"]}, ["unknown strategy ['newest']"]),
    ],
    ids=str,
)
def test_a_wrong_strategy_is_explained(strategy: object, said: list[str]) -> None:
    """The error names the value, the nearest that exists, and who gives what."""
    with pytest.raises(ConfigError) as error:
        Queue("q", backend="memory://", strategy=strategy, plugins=Plugins([NewestPlugin]))

    for words in said:
        assert words in str(error.value)


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mongodb://x", "unknown backend 'mongodb'"),
        ("ranch.db", "expected something like sqlite:///"),
        ("sqlite://ranch.db", "sqlite:///relative/path.db"),
        ("sqlite:///", "sqlite:///relative/path.db"),
        ("sqlite:///a.db?mode=ro", "sqlite:///relative/path.db"),
        ("memory://here", "write memory://"),
        (None, "not None"),
    ],
)
def test_a_wrong_url_is_explained(url: object, said: str) -> None:
    """Before anything is opened."""
    with pytest.raises(ConfigError, match=said):
        Queue("q", backend=url)


def test_a_wrong_queue_is_explained() -> None:
    """A name, a lease and a serializer that cannot be."""
    for options, said in (
        ({"name": ""}, "empty"),
        ({"lease": 0}, "lease"),
        ({"serializer": "jsn"}, "did you mean 'json'"),
    ):
        with pytest.raises(ConfigError, match=said):
            Queue(**{"name": "q", "backend": "memory://", **options})


def test_one_name_is_given_once() -> None:
    """Two plugins that give the same name are an error that names both."""

    class Rival:
        @staticmethod
        @hookimpl
        def ranch_strategies() -> list[StrategyPlugin]:
            return [StrategyPlugin(name="bid", factory=Newest, summary="Another.")]

    with pytest.raises(PluginError, match=r"named 'bid': ranch-scheduler .* and .*Rival"):
        Plugins([Rival])


def test_a_hook_that_does_not_exist_is_an_error() -> None:
    """A misspelt hook would otherwise never be called, and nobody would know."""

    class Misspelt:
        @staticmethod
        @hookimpl
        def ranch_stratgies() -> list[StrategyPlugin]:
            return []

    with pytest.raises(PluginError, match="ranch_stratgies"):
        Plugins([Misspelt])


def test_built_ins_can_be_blocked() -> None:
    """A blocked entry point gives nothing."""
    with pytest.raises(UnknownName, match="unknown strategy 'bid'"):
        Plugins(block=["builtin-strategies"]).strategy("bid")


def test_an_installed_distribution_gives_its_strategy(install: Callable[..., None]) -> None:
    """Nobody has to name it: installed is enough."""
    install("ranch-stack-a")
    plugins = Plugins()

    assert type(plugins.strategy("stack")).__name__ == "Stack"
    assert [(found.name, found.distribution, found.state) for found in plugins.discovered][-1] == (
        "ranch-stack-a-plugin",
        "ranch-stack-a 1.2",
        "loaded",
    )
    assert plugins.strategies.given_by("ranch-stack-a 1.2") == ["stack"]


def test_a_clash_names_both_distributions_and_versions(install: Callable[..., None]) -> None:
    """So that one knows which to uninstall or block; blocking one is enough."""
    install("ranch-stack-b")
    install("ranch-stack-c")

    with pytest.raises(PluginError, match=r"'stack': ranch-stack-b 1\.2 and ranch-stack-c 1\.2"):
        Plugins()
    assert Plugins(block=["ranch-stack-c"]).strategies["stack"].summary == "Last come, first served."


def test_a_plugin_that_cannot_be_imported_harms_nobody(install: Callable[..., None]) -> None:
    """It is a warning with the traceback, and part of the error when a name is missing."""
    install("ranch-broken", "import no_such_module")

    with pytest.warns(PluginWarning, match=r"(?s)ranch-broken 1\.2 cannot be imported.*Traceback.*no_such_module"):
        plugins = Plugins()

    assert plugins.strategy("bid") == Bid()
    with pytest.raises(UnknownName, match=r"perhaps there: ranch-broken 1\.2 \(ModuleNotFoundError"):
        plugins.strategy("stack")


def test_an_allow_list_shuts_out_all_others(install: Callable[..., None], monkeypatch: pytest.MonkeyPatch) -> None:
    """RANCH_PLUGINS names the distributions or entry points to load; the built-ins always are."""
    install("ranch-stack-d")
    monkeypatch.setenv("RANCH_PLUGINS", "")
    shut_out = Plugins()
    monkeypatch.setenv("RANCH_PLUGINS", "something-else, ranch-stack-d")

    assert Plugins().strategies["stack"]
    with pytest.raises(UnknownName):
        shut_out.strategy("stack")
    assert shut_out.strategy("bid") == Bid()
    assert shut_out.discovered[-1].reason == "not named in RANCH_PLUGINS"


def test_calls_of_hooks_can_be_traced(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    """RANCH_TRACE_PLUGINS logs each call with who answers it."""
    monkeypatch.setenv("RANCH_TRACE_PLUGINS", "1")
    with caplog.at_level("INFO", "ranch"):
        Plugins([NewestPlugin])

    assert "hook ranch_strategies() calls builtin-strategies" in caplog.text


def test_a_record_of_another_kind_is_refused() -> None:
    """The error names the plugin, and what was expected."""

    class Confused:
        @staticmethod
        @hookimpl
        def ranch_strategies() -> list[object]:
            return ["stack"]

    with pytest.raises(PluginError, match="Confused gives as a strategy 'stack', expected a StrategyPlugin"):
        Plugins([Confused])


def test_a_hook_with_arguments_it_has_not_is_refused() -> None:
    """When it is loaded, not when it would be called."""

    class Eager:
        @staticmethod
        @hookimpl
        def ranch_strategies(app: object) -> list[StrategyPlugin]:  # noqa: ARG004 - the hook has none
            return []

    with pytest.raises(PluginError, match=r"(?s)Eager does not fit.*app"):
        Plugins([Eager])


def test_names_of_records_are_checked() -> None:
    """A name is what fits into a URL and a configuration."""
    for record in (StrategyPlugin, BackendPlugin, SerializerPlugin):
        with pytest.raises(ValueError, match="name"):
            record(name="Not A Name", factory=Newest, summary="")


def test_a_plugin_manager_is_nobodys_global() -> None:
    """Two applications in one process have plugins of their own."""
    assert Plugins([NewestPlugin]).strategy("newest") == Newest()
    with pytest.raises(UnknownName):
        Plugins().strategy("newest")
    assert hookimpl.project_name == pluggy.PluginManager("ranch").project_name


class Broken(Strategy):
    def enter(self, lane: LaneView, clock: QueueClock) -> float:
        return float("nan")

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        raise ZeroDivisionError


def test_a_failing_strategy_harms_nobody_else(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    """A rank that is no finite number, or an error, leaves the lane where it is, and is logged with the lane."""
    queue = Queue("q", backend=backend, strategy=Broken())
    queue.enqueue_many([(lane, lane) for lane in "aab"])

    assert sorted(lease.job.payload for lease in queue.claim_many(10)) == ["a", "a", "b"]
    assert "Broken" in caplog.text
    assert "'a'" in caplog.text
    assert "nan" in caplog.text


def test_a_failing_strategy_logs_a_line_a_second(
    backend: Backend, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However many claims fail, the log stays readable, and what was left out is counted."""
    clock = FakeClock()
    monkeypatch.setattr("ranch.backends.asking.perf_counter", clock)
    monkeypatch.setattr("ranch.seldom.monotonic", clock)
    queue = Queue("q", backend=backend, strategy=Broken())
    queue.enqueue_many([(f"lane{n}", n) for n in range(50)])
    first = len(caplog.records)

    clock.advance(1.0)
    queue.claim()

    assert first == 1
    assert len(caplog.records) == 2
    assert "(49 more since the last such line)" in caplog.text
    assert "ZeroDivisionError" in caplog.text


class SlowHandler(logging.Handler):
    """A log that takes its time."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.clock, self.lines = clock, list[str]()

    def emit(self, record: logging.LogRecord) -> None:
        self.clock.advance(2 * SLOW_ANSWER)
        self.lines.append(record.getMessage())


def test_a_slow_log_is_not_laid_to_the_strategy(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> None:
    """What it takes to say that an answer was none is no part of the answer."""
    handler = SlowHandler(FakeClock())
    monkeypatch.setattr("ranch.backends.asking.perf_counter", handler.clock)
    log = logging.getLogger("ranch")
    log.addHandler(handler)
    try:
        Queue("q", backend=backend, strategy=Broken()).enqueue_many([("a", 1), ("b", 2)])
    finally:
        log.removeHandler(handler)

    assert len(handler.lines) == 1
    assert "gave the rank nan" in handler.lines[0]


@frozen
class Slow(RoundRobin):
    """Takes its time, and has no twin."""

    clock: FakeClock = field(factory=FakeClock)
    lua = None

    def served(self, lane: LaneView, clock: QueueClock, cost: float) -> float:
        self.clock.advance(2 * SLOW_ANSWER)
        return super().served(lane, clock, cost)


def test_a_slow_strategy_is_named_and_right_all_the_same(
    backend: Backend, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One line a second says which strategy took how long over which lane; each rank stands as it was given."""
    caplog.set_level("WARNING", "ranch")
    strategy = Slow()
    monkeypatch.setattr("ranch.backends.asking.perf_counter", strategy.clock)
    monkeypatch.setattr("ranch.seldom.monotonic", strategy.clock)
    queue = Queue("q", backend=backend, strategy=strategy)
    queue.enqueue_many([(lane, lane) for lane in "ab" for _ in range(40)])
    assert caplog.records == []

    picks = [lease.job.lane for _ in range(60) if (lease := queue.claim())]

    assert picks == list("ab" * 30)
    lines = [record.message for record in caplog.records]
    assert len(lines) == 2
    assert "Slow" in lines[0]
    assert "took 0.020 s to rank lane 'a', and 0.01 s are long" in lines[0]
    assert "(49 more since the last such line)" in lines[1]

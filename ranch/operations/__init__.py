"""What a queue can do, written once, without waiting: `Queue` and `AsyncQueue` drive it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final

from attrs import frozen

from ranch.agreement import AgreedLanes
from ranch.backends.guard import opened
from ranch.breaker import FAILURES
from ranch.checks import checked_key, checked_number
from ranch.exceptions import ConfigError, InvalidJob
from ranch.hooks.manager import Plugins, default_plugins
from ranch.meter import Meter
from ranch.operations.jobs import JobOperations
from ranch.operations.lanes import LaneOperations
from ranch.operations.leases import LeaseOperations
from ranch.operations.letters import LetterOperations
from ranch.operations.results import ResultOperations
from ranch.policy import DEFAULT as DEFAULT_POLICY
from ranch.policy import Policy
from ranch.retry import DEFAULT as DEFAULT_RETRY
from ranch.retry import Retry, checked_retry
from ranch.typing import Backend, Serializer, Strategy, WeightFunction
from ranch.weigher import Weigher

#: Seconds. Long enough for whoever waits for a result, and short enough that they do not pile up: at 1,000 jobs a
#: second these are 600,000.
RESULT_TTL: Final = 600.0


@frozen
class Operations(JobOperations, LeaseOperations, LetterOperations, LaneOperations, ResultOperations):
    """The operations of one queue."""

    @classmethod
    def open(
        cls,
        name: str,
        *,
        backend: str | Backend,
        strategy: str | Mapping[str, Any] | Strategy,
        serializer: str | Serializer,
        lease: float,
        weight_function: str | Mapping[str, Any] | WeightFunction | None = None,
        weight_refresh: float = 1.0,
        accept: Iterable[str | Serializer] | None = None,
        breaker_failures: int = FAILURES,
        policy: Policy | None = None,
        retry: Retry | None = None,
        result_ttl: float | None = RESULT_TTL,
        owner: str | None = None,
        metrics_enabled: bool = True,
        plugins: Plugins | None = None,
    ) -> Operations:
        """Turn the names in a configuration into objects. No round trip."""
        plugins = plugins or default_plugins()
        try:
            name, lease = checked_key(name, "queue"), checked_number(lease, "lease", positive=True)
            weight_refresh = checked_number(weight_refresh, "weight_refresh")
            result_ttl = None if result_ttl is None else checked_number(result_ttl, "result_ttl")
            owner = None if owner is None else checked_key(owner, "owner")
            checked_number(breaker_failures, "breaker_failures")
            retry = checked_retry(retry)
        except InvalidJob as exc:
            raise ConfigError(str(exc), where="queue") from exc
        function = None if weight_function is None else plugins.weight_function(weight_function)
        chosen, codec, store = (
            plugins.strategy(strategy),
            plugins.codec(serializer, accept),
            opened(plugins, backend, breaker_failures),
        )
        meter = Meter() if metrics_enabled else None
        lanes = AgreedLanes(name, store, chosen, plugins, policy or DEFAULT_POLICY)
        return cls(
            name=name,
            backend=store,
            lanes=lanes,
            codec=codec,
            lease=lease,
            plugins=plugins,
            events=plugins.events.beside(meter) if meter else plugins.events,
            meter=meter,
            retry=retry or DEFAULT_RETRY,
            result_ttl=result_ttl,
            weigher=Weigher(function, lanes, weight_refresh) if function else None,
            owner_name=owner,
        )

"""For plugin writers: suites that hold a strategy, a weight function, a backend or a serializer to its contract, and
a clock for tests.

The suites need the extra ``testing``; `FakeClock` needs nothing.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ranch.testing.backend import BackendSuite as BackendSuite
    from ranch.testing.clock import FakeClock as FakeClock
    from ranch.testing.serializer import SerializerSuite as SerializerSuite
    from ranch.testing.strategy import Pick as Pick
    from ranch.testing.strategy import Share as Share
    from ranch.testing.strategy import StrategySuite as StrategySuite
    from ranch.testing.strategy import Waiting as Waiting
    from ranch.testing.weight_function import WeightFunctionSuite as WeightFunctionSuite

# Imported when first asked for: the pytest plugin is loaded wherever ranch is installed, and must cost those nothing
# who test something else.
_HOMES = {
    "BackendSuite": "ranch.testing.backend",
    "FakeClock": "ranch.testing.clock",
    "Pick": "ranch.testing.strategy",
    "SerializerSuite": "ranch.testing.serializer",
    "Share": "ranch.testing.strategy",
    "StrategySuite": "ranch.testing.strategy",
    "Waiting": "ranch.testing.strategy",
    "WeightFunctionSuite": "ranch.testing.weight_function",
}

__all__ = [
    "BackendSuite",
    "FakeClock",
    "Pick",
    "SerializerSuite",
    "Share",
    "StrategySuite",
    "Waiting",
    "WeightFunctionSuite",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return getattr(import_module(_HOMES[name]), name)
    except ModuleNotFoundError as exc:
        if exc.name in {"hypothesis", "pytest"}:
            raise ModuleNotFoundError(
                f"{name} needs {exc.name}: pip install 'ranch-scheduler[testing]'", name=exc.name
            ) from exc
        raise


def __dir__() -> list[str]:
    return __all__

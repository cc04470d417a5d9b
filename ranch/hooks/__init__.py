"""For plugin writers: the marker of hook implementations, and the records that hooks return."""

from __future__ import annotations

import pluggy

from ranch.hooks.records import BackendPlugin, SerializerPlugin, StrategyPlugin, WeightFunctionPlugin

#: Marks a function as the implementation of the hook of its name.
hookimpl = pluggy.HookimplMarker("ranch")

__all__ = ["BackendPlugin", "SerializerPlugin", "StrategyPlugin", "WeightFunctionPlugin", "hookimpl"]

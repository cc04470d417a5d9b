"""``celery inspect ranch``: what a worker does for ranch now."""

from __future__ import annotations

from typing import Any

from celery.worker.control import inspect_command


@inspect_command(name="ranch")
def report(state: Any, **_: Any) -> dict[str, Any]:
    """Jobs claimed, leases and waits, by queue."""
    pump = getattr(state.consumer.controller, "ranch_pump", None)
    # All apps of a process share Celery's commands.
    return pump.report() if pump else {"error": "the app of this worker has no ranch"}

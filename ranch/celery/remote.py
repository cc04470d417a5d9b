"""Remote commands: what a worker does for ranch now, and what it is told."""

from __future__ import annotations

from typing import Any

from celery.utils.log import get_logger
from celery.worker.control import control_command, inspect_command

from ranch.celery.embedding import UPDATE, Ranch
from ranch.exceptions import ConfigError

log = get_logger(__name__)


@inspect_command(name="ranch")
def report(state: Any, **_: Any) -> dict[str, Any]:
    """Jobs claimed, leases and waits, by queue."""
    pump = getattr(state.consumer.controller, "ranch_pump", None)
    # All apps of a process share Celery's commands.
    return pump.report() if pump else {"error": "the app of this worker has no ranch"}


@control_command(name=UPDATE, args=[("share", float)], signature="[share]")
def update(state: Any, share: float, **_: Any) -> dict[str, Any]:
    """Set the share of jobs in lanes."""
    try:
        Ranch(state.app).set_here({"share": share})
    except ConfigError as exc:
        return {"error": str(exc)}
    log.info("the share of jobs in lanes is %s from now on", share)
    return {"ok": f"share is {share}"}

"""What there is to be seen of queues: numbers, log lines, Prometheus. All of it by event hooks, or read from the store.

`ranch.observe.prometheus` is apart: it needs the extra ``ranch-scheduler[prometheus]``.
"""

from __future__ import annotations

from ranch.observe.fleet import FleetMeter
from ranch.observe.histogram import Summary
from ranch.observe.log import MetricsLog
from ranch.observe.meter import Meter, Metrics
from ranch.observe.status import QueueStatus, get_queue_status

__all__ = ["FleetMeter", "Meter", "Metrics", "MetricsLog", "QueueStatus", "Summary", "get_queue_status"]

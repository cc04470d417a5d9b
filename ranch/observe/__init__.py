"""What there is to be seen of queues: log lines, Prometheus. All of it by event hooks, or read from the store.

`ranch.observe.prometheus` is apart: it needs the extra ``ranch-scheduler[prometheus]``.
"""

from __future__ import annotations

from ranch.observe.log import MetricsLog
from ranch.observe.status import QueueStatus, get_queue_status

__all__ = ["MetricsLog", "QueueStatus", "get_queue_status"]

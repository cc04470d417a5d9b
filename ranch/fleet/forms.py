"""Other forms in which a fleet may be written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote

#: What FairQueue calls the settings of a worker.
_WORKER: Final = {
    "assigned_users": "assigned",
    "steal_targets": "steal",
    "max_concurrent_tasks": "concurrency",
    "task_timeout_seconds": "timeout",
    "graceful_shutdown_timeout": "drain_timeout",
}
#: What it calls those of its queue.
_QUEUE: Final = {"default_task_timeout": "timeout"}
#: What there is no need to say: nobody polls.
_NEEDLESS: Final = ("poll_interval_seconds",)


def plain_form(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in the form of a `Fleet`.

    One worker may stand alone under ``worker``. FairQueue's ``redis`` is a store, its ``queue`` the only one, called by
    its ``stats_prefix``, in which users take turns; its names of a worker's settings stand for ours. What cannot be
    read is left as it is, to be told as a fault.
    """
    plain = dict(settings)
    if "worker" in plain and "workers" not in plain:
        plain["workers"] = [plain.pop("worker")]
    if isinstance(plain.get("queues"), Mapping):
        # In YAML a queue of which nothing is said is None.
        plain["queues"] = {name: {} if queue is None else queue for name, queue in plain["queues"].items()}
    if isinstance(plain.get("workers"), list):
        plain["workers"] = [_renamed(worker, _WORKER) for worker in plain["workers"]]
    if isinstance(redis := plain.get("redis"), Mapping) and "store" not in plain and not {*redis} - {*_REDIS}:
        plain["store"] = _url(plain.pop("redis"))
    if isinstance(queue := plain.get("queue"), Mapping) and "queues" not in plain:
        queue = _renamed(plain.pop("queue"), _QUEUE)
        plain["queues"] = {queue.pop("stats_prefix", "fq"): {"strategy": "round-robin", **queue}}
    return plain


_REDIS: Final = ("host", "port", "db", "username", "password")


def _url(redis: Mapping[str, Any]) -> str:
    user, password = (quote(str(redis.get(name) or ""), safe="") for name in ("username", "password"))
    access = f"{user}:{password}@" if user or password else ""
    return f"redis://{access}{redis.get('host', 'localhost')}:{redis.get('port', 6379)}/{redis.get('db', 0)}"


def _renamed(settings: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(settings, Mapping):
        return settings
    return {
        names.get(name, name) if names.get(name, name) not in settings else name: value
        for name, value in settings.items()
        if name not in _NEEDLESS
    }

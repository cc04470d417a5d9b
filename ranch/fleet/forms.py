"""Other forms in which a fleet may be written down."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlencode

#: What FairQueue calls the settings of a worker, and what they are called here; nothing is what needs no saying.
_WORKER: Final = {
    "assigned_users": "assigned",
    "steal_targets": "steal",
    "max_concurrent_tasks": "concurrency",
    "task_timeout_seconds": "timeout",
    "graceful_shutdown_timeout": "drain_timeout",
    "poll_interval_seconds": "",
}
#: The same of its queue.
_QUEUE: Final = {
    "default_task_timeout": "timeout",
    "lua_script_cache_size": "",
    "enable_pipeline_optimization": "",
    "pipeline_batch_size": "",
    "pipeline_timeout": "",
    "queue_cleanup_interval": "",
    "stats_aggregation_interval": "",
}
#: The same of its connection.
_REDIS: Final = {"decode_responses": "", "retry_on_timeout": ""}
#: Where its Redis is,
_ADDRESS: Final = ("host", "port", "db", "username", "password", "ssl")
#: and how to speak to it, for which the query of a URL has the same names.
_OPTIONS: Final = (
    "socket_timeout",
    "socket_connect_timeout",
    "health_check_interval",
    "max_connections",
    "ssl_cert_reqs",
    "ssl_ca_certs",
    "ssl_certfile",
    "ssl_keyfile",
)


def plain_form(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return settings in the form of a `Fleet`.

    One worker may stand alone under ``worker``. FairQueue's ``redis`` is a store, its ``queue`` the only one, called by
    its ``stats_prefix``, in which users take turns; its names of settings stand for ours, and those that nothing here
    needs are left out. What cannot be read is left as it is, to be told as a fault.
    """
    plain = dict(settings)
    if "worker" in plain and "workers" not in plain:
        plain["workers"] = [plain.pop("worker")]
    if isinstance(plain.get("queues"), Mapping):
        # In YAML a queue of which nothing is said is None.
        plain["queues"] = {name: {} if queue is None else queue for name, queue in plain["queues"].items()}
    if isinstance(plain.get("workers"), list):
        plain["workers"] = [_renamed(worker, _WORKER) for worker in plain["workers"]]
    if isinstance(redis := plain.get("redis"), Mapping) and "store" not in plain:
        redis = {name: value for name, value in _renamed(redis, _REDIS).items() if value is not None}
        if {*redis} <= {*_ADDRESS, *_OPTIONS}:
            del plain["redis"]
            plain["store"] = _url(redis)
    if isinstance(queue := plain.get("queue"), Mapping) and "queues" not in plain:
        queue = _renamed(plain.pop("queue"), _QUEUE)
        plain["queues"] = {queue.pop("stats_prefix", "fq"): {"strategy": "round-robin", **queue}}
    return plain


def _url(redis: Mapping[str, Any]) -> str:
    scheme = "rediss" if redis.get("ssl") else "redis"
    user, password = (quote(str(redis.get(name, "")), safe="") for name in ("username", "password"))
    access = f"{user}:{password}@" if user or password else ""
    query = urlencode({name: redis[name] for name in _OPTIONS if name in redis})
    address = f"{redis.get('host', 'localhost')}:{redis.get('port', 6379)}/{redis.get('db', 0)}"
    return f"{scheme}://{access}{address}{query and '?'}{query}"


def _renamed(settings: Any, names: Mapping[str, str]) -> Any:
    if not isinstance(settings, Mapping):
        return settings
    return {
        name if (here := names.get(name, name)) in settings else here: value
        for name, value in settings.items()
        if names.get(name, name)
    }

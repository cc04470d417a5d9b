"""FairQueue's configuration, as its page shows it, read by ranch."""

from __future__ import annotations

import pytest

from ranch import ConfigError
from ranch.fleet import Fleet, FleetWorker

TWO = {
    "redis": {"host": "localhost", "port": 6379, "db": 15},
    "workers": [
        {"id": "worker1", "assigned_users": ["user_0", "user_1"], "steal_targets": ["user_2", "user_3"]},
        {"id": "worker2", "assigned_users": ["user_2", "user_3"], "steal_targets": ["user_0", "user_1"]},
    ],
    "queue": {"stats_prefix": "fq"},
}


def test_the_form_of_many_workers():
    """A store, a queue in which users take turns, and the workers with their lanes."""
    fleet = Fleet.from_dict(TWO)

    assert fleet.store == "redis://localhost:6379/15"
    assert {name: queue.strategy for name, queue in fleet.queues.items()} == {"fq": "round-robin"}
    assert fleet.get_worker("worker1") == FleetWorker(
        id="worker1", assigned=["user_0", "user_1"], steal=["user_2", "user_3"]
    )


def test_the_form_of_a_single_worker():
    """It is a fleet of one, and is given back in the form of many."""
    worker = {"id": "w", "assigned_users": ["u"], "max_concurrent_tasks": 4, "task_timeout_seconds": 300.0}
    worker |= {"graceful_shutdown_timeout": 30.0, "poll_interval_seconds": 1.0}
    redis = {"host": "h", "password": "p@ss"}

    fleet = Fleet.from_dict({"redis": redis, "worker": worker, "queue": {"stats_prefix": "fq"}})

    assert fleet.to_dict() == {
        "store": "redis://:p%40ss@h:6379/0",
        "queues": {"fq": {"strategy": "round-robin"}},
        "workers": [{"id": "w", "assigned": ["u"], "concurrency": 4, "timeout": 300.0, "drain_timeout": 30.0}],
    }
    assert Fleet.from_dict(fleet.to_dict()) == fleet


def test_what_its_to_yaml_has_written():
    """Each key of its connection is in the URL, those that need no saying are gone, and retries are a task's."""
    redis = {"host": "h", "port": 6379, "db": 2, "password": None, "username": None, "socket_timeout": 3.0}
    redis |= {"socket_connect_timeout": 4.0, "health_check_interval": 20, "decode_responses": True, "ssl": True}
    redis |= {"ssl_cert_reqs": None, "ssl_ca_certs": "/ca.pem", "ssl_certfile": None, "ssl_keyfile": None}
    redis |= {"max_connections": None, "retry_on_timeout": False}
    queue = {"stats_prefix": "fq", "lua_script_cache_size": 100, "default_task_timeout": 300.0}
    queue |= {"enable_pipeline_optimization": True, "pipeline_batch_size": 100, "pipeline_timeout": 5.0}
    queue |= {"queue_cleanup_interval": 3600, "stats_aggregation_interval": 300}
    worker = {"id": "w", "assigned_users": ["u"], "steal_targets": [], "poll_interval_seconds": 1.0}
    worker |= {"task_timeout_seconds": 300.0, "max_concurrent_tasks": 10, "graceful_shutdown_timeout": 30.0}

    fleet = Fleet.from_dict({"redis": redis, "workers": [worker], "queue": queue})

    said = "socket_timeout=3.0&socket_connect_timeout=4.0&health_check_interval=20&ssl_ca_certs=%2Fca.pem"
    assert fleet.store == f"rediss://h:6379/2?{said}"
    assert (fleet.queues["fq"].timeout, fleet.get_worker("w").steal) == (300.0, [])
    with pytest.raises(ConfigError, match="unknown key 'max_retry_attempts'"):
        Fleet.from_dict({"redis": redis, "workers": [worker], "queue": {**queue, "max_retry_attempts": 3}})


def test_its_validation_and_its_utilities():
    """Duplicate ids, a user assigned twice, timeouts of worker and queue, look-up and coverage."""
    one, two = TWO["workers"]
    wrong = {
        **TWO,
        "workers": [one, {**two, "id": "worker1", "assigned_users": ["user_0"], "task_timeout_seconds": 10}],
        "queue": {"stats_prefix": "fq", "default_task_timeout": 60},
    }
    with pytest.raises(ConfigError) as caught:
        Fleet.from_dict(wrong)
    for words in ("2 workers have the id 'worker1'", "'user_0' is assigned twice", "timeout 10 is shorter than the 60"):
        assert words in str(caught.value)

    coverage = Fleet.from_dict(TWO).coverage(["user_9"])
    assert sorted(coverage.assigned) == ["user_0", "user_1", "user_2", "user_3"]
    assert coverage.unassigned == ["user_9"]

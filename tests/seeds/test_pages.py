"""The pages for those who come from another system name all that it had, and nothing that is not there."""

from __future__ import annotations

import re
from inspect import signature
from operator import attrgetter
from pathlib import Path

import pytest

from ranch import LRUTask, Queue, Retry, Worker
from ranch.fleet import Fleet
from ranch.observe import get_queue_status
from ranch.resilience import circuit_breaker, retry_with_backoff, with_timeout

DOCS = Path(__file__).parents[2] / "docs" / "how-to"

NAMES = {
    "coming-from-queue-system.md": """
        QueueConfig redis_client redis_url queue_prefix backup_ttl logger connection_timeout max_connection_retries
        get_queue_key queue_name priority get_registry_key get_callback_key callback_name callback_module
        register_callback callback name module update_metric metric_name value force_log get_metrics
        _define_queue_keys _ensure_redis_sync retry_count close
        QueueManager config enqueue entity processor operation_id retry_config on_success on_failure timeout
        deduplication_key custom_serializer enqueue_batch entities kwargs get_queue_status purge_queue
        _generate_operation_id _hash_entity _serialize_entity default_serializer _queue_operation queue_data try_catch
        QueueWorker max_workers work_timeout start stop running _worker_loop worker_id _process_queue_item
        _handle_queue_item item_data _execute_callback
        QueueRetryConfig max_attempts delays get_delay_for_attempt attempt to_dict would_exceed_timeout
        first_attempt_time current_time from_dict fixed delay exponential base min_delay max_delay custom
        _generate_exponential_delays
        with_timeout default_timeout circuit_breaker failure_threshold recovery_timeout half_open_max_calls window_size
        retry_with_backoff max_retries base_delay exceptions total_timeout
        failures system_errors enqueued processed failed success_rate avg_process_time on_event
    """,
    "coming-from-fairqueue.md": """
        fairque task Task func args kwargs __call__ Priority DLQEntry user_id FunctionResolutionError
        try_deserialize_function FairQueue TaskQueue AsyncTaskQueue push push_batch push_batch_concurrent pop
        stats LuaScriptManager AsyncLuaScriptManager Worker TaskHandler AsyncWorker AsyncTaskHandler TaskScheduler
        ScheduledTask croniter RedisConfig host port db QueueConfig stats_prefix all_users assigned_users steal_targets
        FairQueueConfig WorkerConfig from_dict to_dict from_yaml to_yaml create_default worker_id create_multi_worker
        workers worker validate_all get_worker_by_id get_coverage_info get_all_users monitoring
        MemoryDB multi_worker_config_example run_benchmarks
    """,
    "coming-from-celery-ranch.md": """
        celery_ranch lru_task app weight_function base LRUTask lru_delay priority_weight tags expiry
        set_priority_weight add_tag set_custom_data get_custom_data get_client_metadata weight pending_tasks custom_data
        get_tagged_clients get_system_status backlog_size LRUKeyMetadata RedisStorage redis_client prefix configure
        storage SerializerType _task_backlog get_all_lru_keys get_tasks_by_lru_key
        redis_prefix redis_serializer redis_key_ttl redis_use_ssl metrics_enabled
        celery_lru_priority task_routes prioritize_task
    """,
}


@pytest.mark.parametrize("page", NAMES)
def test_each_name_stands_in_the_page(page):
    """Classes, methods, parameters and settings, each in a table or the text."""
    text = (DOCS / page).read_text(encoding="utf-8")

    assert [name for name in NAMES[page].split() if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)] == []


@pytest.mark.parametrize(
    "function", [Retry.fixed, Retry.exponential, Retry.custom, with_timeout, circuit_breaker, retry_with_backoff]
)
def test_what_is_called_the_same_has_the_same_arguments(function):
    """The page shows the Queue System's, with their defaults; retries here have `jitter`, too."""
    arguments = [each.replace(annotation=each.empty) for each in signature(function).parameters.values()]
    called = ", ".join(str(each) for each in arguments if each.name != "jitter")

    assert f"| `{function.__name__}({called})` |" in (DOCS / "coming-from-queue-system.md").read_text(encoding="utf-8")


def test_what_the_pages_send_to_is_there():
    """An attribute that they name of a queue, a task, a job and so on, up to its first call, is one."""
    queue = Queue("q", backend="memory://")
    function = queue.task(_function)
    nouns = {
        "queue": queue,
        "function": function,
        "processor": function,
        "job": function.enqueue("acme"),
        "schedule": function.schedule(every=60, lane="acme"),
        "status": get_queue_status(queue),
        "retry": Retry.never(),
        "Retry": Retry,
        "fleet": Fleet(),
        "worker": Worker(queue),
        "task.ranch_queue": queue,
        "task": LRUTask,
    }
    text = "".join((DOCS / page).read_text(encoding="utf-8") for page in NAMES)
    paths = re.findall(rf"`(?:await )?({'|'.join(map(re.escape, nouns))})\.([\w.]+)", text)

    assert {noun for noun, _ in paths} == {*nouns}
    assert [f"{noun}.{path}" for noun, path in paths if not _is_there(nouns[noun], path)] == []


def _is_there(found, path):
    try:
        attrgetter(path)(found)
    except AttributeError:
        return False
    return True


def _function():
    pass

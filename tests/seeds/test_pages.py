"""The pages for those who come from another system name all that it had."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "how-to"

NAMES = {
    "coming-from-queue-system.md": """
        QueueConfig redis_client redis_url queue_prefix backup_ttl logger connection_timeout max_connection_retries
        get_queue_key queue_name priority get_registry_key get_callback_key callback_name callback_module
        register_callback callback name module update_metric metric_name value force_log get_metrics
        _define_queue_keys _ensure_redis_sync retry_count
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
        failures system_errors enqueued processed failed success_rate avg_process_time
    """,
    "coming-from-fairqueue.md": """
        fairque task Task func args kwargs __call__ Priority DLQEntry user_id FunctionResolutionError
        try_deserialize_function FairQueue TaskQueue AsyncTaskQueue push push_batch push_batch_concurrent pop
        stats LuaScriptManager AsyncLuaScriptManager Worker TaskHandler AsyncWorker AsyncTaskHandler TaskScheduler
        ScheduledTask croniter RedisConfig QueueConfig stats_prefix all_users assigned_users steal_targets
        FairQueueConfig WorkerConfig from_dict to_dict from_yaml to_yaml create_default create_multi_worker validate_all
        get_worker_by_id get_coverage_info get_all_users
    """,
}


@pytest.mark.parametrize("page", NAMES)
def test_each_name_stands_in_the_page(page):
    """Classes, methods and parameters, each in a table or the text."""
    text = (DOCS / page).read_text(encoding="utf-8")

    assert [name for name in NAMES[page].split() if not re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)] == []

"""Redis, weights, tags, expiry and numbers."""

from celery import Celery

from ranch import SerializerType, lru_task
from tests.celery.coming_from import BROKER

app = Celery("tasks", broker=BROKER, backend=BROKER)

app.conf.ranch = {
    "redis_prefix": "myapp:",
    "redis_serializer": SerializerType.JSON,
    "redis_key_ttl": 3600,
    "metrics_enabled": True,
    "redis_max_retries": 3,
    "redis_socket_timeout": 5,
    "redis_use_ssl": False,
}


@lru_task(app)
def process_data(data):
    """Process the data."""
    return f"processed {data}"


def use():
    """Send a task, and look at what there is."""
    process_data.set_priority_weight("premium_client", 0.5)
    process_data.set_priority_weight("background_job", 2.0)
    process_data.add_tag("premium_client", "type", "premium")
    result = process_data.lru_delay(
        "premium_client",
        "data",
        priority_weight=0.5,
        tags={"region": "us-west"},
        expiry=1800,
    )
    client_info = process_data.get_client_metadata("premium_client")
    print(f"Client priority: {client_info['weight']}")
    print(f"Pending tasks: {client_info['pending_tasks']}")
    status = process_data.get_system_status()
    print(f"Total backlog size: {status['backlog_size']}")
    print(process_data.get_tagged_clients("region", "us-west"))
    return result

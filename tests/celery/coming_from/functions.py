"""A weight function on custom data."""

from celery import Celery

from ranch import LRUKeyMetadata, lru_task
from tests.celery.coming_from import BROKER

app = Celery("tasks", broker=BROKER, backend=BROKER)


def resource_based_priority(lru_key: str, metadata: LRUKeyMetadata) -> float:
    """Calculate the priority of what resources a process takes."""
    if not metadata.custom_data or "resource_impact" not in metadata.custom_data:
        return 1.0
    impact = metadata.custom_data.get("resource_impact", 1.0)
    return max(impact, 0.1)


@lru_task(app, weight_function=resource_based_priority)
def process_data(data):
    """Process the data."""
    return f"processed {data}"


def use():
    """Send a task, and look at what there is."""
    process_data.set_custom_data("data_mining_job", "resource_impact", 3.0)
    process_data.set_custom_data("user_report", "resource_impact", 0.5)
    process_data.add_tag("user_report", "importance", "critical")
    result = process_data.lru_delay("user_report", "data")
    print(process_data.get_custom_data("data_mining_job"))
    for key in ("data_mining_job", "user_report"):
        print(key, process_data.get_client_metadata(key)["effective_weight"])
    print(process_data.get_tagged_clients("importance", "critical"))
    return result

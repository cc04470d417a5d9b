"""A Redis client made elsewhere, and a task class of one's own."""

import redis
from celery import Celery

from ranch import LRUTask, RedisStorage, configure, lru_task
from tests.celery.coming_from import BROKER

app = Celery("tasks", broker=BROKER, backend=BROKER)

redis_client = redis.from_url(BROKER)
redis_storage = RedisStorage(redis_client, prefix="my_app:lru_priority:")
configure(app=app, storage=redis_storage)


class MyCustomTask(LRUTask):
    def shout(self):
        return "custom"


@lru_task(app, base=MyCustomTask)
def process_data(data):
    """Process the data."""
    return f"processed {data}"


def use():
    """Send a task, and look at what there is."""
    result = process_data.lru_delay("client_id", "data")
    print(process_data.shout(), process_data.get_system_status()["backlog_size"])
    print(sorted({key.partition(b"}")[0] for key in redis_client.scan_iter("{my_app*")}))
    return result

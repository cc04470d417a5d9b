"""The undocumented names of Celery, kombu and billiard that ranch touches: a test asks each version for them."""

from __future__ import annotations

from typing import Final

#: The versions of Celery that they were checked on, with the kombu that each brings: ``make matrix``.
CHECKED: Final = ("5.4.0", "5.5.3", "5.6.3", "5.7.0")

#: What for, by the name: the module, and where in it.
TOUCHED: Final = {
    "celery.app.amqp:AMQP._create_task_sender": (
        "makes the function that every message to a task passes on its way to the broker: the one place to put it "
        "into a lane instead"
    ),
    "celery.app.amqp:AMQP.send_task_message": "that function, once it was made",
    "celery.app.base:Celery.amqp": "whether the app has made its AMQP object already: it is in the app's dictionary",
    "celery.app.base:Celery.amqp_cls": "the name of its class",
    "celery.app.base:Celery.current_worker_task": "the task that the worker runs in this thread, and its request",
    "celery.app.base:Celery.producer_or_acquire": (
        "a group borrows a producer, and lends it to each send: so a group can be told from its messages, and stored "
        "as one"
    ),
    "celery.app.base:Celery.send_task": "makes the result of what was sent: of a duplicate that of the first task",
    "celery.worker.components:Pool.process_task": "takes a request to the pool; the worker's consumer is given it",
    "celery.worker.components:Pool.semaphore": "there, if requests may wait for the pool",
    "celery.worker.components:Pool.max_concurrency": "how far the autoscaler may grow the pool",
    "celery.concurrency.base:BasePool.limit": "how many tasks a pool of threads or greenlets runs at a time",
    "celery.concurrency.base:BasePool.num_processes": "how many processes a pool has now",
    "celery.worker.consumer.consumer:Consumer.call_soon": "after the events that the loop has at hand now",
    "celery.worker.consumer.consumer:Consumer.create_task_handler": "makes what takes each message of the broker",
    "celery.worker.consumer.consumer:Consumer.on_decode_error": "what becomes of a message that makes no request",
    "celery.worker.consumer.consumer:Consumer.on_invalid_task": "the same",
    "celery.worker.consumer.consumer:Consumer.on_unknown_task": "the same",
    "celery.worker.consumer.consumer:Consumer.on_task_message": "callbacks that see each request: the autoscaler's",
    "celery.worker.consumer.consumer:Consumer.strategies": "make a request of a message, by the task's name",
    "celery.worker.consumer.consumer:Consumer.task_consumer": "the kombu consumer of the worker's queues",
    "celery.worker.state:should_stop": "the worker is on its way out",
    "celery.worker.state:should_terminate": "the same, at once",
    "celery.worker.request:Request.on_failure": "shadowed on the instance, for the end of an execution;",
    "celery.worker.request:Request.on_success": "`execute_using_pool` passes them to the pool",
    "celery.worker.request:Request.on_timeout": "as `self.on_…`",
    "celery.worker.request:Request._apply_result": (
        "Celery < 5.6.3 forgets running tasks when its broker is lost: this and the next two show which"
    ),
    "billiard.pool:Pool._cache": "what a pool waits for, by number",
    "billiard.pool:ApplyResult._job": "that number",
    "celery.app.task:Task.Strategy": "a name, unless a task brings its own, which buffers: that of celery-batches",
    "celery.app.task:Task.start_strategy": "makes a strategy for a task; it reads `acks_late` only then",
    "kombu.asynchronous.hub:Hub.create_loop": "the worker's event loop, step by step",
    "kombu.messaging:Consumer._active_tags": "the tags by which a broker tells the worker's queues apart",
    "kombu.messaging:Consumer.accept": "content types that the worker reads",
}

"""What ranch adds to a worker that starts."""

from __future__ import annotations

from typing import Any

from celery import bootsteps
from celery.utils.log import get_logger

from ranch.backends.memory import MemoryBackend
from ranch.celery import remote  # noqa: F401 - remote commands are known once they are imported
from ranch.celery.embedding import Ranch
from ranch.celery.internals import worker
from ranch.celery.internals.app import consumed_queues
from ranch.celery.pump import Pump
from ranch.exceptions import ConfigError

log = get_logger(__name__)


class WorkerStep(bootsteps.StartStopStep):
    """Puts a pump between the worker's consumer, which is made after this, and its pool.

    Raises:
        ConfigError: The configuration is wrong, or does not go with the pool. The worker does not start.
    """

    requires = ("celery.worker.components:Pool",)

    def create(self, parent: Any) -> None:
        ranch = Ranch(parent.app)
        if isinstance(ranch.backend, MemoryBackend):
            if worker.forks(parent.pool):
                raise ConfigError(
                    "memory:// lives in one process, and the tasks of a prefork pool run in others: name a store that "
                    'processes share, such as app.conf.ranch = {"backend": "sqlite:////var/lib/app/ranch.db"}, or '
                    "start the worker with --pool=threads or --pool=solo",
                    where="app.conf.ranch",
                )
            log.warning("ranch keeps jobs in memory://: this worker takes only those that its own process sends")
        ranch.check(consumed_queues(parent.app))
        parent.ranch_pump = Pump(ranch, parent.process_task)
        parent.process_task = parent.ranch_pump.on_request

    def close(self, parent: Any) -> None:
        """As the worker is about to stop; then its consumer forgets what the pool has not begun."""
        parent.ranch_pump.close()


class PumpStep(bootsteps.StartStopStep):
    """Starts the pump once the worker's consumer is connected to the broker, and stops it after the pool."""

    requires = ("celery.worker.consumer.tasks:Tasks",)

    def start(self, parent: Any) -> None:
        pump: Pump = parent.controller.ranch_pump
        if pump.started:
            pump.reconnected()
        else:
            pump.start(parent)

    def register_with_event_loop(self, parent: Any, hub: Any) -> None:
        """As the worker's event loop starts, and starts again."""
        parent.controller.ranch_pump.wakeup.register(parent, hub)

    def shutdown(self, parent: Any) -> None:
        """As the worker has stopped, pool and all."""
        parent.controller.ranch_pump.stop()

"""The job of a task, with its result."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from attrs import field, fields, frozen

from ranch.model import Job
from ranch.operations import Operations
from ranch.steps import Steps, adrive, drive
from ranch.tasks.call import TaskCall


@frozen(kw_only=True)
class TaskJob(Job):
    """A job, as an enqueue of a task returns it: the same, and its result."""

    _operations: Operations = field(repr=False, eq=False)

    def result(self, timeout: float | None = None) -> Any:
        """Return what the task has returned; wait until it has: see `Queue.result`.

        Args:
            timeout: Seconds to wait; 0 does not wait. None: as long as it takes.

        Raises:
            ResultNotReady: It has not ended in that time.
            JobFailed: It was given up, with the error of its dead letter.
            JobCancelled: It was cancelled, purged, or dropped to make room.
            JobExpired: It has expired.
            ResultUnknown: Nothing is kept of how it ended: not any more, or never.
            SerializationError: The serializer did not take the result, or does not read it here.
        """
        return drive(self._operations.backend, self._operations.result(self.id, timeout))

    async def aresult(self, timeout: float | None = None) -> Any:
        """Do as `result`, awaited."""
        return await adrive(self._operations.backend, self._operations.result(self.id, timeout))

    @classmethod
    def of(cls, job: Job, operations: Operations) -> TaskJob:
        """Return a job with its result."""
        return cls(operations=operations, **{name: getattr(job, key) for key, name in _FIELDS})


# The names of fields, and of the arguments that they come from.
_FIELDS = tuple((each.name, each.alias or each.name) for each in fields(Job))


def enqueue(
    operations: Operations, lane: str, calls: Iterable[TaskCall], options: Mapping[str, Any]
) -> Steps[list[TaskJob]]:
    """Put calls of tasks into a lane. Their results are kept as the queue says, if the options do not."""
    options = {"result_ttl": operations.result_ttl, **options}
    jobs = yield from operations.enqueue([(lane, call.payload()) for call in calls], **options)
    return [TaskJob.of(job, operations) for job in jobs]

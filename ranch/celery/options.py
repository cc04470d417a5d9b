"""What a call may say of a laned message, beside what Celery understands."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from attrs import frozen

from ranch.model import LaneUpdate, NewJob, Priority

#: The header that keeps the options of a job over a retry.
JOB_HEADER: Final = "ranch-job"

#: Options of a job, by the arguments of `Queue.enqueue` that they are.
_OF_JOB: Final = {
    "cost": "cost",
    "bid": "bid",
    "lane_priority": "priority",
    "dedup_key": "dedup_key",
    "dedup_for": "dedup_for",
}
#: Options that change the lane, by the arguments of `QueueLane.update` that they are.
_OF_LANE: Final = {"lane_weight": "weight", "lane_tags": "tags"}


@frozen
class LaneOptions:
    """The options of one message that are ranch's, taken from among Celery's."""

    #: The option ``lane``; None if there was none.
    lane: str | None
    #: Arguments for `Queue.enqueue`.
    job: Mapping[str, Any]
    #: Arguments for `QueueLane.update`.
    change: Mapping[str, Any]

    @classmethod
    def pop(cls, options: dict[str, Any], headers: Mapping[str, Any]) -> LaneOptions:
        """Take them out of `options`, whether the message will have a lane or not: Celery would send them along.

        A number given as ``priority`` is Celery's, and means what the broker makes of it. A `Priority` is ranch's.
        """
        if isinstance(options.get("priority"), Priority):
            options.setdefault("lane_priority", options.pop("priority"))
        job = dict(headers.get(JOB_HEADER) or {})
        job.update(_popped(options, _OF_JOB))
        return cls(options.pop("lane", None), job, _popped(options, _OF_LANE))

    def check(self, lane: object) -> None:
        """Find what cannot be, before anything is stored.

        Raises:
            InvalidJob: The lane or an option cannot be.
        """
        NewJob(lane=lane, body=b"", content_type="", **self.job)
        LaneUpdate(key=lane, **self.change)


def _popped(options: dict[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    return {argument: options.pop(name) for name, argument in names.items() if name in options}

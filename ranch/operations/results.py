"""How jobs have ended, for those who wait for it."""

from __future__ import annotations

import time
from typing import Any

from ranch.answers import Outcome
from ranch.checks import checked_number
from ranch.exceptions import (
    JobCancelled,
    JobExpired,
    JobFailed,
    ResultNotReady,
    ResultUnknown,
    SerializationError,
)
from ranch.operations.core import Core, checked_id
from ranch.steps import Steps
from ranch.typing import LONGEST_WAIT

_NOT_ASKED = "none is kept of it: it was enqueued without a result_ttl"
_GONE = "there is no such job, or it ended longer ago than its result_ttl, or has none"


class ResultOperations(Core):
    """Results, waited for."""

    __slots__ = ()

    def result(self, job_id: str, timeout: float | None) -> Steps[Any]:
        job_id, began = checked_id(job_id), time.monotonic()
        if timeout is not None:
            checked_number(timeout, "timeout")
        while True:
            outcome = yield from self.lanes.outcome(job_id)
            if outcome is None or not outcome.kept:
                raise ResultUnknown(job_id, _GONE if outcome is None else _NOT_ASKED)
            if outcome.how != "open":
                return self._opened(job_id, outcome)
            left = LONGEST_WAIT if timeout is None else began + timeout - time.monotonic()
            if left <= 0:
                assert timeout is not None, "who waits for ever is never late"
                raise ResultNotReady(job_id, timeout)
            yield from self.lanes.wait_for(job_id, min(left, LONGEST_WAIT))

    def _opened(self, job_id: str, outcome: Outcome) -> Any:
        if outcome.how == "done":
            return self.codec.loads(outcome.body, outcome.content_type) if outcome.content_type else None
        if outcome.how == "unwritten":
            raise SerializationError(f"job {job_id} is done, but its result could not be kept: {outcome.body.decode()}")
        if outcome.how == "expired":
            raise JobExpired(job_id)
        if outcome.death:
            raise JobFailed(job_id, outcome.death.reason, outcome.death.error, outcome.death.traceback)
        raise JobCancelled(job_id, outcome.how)

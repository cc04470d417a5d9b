"""The rows of how jobs have ended, and how the operations reach them."""

from __future__ import annotations

from typing import Protocol

from attrs import define


@define(eq=False)
class OutcomeRow:
    """How a job has ended, as it is stored: see `Outcome`."""

    id: str
    #: When it is removed.
    until: float
    how: str
    content_type: str = ""
    body: bytes = b""


class OutcomeTables(Protocol):
    """The part of `Tables` that is of how jobs have ended, by their ids."""

    def add_outcome(self, outcome: OutcomeRow) -> None: ...

    def outcome(self, job_id: str) -> OutcomeRow | None: ...

    def drop_outcome(self, job_id: str) -> None:
        """Remove an outcome, if it is there."""

    def shed_outcomes(self, limit: int) -> None:
        """Remove up to `limit` outcomes whose time is over, the oldest first."""

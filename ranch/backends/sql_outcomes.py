"""How jobs have ended, in a database that speaks SQL."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final, Protocol

from ranch.backends.outcome_rows import OutcomeRow
from ranch.backends.rows import QueueRow

_ADD_OUTCOME: Final = "INSERT INTO outcomes (queue, id, until, how, content_type, body) VALUES (?, ?, ?, ?, ?, ?)"
_SHED_OUTCOMES: Final = (
    "DELETE FROM outcomes WHERE queue = ? AND id IN "
    "(SELECT id FROM outcomes WHERE queue = ? AND until <= ? ORDER BY until LIMIT ?)"
)


class Rows(Protocol):
    """What a statement found."""

    def fetchone(self) -> Any: ...

    def fetchall(self) -> list[Any]: ...

    def __iter__(self) -> Iterator[Any]: ...


class Execute(Protocol):
    """Runs one statement of SQL, with a question mark for each value."""

    def __call__(self, statement: str, values: Sequence[Any], /) -> Rows: ...


class SQLOutcomes:
    """The part of `SQLTables` that is of how jobs have ended."""

    def __init__(self, execute: Execute, number: int, queue: QueueRow) -> None:
        self._execute = execute
        self._number = number
        self.queue = queue
        #: Whether it was kept of a job how it has ended: whoever waits for that is to look.
        self.has_ended = False

    def add_outcome(self, outcome: OutcomeRow) -> None:
        values = (outcome.id, outcome.until, outcome.how, outcome.content_type, outcome.body)
        self._execute(_ADD_OUTCOME, (self._number, *values))
        self.has_ended = True

    def outcome(self, job_id: str) -> OutcomeRow | None:
        query = "SELECT id, until, how, content_type, body FROM outcomes WHERE queue = ? AND id = ?"
        row = self._execute(query, (self._number, job_id)).fetchone()
        return OutcomeRow(*row) if row else None

    def drop_outcome(self, job_id: str) -> None:
        self._execute("DELETE FROM outcomes WHERE queue = ? AND id = ?", (self._number, job_id))

    def shed_outcomes(self, limit: int) -> None:
        self._execute(_SHED_OUTCOMES, (self._number, self._number, self.queue.now, limit))

"""The rows of dead letters."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from attrs import define

from ranch.letters import DeadLetter, Death
from ranch.model import Job


@define(eq=False)
class LetterRow:
    """Why a job died, as it is stored."""

    id: str
    died_at: float
    #: When it is removed, if it is.
    until: float | None
    death: Death

    def read(self, job: Job) -> DeadLetter:
        return DeadLetter(job=job, death=self.death, died_at=self.died_at)


class LetterTables(Protocol):
    """The dead letters of one queue inside one transaction."""

    def add_letter(self, letter: LetterRow) -> None: ...

    def drop_letter(self, job_id: str) -> None: ...

    def letter(self, job_id: str) -> LetterRow | None: ...

    def letters(self, after: tuple[float, str], limit: int) -> Sequence[LetterRow]:
        """Return letters by `(died_at, id)`, those after the given one."""

"""The dead letters of a queue, blocking and awaited."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from typing import TypeVar

from attrs import field, frozen

from ranch.letters import DeadLetter, Kind
from ranch.model import Job
from ranch.operations import Operations
from ranch.operations.letters import filtered
from ranch.steps import Steps, adrive, drive

R = TypeVar("R")


@frozen
class DeadLetters:
    """Jobs that were given up on, kept with the reason.

    ``Policy.max_dead`` and ``Policy.dead_ttl`` say how many are kept and for how long; `Queue.stats` counts them.
    """

    _operations: Operations = field(repr=False)

    def list(
        self, *, lane: str | None = None, reason: str | None = None, kind: Kind | None = None
    ) -> Iterator[DeadLetter]:
        """Read dead letters, the oldest first. One round trip for each 1,000 there are, as they are needed.

        Args:
            lane: Only those of one lane.
            reason: Only those of one reason, such as ``"failed"`` or ``"worker lost"``.
            kind: Only ``"failure"``, where the job's code failed, or ``"system"``, where it could not be run.
        """
        fits, cursor = filtered(lane, reason, kind), ""
        while True:
            page = self._drive(self._operations.read_letters(cursor))
            yield from filter(fits, page.letters)
            if not (cursor := page.cursor):
                return

    def get(self, job_id: str) -> DeadLetter | None:
        """Read one dead letter; None if the job is no dead one. One round trip."""
        return self._drive(self._operations.read_letter(job_id))

    def retry(
        self,
        ids: Iterable[str] | None = None,
        *,
        lane: str | None = None,
        reason: str | None = None,
        kind: Kind | None = None,
    ) -> Sequence[Job]:
        """Put dead letters back into their lanes, behind the jobs that are ready, and return the jobs.

        Their failures and reclaims are forgotten, they do not expire, and their `dedup_key` keeps no other job out.
        One round trip for each 100; to find those that are not named by their ids, one for each 1,000 there are.

        Args:
            ids: The ids of the jobs; those that are no dead letters are left out. None: all of `lane`, `reason` and
                `kind`, and if these are None too, all.
            lane: As for `list`.
            reason: As for `list`.
            kind: As for `list`.
        """
        return self._drive(self._operations.revive(ids, lane, reason, kind))

    def purge(
        self,
        ids: Iterable[str] | None = None,
        *,
        lane: str | None = None,
        reason: str | None = None,
        kind: Kind | None = None,
    ) -> int:
        """Remove dead letters for good, and return how many. Arguments and cost as for `retry`."""
        return self._drive(self._operations.forget(ids, lane, reason, kind))

    def _drive(self, steps: Steps[R]) -> R:
        return drive(self._operations.backend, steps)


@frozen
class AsyncDeadLetters:
    """As `DeadLetters`, awaited."""

    _operations: Operations = field(repr=False)

    async def list(
        self, *, lane: str | None = None, reason: str | None = None, kind: Kind | None = None
    ) -> AsyncIterator[DeadLetter]:
        """As `DeadLetters.list`, for ``async for``."""
        fits, cursor = filtered(lane, reason, kind), ""
        while True:
            page = await self._drive(self._operations.read_letters(cursor))
            for letter in filter(fits, page.letters):
                yield letter
            if not (cursor := page.cursor):
                return

    async def get(self, job_id: str) -> DeadLetter | None:
        """As `DeadLetters.get`."""
        return await self._drive(self._operations.read_letter(job_id))

    async def retry(
        self,
        ids: Iterable[str] | None = None,
        *,
        lane: str | None = None,
        reason: str | None = None,
        kind: Kind | None = None,
    ) -> Sequence[Job]:
        """As `DeadLetters.retry`."""
        return await self._drive(self._operations.revive(ids, lane, reason, kind))

    async def purge(
        self,
        ids: Iterable[str] | None = None,
        *,
        lane: str | None = None,
        reason: str | None = None,
        kind: Kind | None = None,
    ) -> int:
        """As `DeadLetters.purge`."""
        return await self._drive(self._operations.forget(ids, lane, reason, kind))

    async def _drive(self, steps: Steps[R]) -> R:
        return await adrive(self._operations.backend, steps)

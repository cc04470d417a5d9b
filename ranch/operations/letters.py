"""Dead letters: read, retried, purged."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from ranch.answers import LetterPage
from ranch.exceptions import InvalidJob
from ranch.letters import DeadLetter, Kind
from ranch.model import Job
from ranch.operations.core import PER_CALL, Core, checked_id, checked_ids, chunks
from ranch.steps import Steps
from ranch.typing import RELEASES_PER_CALL

T = TypeVar("T")


class LetterOperations(Core):
    """Operations on the jobs that were given up on."""

    __slots__ = ()

    def read_letters(self, cursor: str) -> Steps[LetterPage]:
        page: LetterPage = yield from self.lanes.letters(cursor, PER_CALL)
        self.readable(letter.job for letter in page.letters)
        return page

    def read_letter(self, job_id: str) -> Steps[DeadLetter | None]:
        letter = yield from self.lanes.letter(checked_id(job_id))
        if letter:
            self.readable([letter.job])
        return letter

    def revive(
        self, ids: Iterable[str] | None, lane: str | None, reason: str | None, kind: Kind | None
    ) -> Steps[list[Job]]:
        revived: list[Job] = []
        for page in chunks((yield from self._chosen(ids, lane, reason, kind)), RELEASES_PER_CALL):
            revived += self.readable((yield from self.lanes.revive(page)))
        return revived

    def forget(self, ids: Iterable[str] | None, lane: str | None, reason: str | None, kind: Kind | None) -> Steps[int]:
        forgotten = 0
        for page in chunks((yield from self._chosen(ids, lane, reason, kind)), RELEASES_PER_CALL):
            forgotten += yield from self.lanes.forget(page)
        return forgotten

    def _chosen(
        self, ids: Iterable[str] | None, lane: str | None, reason: str | None, kind: Kind | None
    ) -> Steps[list[str]]:
        if ids is not None:
            if (lane, reason, kind) != (None, None, None):
                raise InvalidJob("dead letters are chosen by their ids, or by lane, reason and kind, not by both")
            return checked_ids(ids)
        fits, chosen, cursor = filtered(lane, reason, kind), [], ""
        while True:
            page = yield from self.lanes.letters(cursor, PER_CALL)
            chosen += [letter.job.id for letter in page.letters if fits(letter)]
            if not (cursor := page.cursor):
                return chosen


def filtered(lane: str | None, reason: str | None, kind: Kind | None) -> Callable[[DeadLetter], bool]:
    """Return whether a dead letter is meant: what is None does not matter."""

    def fits(letter: DeadLetter) -> bool:
        return (
            lane in {None, letter.job.lane}
            and reason in {None, letter.death.reason}
            and kind in {None, letter.death.kind}
        )

    return fits

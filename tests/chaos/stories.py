"""What the ledgers tell, put together: of each job its claims, and of each claim what became of it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from attrs import define, field, fields


@define
class Settlement:
    """An attempt to end a lease, as whoever made it saw it."""

    #: ``"ack"``, ``"fail"``, ``"bury"`` or ``"release"``.
    how: str
    #: When it was sent.
    sent: float
    #: When the answer came; None if none did.
    answered: float | None = None
    #: The answer was `LeaseLost`.
    lost: bool = False
    #: It was sent again, so the answer may be that to the second time.
    resent: bool = False

    @property
    def is_sure(self) -> bool:
        """Whether it was done, and by this."""
        return self.answered is not None and not self.lost

    @property
    def may_be_done(self) -> bool:
        return self.answered is None or not self.lost or self.resent


@define
class Claim:
    """A lease that a worker knew of."""

    worker: str
    job: str
    lane: str
    token: str
    #: When it began and, as far as is known, ended, by the store's clock.
    start: float
    deadline: float
    attempts: int
    reclaims: int
    failures: int
    #: Of the job.
    due_at: float
    expires_at: float | None
    settlement: Settlement | None = None
    #: Its worker was killed while it had it.
    was_killed: bool = False

    @property
    def held_until(self) -> float:
        """Until when at least it was leased."""
        if self.settlement is None:
            return self.deadline
        # One that was settled was held until then, kept alive or not.
        return self.settlement.sent if self.settlement.is_sure else min(self.settlement.sent, self.deadline)


@define
class Story:
    """A job."""

    id: str
    names: set[str] = field(factory=set)
    lane: str | None = None
    key: str | None = None
    enqueued_at: float = 0.0
    expires_at: float | None = None
    #: Its enqueue returned.
    is_promised: bool = False
    claims: list[Claim] = field(factory=list)
    #: Told by the hooks, how often: ``"expired"``, ``"dead"``, ``"cancelled"``.
    told: dict[str, int] = field(factory=lambda: defaultdict(int))
    #: When a cancel of it was sent.
    cancels: list[float] = field(factory=list)
    #: When it had been put back from the dead letters.
    revivals: list[float] = field(factory=list)


@define
class Enqueue:
    """A call that was to store jobs."""

    names: list[str]
    key: str | None
    #: ``"enqueued"``, ``"refused"``, or none.
    answer: str = ""
    resent: int = 0

    @property
    def unsaid(self) -> int:
        """How many jobs it may have stored that nobody was told of."""
        sent = self.resent + (self.answer != "enqueued")
        return len(self.names) * (sent - (self.answer == "refused"))


@define
class Stories:
    """All that the ledgers of one run tell."""

    jobs: dict[str, Story] = field(factory=dict)
    claims: dict[str, Claim] = field(factory=dict)
    enqueues: list[Enqueue] = field(factory=list)
    #: Lane, since when and until when it was paused.
    pauses: list[tuple[str, float, float]] = field(factory=list)
    #: Tokens that two leases had.
    doubled: list[str] = field(factory=list)
    #: Calls sent again and given up, and leases that were lost though they were kept alive.
    resent: int = 0
    away: int = 0
    unkept: int = 0

    def job(self, job_id: str) -> Story:
        return self.jobs.setdefault(job_id, Story(job_id))

    def told(self, job: Mapping[str, Any]) -> Story:
        """Return the story of a job that somebody was given, with what it says."""
        story = self.job(job["id"])
        story.lane, story.key, story.enqueued_at = job["lane"], job["key"], job["enqueued_at"]
        story.expires_at = job["expires_at"]
        if not job["duplicate"]:
            story.names.add(job["name"])
        return story

    def read(self, worker: str, records: Iterable[Mapping[str, Any]]) -> None:
        """Add the ledger of one process."""
        reader = Reader(self, worker)
        for record in records:
            getattr(reader, record["what"])(record)
        reader.close()


@define
class Reader:
    """Reads the ledger of one process: a method for each kind of note."""

    stories: Stories
    worker: str
    #: What it was at when the note was taken.
    _enqueue: Enqueue | None = None
    _settling: list[Claim] = field(factory=list)
    _held: list[Claim] = field(factory=list)

    def begun(self, note: Mapping[str, Any]) -> None: ...

    def ended(self, note: Mapping[str, Any]) -> None:
        self._held = []

    def close(self) -> None:
        """Take note of what was in the hands of one that did not end by itself."""
        for claim in self._held:
            claim.was_killed = True

    def enqueueing(self, note: Mapping[str, Any]) -> None:
        self._enqueue = Enqueue(note["names"], note["key"])
        self.stories.enqueues.append(self._enqueue)

    def enqueued(self, note: Mapping[str, Any]) -> None:
        self._answer("enqueued")
        for job in note["jobs"]:
            self.stories.told(job).is_promised = True

    def refused(self, note: Mapping[str, Any]) -> None:
        self._answer("refused")

    def _answer(self, answer: str) -> None:
        assert self._enqueue
        self._enqueue.answer, self._enqueue = answer, None

    def claimed(self, note: Mapping[str, Any]) -> None:
        self._held = [self._claim(lease) for lease in note["leases"]]

    def _claim(self, lease: Mapping[str, Any]) -> Claim:
        story, names = self.stories.told(lease), [attribute.name for attribute in fields(Claim)]
        claim = Claim(worker=self.worker, job=story.id, **{name: lease[name] for name in names if name in lease})
        if claim.token in self.stories.claims:
            self.stories.doubled.append(claim.token)
        self.stories.claims[claim.token] = claim
        story.claims.append(claim)
        return claim

    def renewed(self, note: Mapping[str, Any]) -> None:
        for token, deadline in note["deadlines"].items():
            self.stories.claims[token].deadline = deadline

    def settling(self, note: Mapping[str, Any]) -> None:
        self._settling = [self.stories.claims[token] for token in note["tokens"]]
        for claim in self._settling:
            claim.settlement = Settlement(note["how"], note["at"])

    def settled(self, note: Mapping[str, Any]) -> None:
        for claim in self._settling:
            assert claim.settlement
            claim.settlement.answered, claim.settlement.lost = note["at"], claim.token in note["lost"]
        self._settling = []

    def resent(self, note: Mapping[str, Any]) -> None:
        self.stories.resent += 1
        if not note["main"]:  # A renewal in the background.
            return
        for claim in self._settling:
            assert claim.settlement
            claim.settlement.resent = True
        if self._enqueue:
            self._enqueue.resent += 1

    def away(self, note: Mapping[str, Any]) -> None:
        self.stories.away += 1
        self._enqueue, self._settling = None, []

    def unkept(self, note: Mapping[str, Any]) -> None:
        self.stories.unkept += 1

    def cancelling(self, note: Mapping[str, Any]) -> None:
        for job_id in note["ids"]:
            self.stories.job(job_id).cancels.append(note["at"])

    def revived(self, note: Mapping[str, Any]) -> None:
        for job_id in note["ids"]:
            self.stories.job(job_id).revivals.append(note["at"])

    def expired(self, note: Mapping[str, Any]) -> None:
        for job_id in note["ids"]:
            self.stories.job(job_id).told[note["what"]] += 1

    dead = cancelled = expired

    def paused(self, note: Mapping[str, Any]) -> None:
        self.stories.pauses.append((note["lane"], note["since"], note["until"]))

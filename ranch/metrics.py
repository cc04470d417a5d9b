"""A queue, or a lane, in the numbers that a dashboard shows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from attrs import field, frozen

from ranch.histogram import Histogram, Summary
from ranch.model import LaneStats


@frozen
class JobTimes:
    """How long jobs have run, and how long they had waited."""

    run: Histogram = field(factory=Histogram)
    wait: Histogram = field(factory=Histogram)

    def counts(self) -> dict[str, int]:
        """Return them as `Lanes.add_times` takes them: counts, which add up by their names."""
        return {f"{name}{key}": size for name, each in self._histograms() for key, size in each.counts().items()}

    def add_counts(self, counts: Mapping[str, int]) -> None:
        """Count others, as their `counts` are."""
        for name, each in self._histograms():
            each.add_counts({key[1:]: size for key, size in counts.items() if key[0] == name})

    def _histograms(self) -> Iterator[tuple[str, Histogram]]:
        # Short: there are dozens in each lane.
        yield "r", self.run
        yield "w", self.wait


@frozen(kw_only=True)
class Metrics:
    """A queue, or a lane, in numbers: of all processes, since it was first used.

    Times are those that were measured: see ``metrics_enabled`` of `Queue`.
    """

    #: Jobs that came in.
    enqueued: int
    #: Jobs that were acked.
    processed: int
    #: Claims that ended in a failure.
    failed: int
    #: Failures after which the job is tried again.
    retried: int
    #: Of what was processed or failed, how much was processed, in percent; None before the first.
    success_rate: float | None
    #: How long jobs ran: from a claim until they were acked or had failed; in a Celery worker, while their tasks did.
    process_time: Summary
    #: How long jobs waited: from when they were ready to their first claim.
    wait_time: Summary

    @classmethod
    def of(cls, stats: LaneStats, times: JobTimes) -> Metrics:
        """Put together what was counted and what was measured."""
        return cls(
            enqueued=stats.enqueued,
            processed=stats.acked,
            failed=stats.failed,
            retried=stats.retried,
            success_rate=success_rate(stats.acked, stats.failed),
            process_time=times.run.summary(),
            wait_time=times.wait.summary(),
        )


def success_rate(processed: int, failed: int) -> float | None:
    """Return the part that was processed, in percent; None if there was nothing."""
    return 100 * processed / (processed + failed) if processed + failed else None

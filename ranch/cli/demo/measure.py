"""What the demo measured, in numbers and in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any, Final

from attrs import asdict, frozen

from ranch.cli.demo.run import BULK, INTERACTIVE, Job, Run

#: Below this ratio, two waits are called about the same.
_NOTABLE: Final = 1.2


@frozen
class Waits:
    """How long the jobs of a lane waited, in seconds from enqueueing to start."""

    jobs: int
    p50: float
    max: float

    @classmethod
    def of(cls, jobs: Sequence[Job], *lanes: str) -> Waits:
        """Measure the jobs of some lanes."""
        waits = [job.wait for job in jobs if job.lane in lanes]
        if not waits:
            return cls(0, float("nan"), float("nan"))
        return cls(len(waits), median(waits), max(waits))


@frozen
class Comparison:
    """The same jobs served twice."""

    plain: Run
    ranch: Run
    #: Under which strategy ranch served them.
    strategy: str

    @property
    def problems(self) -> list[str]:
        """What went wrong; empty if each job ran exactly once and its result came back, in both runs."""
        runs = {"plain Celery": self.plain, "ranch": self.ranch}
        return [f"{name}: {problem}" for name, run in runs.items() for problem in run.problems]

    def waits(self) -> dict[str, tuple[Waits, Waits]]:
        """Return the waits of each lane, in plain Celery and through ranch."""
        lanes = (*INTERACTIVE, BULK)
        return {lane: (Waits.of(self.plain.jobs, lane), Waits.of(self.ranch.jobs, lane)) for lane in lanes}

    def interactive(self) -> tuple[Waits, Waits]:
        """Return the waits of all interactive jobs, in plain Celery and through ranch."""
        return Waits.of(self.plain.jobs, *INTERACTIVE), Waits.of(self.ranch.jobs, *INTERACTIVE)

    def conclusion(self) -> str:
        """Say in one sentence what the numbers mean, whatever they are."""
        if self.problems:
            return "Not every job ran exactly once with its result read back, so the numbers mean nothing."
        plain, ranch = self.interactive()
        ratio = plain.p50 / ranch.p50
        if ratio >= _NOTABLE:
            verdict = f"{_times(ratio)} less"
        elif ratio <= 1 / _NOTABLE:
            verdict = f"{_times(1 / ratio)} more"
        else:
            verdict = "about the same"
        bulk = [sum(job.lane == BULK for job in run.jobs) for run in (self.plain, self.ranch)]
        return (
            f"Behind {bulk[0]} bulk jobs, an interactive job waited {seconds(plain.p50)} in plain Celery and "
            f"{seconds(ranch.p50)} through ranch (medians), {verdict}; all jobs were done after "
            f"{seconds(self.plain.end)} and {seconds(self.ranch.end)}."
        )

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values; times are in seconds."""
        return {
            "ok": not self.problems,
            "problems": self.problems,
            "strategy": self.strategy,
            "lanes": {
                lane: {"plain": _finite(plain), "ranch": _finite(ranch)}
                for lane, (plain, ranch) in self.waits().items()
            },
            "end": {"plain": self.plain.end, "ranch": self.ranch.end},
            "conclusion": self.conclusion(),
        }


def seconds(value: float) -> str:
    """Write a duration so that its size is seen at once."""
    return f"{value:.2f} s" if value >= 0.9995 else f"{value * 1000:.0f} ms"  # noqa: PLR2004 - 1000 ms is 1 s


def _times(ratio: float) -> str:
    return f"{ratio:.0f} times" if ratio >= 10 else f"{ratio:.1f} times"  # noqa: PLR2004 - two digits are enough


def _finite(waits: Waits) -> dict[str, int | float | None]:
    values = asdict(waits)
    return {name: value if value == value else None for name, value in values.items()}  # noqa: PLR0124 - NaN

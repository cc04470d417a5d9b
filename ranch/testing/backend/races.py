"""Several processes that want the same thing at the same time."""

from __future__ import annotations

from collections import Counter, defaultdict
from contextlib import ExitStack, closing
from typing import Final

from ranch.hooks.manager import default_plugins
from ranch.model import LaneUpdate
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.backend.fleet import KEYS
from ranch.testing.backend.processes import process

#: How many race.
_RACERS: Final = 4


class Races(BackendCase):
    """What holds when processes meet in one store."""

    def test_what_one_process_takes_no_other_does(self, shared_url: str) -> None:
        """Of the lane and of the queue no more jobs run at a time than may, of one key there is one job, and each that
        some want to claim and some to cancel is claimed by one or cancelled by one.
        """
        with closing(default_plugins().backend(shared_url)) as backend:
            capped, unique, contested = (DrivenLanes(backend, name) for name in ("capped", "unique", "contested"))
            capped.update([LaneUpdate(key="a", limits={"max_in_flight": 2})])
            capped.limit({"max_in_flight": 3})
            for lane in "ab":
                capped.put(lane, *map(str, range(60)))
            ids = contested.put("a", *map(str, range(300)))

            said = self._race(shared_url)

            runs = [(lane, int(start), int(end)) for lane, start, end in said["ran"]]
            assert Counter(lane for lane, _, _ in runs) == {"a": 60, "b": 60}
            assert _most([times for lane, *times in runs if lane == "a"]) <= 2
            assert _most([times for _, *times in runs]) <= 3

            twins = Counter(job_id for (job_id,) in said["unique"])
            assert (len(twins), set(twins.values())) == (KEYS, {_RACERS})
            assert unique.stats().enqueued == KEYS

            assert sorted(job_id for (job_id,) in said["claimed"] + said["cancelled"]) == ids
            stats = contested.stats()
            assert (stats.claimed, stats.cancelled) == (len(said["claimed"]), len(said["cancelled"]))
            for lanes in (capped, unique, contested):
                lanes.check()

    def _race(self, url: str) -> dict[str, list[list[str]]]:
        """Let processes of the fleet race, and return what they said, by its first word."""
        outputs = [self.tmp_path / f"racer{n}" for n in range(_RACERS)]
        with ExitStack() as stack:
            racers = [
                stack.enter_context(process("race", url, str(number), str(_RACERS), output=output))
                for number, output in enumerate(outputs)
            ]
            assert [racer.wait(100) for racer in racers] == [0] * _RACERS
        said: dict[str, list[list[str]]] = defaultdict(list)
        for line in (line for output in outputs for line in output.read_text().splitlines()):
            word, *rest = line.split()
            said[word].append(rest)
        return said


def _most(runs: list[list[int]]) -> int:
    """Return how many ran at a time at most."""
    running, most = 0, 0
    for _, change in sorted([(start, 1) for start, _ in runs] + [(end, -1) for _, end in runs]):
        running += change
        most = max(most, running)
    return most

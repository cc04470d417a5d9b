"""How long jobs took, added up."""

from __future__ import annotations

from typing import Final

from ranch.policy import Policy
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.clock import FakeClock
from ranch.typing import RELEASES_PER_CALL, WHOLE, Backend

_TTL: Final = 80.0


class Times(BackendCase):
    """What processes have counted of their jobs' times is added up by names, and kept as long as the lane."""

    def test_counts_are_added_up_by_their_names(self, lanes: DrivenLanes) -> None:
        """Of each lane, and of the queue, which is said apart: it is no sum over lanes."""
        lanes.put("a", "1")
        lanes.put("ü\0", "1")
        lanes.add_times({"a": {"r12": 1, "rus": 5}, "ü\0": {"x": 2**40}, WHOLE: {"r12": 3}})
        lanes.add_times({"a": {"r-3": 1, "r12": 2}, WHOLE: {"r12": 1}})
        lanes.add_times({})

        assert lanes.times("a") == {"r12": 3, "rus": 5, "r-3": 1}
        assert lanes.times("ü\0") == {"x": 2**40}
        assert lanes.times(WHOLE) == {"r12": 4}

    def test_what_is_not_there_has_no_times(self, lanes: DrivenLanes) -> None:
        """Not even if somebody adds to them: whoever has worked for a lane may come when it is forgotten."""
        lanes.put("a", "1")
        lanes.add_times({"gone": {"r12": 1}, "a": {"r12": 1}})

        assert [lanes.times(lane) for lane in ("gone", "never", WHOLE)] == [{}, {}, {}]
        assert lanes.times("a") == {"r12": 1}
        assert lanes.keys() == ["a"]

    def test_as_many_lanes_as_a_call_takes(self, lanes: DrivenLanes) -> None:
        """Each with more names than most have."""
        names = [f"lane-{number}" for number in range(RELEASES_PER_CALL)]
        counts = {f"r{number}": number for number in range(1, 60)}
        for name in names:
            lanes.put(name, "1")
        lanes.add_times(dict.fromkeys(names, counts))

        assert all(lanes.times(name) == counts for name in names)

    def test_they_are_forgotten_with_their_lane(self, backend: Backend, clock: FakeClock) -> None:
        """One that comes again begins anew; those of the queue stay."""
        lanes = DrivenLanes(backend, policy=Policy(lane_ttl=_TTL))
        lanes.put("a", "1")
        lanes.ack(lanes.take())
        lanes.add_times({"a": {"r12": 1}, WHOLE: {"r12": 1}})
        for _ in range(4):
            clock.advance(_TTL)
            lanes.reclaim(10)
        assert lanes.keys() == []
        lanes.put("a", "again")

        assert lanes.times("a") == {}
        assert lanes.times(WHOLE) == {"r12": 1}

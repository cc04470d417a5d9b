"""Where jobs and lanes stand."""

from __future__ import annotations

from ranch.answers import Standing
from ranch.choice import StrategyChoice
from ranch.letters import Death
from ranch.model import LaneUpdate
from ranch.strategies import RoundRobin
from ranch.testing.backend.case import BackendCase, DrivenLanes
from ranch.testing.backend.limits import limit
from ranch.testing.clock import FakeClock
from ranch.typing import MOVES_PER_CALL, Backend


class Places(BackendCase):
    """Finding a job, listing jobs, and what a lane waits for."""

    def test_a_job_is_found_in_each_state(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """With when it will be seen to and by whom it is held; a job that has ended is not there."""
        leased, dead, done = lanes.put("a", "leased", "dead", "done")
        leases = lanes.take(3, lease=30.0, owner="worker@host:1")
        (delayed,) = lanes.put("a", "delayed", delay=90.0)
        (ready,) = lanes.put("a", "ready")
        clock.advance(1.0)
        lanes.bury([leases[1]], Death())
        lanes.ack([leases[2]])

        found = {name: lanes.find(job_id) for name, job_id in locals().items() if name in {"leased", "dead", "delayed"}}

        assert {name: stored.state for name, stored in found.items()} == {name: name for name in found}
        assert (found["leased"].at, found["leased"].owner) == (clock() + 29.0, "worker@host:1")
        assert (found["delayed"].at, found["delayed"].owner, found["delayed"].ahead) == (clock() + 89.0, "", None)
        assert (found["dead"].at, found["dead"].owner) == (clock(), "")
        stored = lanes.find(ready)
        assert (stored.state, stored.at, stored.owner, stored.ahead) == ("ready", None, "", 0)
        assert stored.job.body == b"ready"
        assert lanes.find(done) is None
        assert lanes.find("no such job") is None
        lanes.release([leases[0]], 0.0)
        assert lanes.find(leased).owner == ""

    def test_a_ready_job_knows_its_place(self, lanes: DrivenLanes) -> None:
        """How many of its lane go before it, by priority and then by age."""
        lanes.put("b", "other")
        one, two = lanes.put("a", "one", "two")
        (urgent,) = lanes.put("a", "urgent", priority=6)
        (past,) = lanes.put("a", "past", delay=-0.5)

        assert [lanes.find(job_id).ahead for job_id in (urgent, past, one, two)] == [0, 1, 2, 3]
        names = [stored.job.body.decode() for stored in lanes.jobs("", 10, "a").jobs]
        assert names == ["urgent", "past", "one", "two"]
        assert [name for name in lanes.names() if name != "other"] == names

    def test_no_job_is_older_than_the_epoch(self, lanes: DrivenLanes) -> None:
        """One that is said to be goes first in its lane, and again after it was given back."""
        lanes.put("a", "new")
        (ancient,) = lanes.put("a", "ancient", delay=-1e11)

        assert lanes.find(ancient).job.due_at == 0.0
        (lease,) = lanes.take(1)
        assert (lease.job.id, lease.job.due_at) == (ancient, 0.0)
        lanes.release([lease], 0.0)
        assert lanes.names() == ["ancient", "new"]

    def test_all_jobs_can_be_paged_through(self, lanes: DrivenLanes) -> None:
        """Ready, delayed and leased, each once if nothing happens meanwhile; dead ones are not among them."""
        ids = [job_id for lane in "abc" for job_id in lanes.put(lane, *map(str, range(40)))]
        dead, leased = lanes.take(1), lanes.take(5)
        lanes.bury(dead, Death())
        ids += lanes.put("d", "later", "much later", delay=60.0)

        seen, cursor = [], ""
        while True:
            page = lanes.jobs(cursor, 25)
            seen += page.jobs
            cursor = page.cursor
            if not cursor:
                break

        assert sorted(stored.job.id for stored in seen) == sorted(set(ids) - {dead[0].job.id})
        states = [stored.state for stored in seen]
        assert (states.count("leased"), states.count("delayed"), states.count("ready")) == (5, 2, 114)
        assert {stored.job.id for stored in seen if stored.state == "leased"} == {lease.job.id for lease in leased}

    def test_the_ready_jobs_of_a_lane_are_paged_in_their_order(self, lanes: DrivenLanes) -> None:
        """Those of a lane that is not there are none."""
        lanes.put("a", *map(str, range(7)))
        lanes.put("a", "later", delay=5.0)
        first = lanes.jobs("", 5, "a")
        second = lanes.jobs(first.cursor, 5, "a")
        names = [stored.job.body.decode() for page in (first, second) for stored in page.jobs]
        assert (names, second.cursor) == (list("0123456"), "")
        assert lanes.jobs("", 5, "no such lane").jobs == []

    def test_waiting_lanes_know_who_is_before_them(self, lanes: DrivenLanes) -> None:
        """In the order in which they are then served."""
        for lane in "abcd":
            lanes.put(lane, "1", "2")
        lanes.update([LaneUpdate(key="b", weight=0.5), LaneUpdate(key="e")])
        lanes.take(3)

        standings = {lane: lanes.standing(lane) for lane in "abcd"}

        assert sorted(standing.ahead for standing in standings.values()) == [0, 1, 2, 3]
        order = sorted(standings, key=lambda lane: (standings[lane].rank, standings[lane].ahead))
        assert order == sorted(standings, key=lambda lane: standings[lane].ahead)
        assert lanes.take(1)[0].job.lane == order[0] == "d"
        assert lanes.standing("e") == lanes.standing("no such lane") == Standing()

    def test_a_lane_tells_what_keeps_it(self, lanes: DrivenLanes, clock: FakeClock) -> None:
        """Its own limit or the queue's, and until when, where time alone decides."""
        lanes.put("a", "1", "2", "3")
        limit(lanes, "a", rate="1/m")
        (lease,) = lanes.take()
        assert lanes.standing("a") == Standing(blocked="rate", until=clock() + 60.0)
        limit(lanes, "a", max_in_flight=1)
        assert lanes.standing("a") == Standing(blocked="max_in_flight")
        limit(lanes, "a", paused=True)
        assert lanes.standing("a") == Standing(blocked="paused")
        limit(lanes, "a", paused=None, rate=None, max_in_flight=None)
        standing = lanes.standing("a")
        assert (standing.blocked, standing.ahead) == ("", 0)

        lanes.limit({"max_in_flight": 1})
        standing = lanes.standing("a")
        assert (standing.ahead, standing.queue_blocked, standing.queue_until) == (0, "max_in_flight", None)
        lanes.limit({"max_in_flight": None, "rate": "1/h"})
        lanes.ack([lease])
        lanes.take()
        standing = lanes.standing("a")
        assert (standing.queue_blocked, standing.queue_until) == ("rate", clock() + 3600.0)
        clock.advance(3600.0)
        assert lanes.standing("a").queue_blocked == ""

    def test_a_change_of_strategy_is_seen_in_the_places(self, backend: Backend) -> None:
        """Lanes not yet ranked by the new one stand behind those that are, in their old order: so they are served."""
        before, after = DrivenLanes(backend), DrivenLanes(backend, strategy=RoundRobin())
        lanes = [f"lane{n:02}" for n in range(MOVES_PER_CALL + 8)]
        for lane in lanes:
            before.put(lane, "1")
        after.set_strategy(StrategyChoice.of(RoundRobin()))
        assert [after.standing(lane).ahead for lane in lanes] == list(range(len(lanes)))

        after.update([LaneUpdate(key="another")])  # ranks some anew in passing
        assert [after.standing(lane).ahead for lane in lanes] == list(range(len(lanes)))
        assert [after.take(1)[0].job.lane for _ in lanes] == lanes
        after.check()

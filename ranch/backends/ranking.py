"""Ranking lanes in tables: when the strategy is asked, and what it is shown."""

from __future__ import annotations

from ranch.backends.asking import Asker
from ranch.backends.rows import LaneRow, Tables
from ranch.backends.views import Reads, View
from ranch.choice import StrategyChoice
from ranch.exceptions import StrategyMismatch
from ranch.typing import MOVES_PER_CALL, Strategy


class Ranking:
    """One strategy at work on the lanes of a queue."""

    def __init__(self, strategy: Strategy, choice: StrategyChoice) -> None:
        self.choice = choice
        self.text = choice.text
        self.reads = Reads.of(strategy)
        self._asker = Asker(strategy)

    def agree(self, tables: Tables, at_least: int = 0) -> None:
        """Refuse to rank lanes of a queue that has another strategy; else rank some anew that an earlier one ranked."""
        moves = max(MOVES_PER_CALL, at_least)
        queue = tables.queue
        if queue.strategy and queue.strategy != self.text:
            raise StrategyMismatch(StrategyChoice.read(queue.strategy, queue.generation), self.choice)
        while moves and queue.moving:
            if lane := tables.stale_lane():
                self.enter(tables, lane)
                tables.put_lane(lane)
                moves -= 1
            else:
                queue.moving = False

    def enter(self, tables: Tables, lane: LaneRow) -> None:
        """Rank a lane that became backlogged, or that changed in what its strategy reads."""
        queue = tables.queue
        if lane.generation != queue.generation:
            # The rank of an earlier strategy means nothing to this one.
            lane.generation, lane.tag = queue.generation, 0.0
        queue.tick += 1
        lane.order = lane.order or queue.tick
        lane.tag = self._asker.rank(self._look(tables, lane), queue)

    def served(self, tables: Tables, lane: LaneRow, cost: float, virtual: float) -> None:
        """Rank a lane of which a job was claimed, and show the strategy this virtual time."""
        queue = tables.queue
        own, queue.virtual = queue.virtual, virtual
        lane.tag = self._asker.rank(self._look(tables, lane), queue, cost)
        queue.virtual = own

    def _look(self, tables: Tables, lane: LaneRow) -> View:
        return self.reads.view(lane, tables.head(lane.key) if self.reads.cost else None, tables.queue.now)

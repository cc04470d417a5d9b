"""A strategy's Lua twin, asked what the strategy was asked."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import redis

from ranch.backends.redis.twins import Twin
from ranch.testing.strategy.witness import Answer, values_of
from ranch.typing import Strategy

# As the claim script has it: the twin sees its options, and neither the server nor the script's arguments.
_SCRIPT = """
local strategy_enter, strategy_served = (function(options, call, redis, KEYS, ARGV)
%s
return enter, served
end)(%s)
local ranks = {}
for number, asked in ipairs(cjson.decode(ARGV[1])) do
  local rank
  if asked.method == "enter" then
    rank = strategy_enter(asked.lane, asked.clock)
  else
    rank = strategy_served(asked.lane, asked.clock, asked.cost)
  end
  ranks[number] = string.format("%%.17g", rank)
end
return ranks
"""


def check_twin(strategy: Strategy, answers: Sequence[Answer], client: redis.Redis) -> None:
    """Ask the twin, on a server.

    Raises:
        AssertionError: It answers otherwise, or not at all.
    """
    if not answers:
        return
    twin = Twin.of(strategy)
    asked = json.dumps([_asked(answer) for answer in answers])
    try:
        ranks: Any = client.eval(_SCRIPT % (twin.source, twin.options), 0, asked)
    except redis.ResponseError as exc:
        raise AssertionError(f"the twin fails: {exc}") from exc
    for answer, rank in zip(answers, ranks, strict=True):
        assert float(rank) == answer.rank, (
            f"{answer.method} gives {answer.rank!r}, and the twin {float(rank)!r}, for {json.dumps(_asked(answer))}"
        )


def _asked(answer: Answer) -> dict[str, Any]:
    lane, clock, *cost = answer.arguments
    # As scripts have it: what the strategy does not read is there, and says nothing.
    shown = {"since": clock.now, "priority": 0, "cost": 0.0, **values_of(lane)}
    # A null would be something in Lua.
    seen = {name: value for name, value in shown.items() if value is not None}
    asked = {"method": answer.method, "lane": seen, "clock": values_of(clock)}
    return {**asked, "cost": cost[0]} if cost else asked

-- Asking the strategy where a lane stands.
-- @include strategy, lib.queue
-- @key meta            the queue's row
-- @key jobs            records by job id
-- @key pending_prefix  of the keys of lanes' ready jobs

-- The rank the strategy gives; the lane's old one if the answer is no finite number. A provisional one
-- is a place only: the lane's tag stays what the strategy, asked later, is shown.
local function rank(ask, lane, cost)
  lane.since, lane.priority, lane.cost, lane.bid = queue.now, 0, 0, nil
  local head = reads_cost and call("ZRANGE", pending_prefix .. lane.key, "0", "0")[1]
  if head then
    -- @include lib.records
    local job = read_header(call("HGET", jobs, head))
    lane.cost = job.cost
    if reads_head then
      lane.since, lane.priority, lane.bid = job.due_ms / 1000, job.priority, job.bid
    end
  end
  local answered, answer = pcall(ask, lane, queue, cost)
  -- Infinity less itself is not a number, and what is not a number equals nothing.
  if answered and type(answer) == "number" and answer - answer == 0 then
    if not asked then lane.tag = answer end
    return answer
  end
  call("HINCRBY", meta, "strategy_errors", 1)
  return lane.tag
end

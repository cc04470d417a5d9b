-- Give lanes the ranks that their strategy, asked by the client, has given them.
-- @key meta         the queue's row
-- @key ready        index of the lanes with pending jobs
-- @key lane_prefix  of the keys of lanes' rows
-- @arg generation   of the strategy
-- @arg errors       how often the strategy gave no usable rank
-- @rest first       of each lane: its key, the tick at which was asked, rank
-- @returns ok

-- The queue has another strategy by now.
if (call("HGET", meta, "generation") or "0") ~= generation then return { "ok" } end
for i = first, #ARGV, 3 do
  local key, rank = ARGV[i], ARGV[i + 2]
  local row = lane_prefix .. key
  local stored = call("HMGET", row, "asked", "order")
  -- If it was ranked anew since, somebody else was asked, and knows better.
  if stored[1] == ARGV[i + 1] then
    call("HSET", row, "tag", rank)
    call("ZADD", ready, "XX", rank, stored[2] .. key)
  end
end
if errors ~= "0" then call("HINCRBY", meta, "strategy_errors", errors) end
return { "ok" }

-- Give lanes the ranks that their strategy, asked by the client, has given them.
-- @key meta         the queue's row
-- @key ready        index of the lanes with pending jobs
-- @key lane_prefix  of the keys of lanes' rows
-- @arg generation   of the strategy
-- @arg errors       how often the strategy gave no usable rank
-- @rest first       of each lane: its key, the tick at which was asked, rank; by how much a service has
--                   raised it, empty on an entry
-- @returns ok

-- The queue has another strategy by now.
if (call("HGET", meta, "generation") or "0") ~= generation then return { "ok" } end
for i = first, #ARGV, 4 do
  local key, rank, step = ARGV[i], ARGV[i + 2], ARGV[i + 3]
  local row = lane_prefix .. key
  local stored = call("HMGET", row, "asked", "order")
  -- If it was ranked anew since, somebody else was asked, and knows better.
  if stored[1] == ARGV[i + 1] then
    call("HSET", row, "tag", rank)
    if step ~= "" then call("HSET", row, "step", step) end
    call("ZADD", ready, "XX", rank, stored[2] .. key)
  end
end
if errors ~= "0" then call("HINCRBY", meta, "strategy_errors", errors) end
return { "ok" }

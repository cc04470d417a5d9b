-- How many jobs are ready in the whole queue.
-- @key meta  the queue's row

local function count_pending()
  local row = call(
    "HMGET", meta, "last_id", "revived", "released", "reclaimed", "failed",
    "claimed", "died", "expired", "cancelled", "delayed"
  )
  -- Those that came in, or came back from a claim or from the dead letters, less those that left.
  local pending = 0
  for i = 1, 10 do pending = pending + (i <= 5 and 1 or -1) * (row[i] or 0) end
  return pending
end

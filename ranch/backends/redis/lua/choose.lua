-- Give the queue another strategy. Its lanes wait in an index of their own until they are moved.
-- @include lib.queue
-- @key meta          the queue's row
-- @key ready         index of the lanes with pending jobs
-- @key stale_prefix  of the indexes of earlier strategies
-- @arg now_ms        empty for the server's time
-- @arg own           empty
-- @arg choice        text of the strategy
-- @returns ok, its generation

if chosen == choice and generation > 0 then return { "ok", generation } end
if call("EXISTS", ready) == 1 then
  call("RENAME", ready, stale_prefix .. generation)
  call("HSET", meta, "stale", stale or generation)
end
call(
  "HSET", meta,
  "strategy", choice, "generation", generation + 1, "virtual", 0, "layout", LAYOUT
)
return { "ok", generation + 1 }

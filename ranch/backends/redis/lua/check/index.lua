-- Look at a page of an index of lanes: each that is in it waits there, and has jobs.
-- @include lib.checking
-- @as lib.checking
-- @arg number          of the strategy that it belongs to, or empty for the queue's
-- @returns ok, cursor of the next page or 0, nothing, of each fault: kind, lane

number = tonumber(number) or generation
local index = number == generation and ready or stale_prefix .. number
local found = call("ZSCAN", index, cursor, "COUNT", page)
for i = 1, #found[2], 2 do
  local member = found[2][i]
  local key = string.sub(member, 14)
  local row = call("HMGET", lane_prefix .. key, "order", "generation", "blocked")
  local waits = call("EXISTS", pending_prefix .. key) == 1 and not row[3]
    and row[1] == string.sub(member, 1, 13) and (tonumber(row[2]) or 0) == number
  if not waits and (repair == "" or call("ZREM", index, member) == 1) then
    fault("lane that waits without jobs", key)
  end
end
return { "ok", found[1], seen, faults }

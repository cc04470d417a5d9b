-- Read dead letters, the oldest first.
-- @key jobs     records by job id
-- @key dead     dead letters by their time
-- @key letters  why they died
-- @arg at_ms    time of the last one that was read, or 0
-- @arg after    its id, or empty
-- @arg limit    how many at most
-- @returns ok, then of each: id, time of death in ms, record, why

local reply = { "ok" }
limit = tonumber(limit)
local start = call("ZCOUNT", dead, "-inf", "(" .. at_ms)
while #reply <= 4 * limit do
  local page = call("ZRANGE", dead, start, start + limit, "WITHSCORES")
  for i = 1, #page, 2 do
    local id, at = page[i], page[i + 1]
    if (id > after or tonumber(at) > tonumber(at_ms)) and #reply <= 4 * limit then
      local n = #reply
      reply[n + 1], reply[n + 2] = id, at
      reply[n + 3], reply[n + 4] = call("HGET", jobs, id), call("HGET", letters, id)
    end
  end
  if #page < 2 * (limit + 1) then break end
  start = start + limit + 1
end
return reply

-- Read a page of the jobs that are not dead; or of the ready ones of a lane, in their order.
-- @include lib.records
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key dead            dead letters by their time
-- @arg cursor          0 for the first page
-- @arg page            how many, about
-- @arg lane            empty for all lanes
-- @returns ok, cursor of the next page or 0, then of each: id, state, record, time in ms or -1

local following, ids, reply = "0", {}, {}
if lane ~= "" then
  ids = call("ZRANGE", pending_prefix .. lane, cursor, cursor + page - 1)
  if #ids == tonumber(page) then following = string.format("%d", cursor + page) end
else
  local found = call("HSCAN", jobs, cursor, "COUNT", page)
  following = found[1]
  for i = 1, #found[2], 2 do ids[#ids + 1] = found[2][i] end
end
reply[1], reply[2] = "ok", following
for _, id in ipairs(ids) do
  local record, state, at = call("HGET", jobs, id), "leased", -1
  if lane ~= "" or call("ZSCORE", pending_prefix .. read_header(record).lane, id) then
    state = "ready"
  else
    local due = call("ZSCORE", timers, "d" .. id)
    if due then state, at = "delayed", due end
    if call("ZSCORE", dead, id) then state = "dead" end
  end
  if state ~= "dead" then
    local n = #reply
    reply[n + 1], reply[n + 2], reply[n + 3], reply[n + 4] = id, state, record, at
  end
end
return reply

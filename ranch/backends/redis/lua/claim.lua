-- Take the next jobs, lane by lane as the strategy ranks them, and lease them.
-- @include lib.queue, lib.lanes, lib.ranks, lib.moves, lib.timers, lib.standing, lib.bell
-- @as lib.ranking
-- @arg limit           how many jobs at most
-- @arg lease_ms        how long their leases last, if they do not say it themselves
-- @arg owner           whose they are
-- @arg timers_limit    how many timers to see to first
-- @arg selections      see lib.search; empty for all lanes
-- @returns ok, what was asked, what ended, now_ms, tick, ms to wait or -1, places from 0 on of jobs that a cap counts,
--   schedules due, then of each job: id, token, record; if there is none, it may say where to look further

-- Where in a record its expiry is, before the cost and the flags.
local EXPIRES = 13

local extras, selected = nil, selections ~= "" and {}
if selected then
  -- @include lib.selected
  if not selected.are_known() then return { "unselected" } end
end
local function make_extras()
  -- @include lib.extras
end

limit = tonumber(limit)
move()
see_to(timers_limit)
if not selected then standing = call("ZPOPMIN", ready, limit) end
local claimed, idle_ms, leases, rows = tonumber(stored[3]) or 0, nil, {}, {}
local reply = { "ok", asked, ended, now_ms, 0, -1, {}, runs }

while #leases < 2 * limit and (selected and selected.take(limit - #leases / 2) or not selected and standing[at]) do
  if queue.limits then
    extras = extras or make_extras()
    idle_ms = extras.held_up(claimed)
    if idle_ms then break end
  end
  local key, tag = string.sub(standing[at], 14), tonumber(standing[at + 1])
  local lane, pending = rows[key] or load_lane(key), pending_prefix .. key
  local head = call("ZPOPMIN", pending)
  local id, record = head[1], call("HGET", jobs, head[1])
  local expires_ms, cost, _, flags = struct.unpack("<I6dBB", record, EXPIRES)
  local has_expired, has_lease = expires_ms > 0 and expires_ms <= now_ms, flags % 4 >= 2
  if has_expired or has_lease or lane.limits then extras = extras or make_extras() end
  if has_expired then
    idle_ms = extras.pass_over(lane, id, head[2], record)
    if idle_ms then break end
  else
    rows[key] = lane
    queue.tick, claimed, lane.claimed = queue.tick + 1, claimed + 1, lane.claimed + 1
    lane.order, lane.tag = string.format("%013x", SERVED + queue.tick), tag
    if tag > queue.virtual then queue.virtual = tag end
    local token, place = string.format("%011x@", queue.tick) .. owner, rank(strategy_served, lane, cost)
    at = at + 2
    if extras then extras.charge(lane, reply[7], #leases / 2) end
    if call("EXISTS", pending) == 1 and not (extras and extras.is_held_back(lane)) then
      insert(lane.order .. key, place)
    end
    local n, m = #reply, #leases
    reply[n + 1], reply[n + 2], reply[n + 3] = id, token, record
    local lasts_ms = has_lease and extras.lease_of(record) or lease_ms
    leases[m + 1], leases[m + 2] = string.format("%d", now_ms + lasts_ms), "l" .. id .. token
  end
end

reply[5] = queue.tick
for i = at, #standing, 2 do
  call("ZADD", ready, standing[i + 1], standing[i])
end
if selected then selected.close(reply, #leases == 0) end
if #leases == 0 then
  -- @include lib.idle
end
call("ZADD", timers, unpack(leases))
for key, lane in pairs(rows) do
  call("HSET", lane_prefix .. key, "claimed", lane.claimed, "tag", lane.tag, "order", lane.order)
end
call("HSET", meta, "virtual", queue.virtual, "tick", queue.tick, "claimed", claimed)
-- The baton: whoever is woken next goes on from here.
if standing[at] or stale or call("EXISTS", ready) == 1 then ring() end
return reply

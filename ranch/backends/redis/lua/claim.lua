-- Take the next jobs, lane by lane as the strategy ranks them, and lease them.
-- @include lib.queue, lib.lanes, lib.ranks, lib.moves, lib.timers, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes with pending jobs
-- @key jobs            records by job id
-- @key timers          delayed and leased jobs by their time
-- @key lanes           keys of the lanes ever used
-- @key bell            list of at most one token
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @arg limit           how many jobs at most
-- @arg lease_ms        how long their leases last
-- @arg timers_limit    how many jobs whose time has come to take back first
-- @returns ok, what was asked, now_ms, tick, ms to the next timer or -1,
--          then of each job: id, token, record

-- Added to the tick of a lane's last service to make its order: lanes never served come first.
local SERVED = 281474976710656
-- Where in a record the cost is.
local COST = 13

limit = tonumber(limit)
move()
take_back(timers_limit)

-- Taken out of the index and put back at the end. No more lanes than jobs can be served: each
-- service changes the place of its own lane only. Members and ranks by turns, in their order.
local standing, at = call("ZPOPMIN", ready, limit), 1
local claimed = tonumber(stored[3]) or 0
local deadline_ms = string.format("%d", now_ms + lease_ms)
local reply, leases, rows = { "ok", asked, now_ms, 0, -1 }, {}, {}

while standing[at] and #leases < 2 * limit do
  local key, tag = string.sub(standing[at], 14), tonumber(standing[at + 1])
  local lane, pending = rows[key] or load_lane(key), pending_prefix .. key
  rows[key] = lane
  local id = call("ZPOPMIN", pending)[1]
  local record = call("HGET", jobs, id)
  queue.tick, claimed, lane.claimed = queue.tick + 1, claimed + 1, lane.claimed + 1
  if tag > queue.virtual then queue.virtual = tag end
  lane.order = string.format("%013x", SERVED + queue.tick)
  lane.tag = tag
  local place = rank(strategy_served, lane, (struct.unpack("<d", record, COST)))
  at = at + 2
  if call("EXISTS", pending) == 1 then
    -- Before all of higher rank. Served last of all, it loses every tie.
    local last = #standing
    while last > at and tonumber(standing[last]) > place do
      standing[last + 2], standing[last + 1] = standing[last], standing[last - 1]
      last = last - 2
    end
    standing[last + 1], standing[last + 2] = lane.order .. key, place
  end
  local token, n, m = string.format("%011x", queue.tick), #reply, #leases
  reply[n + 1], reply[n + 2], reply[n + 3] = id, token, record
  leases[m + 1], leases[m + 2] = deadline_ms, "l" .. id .. token
end

reply[4] = queue.tick
if #leases == 0 then
  local soonest = call("ZRANGE", timers, 0, 0, "WITHSCORES")[2]
  if soonest then reply[5] = math.max(0, soonest - now_ms) end
  return reply
end
call("ZADD", timers, unpack(leases))
for i = at, #standing, 2 do
  call("ZADD", ready, standing[i + 1], standing[i])
end
for key, lane in pairs(rows) do
  call("HSET", lane_prefix .. key, "claimed", lane.claimed, "tag", lane.tag, "order", lane.order)
end
call("HSET", meta, "virtual", queue.virtual, "tick", queue.tick, "claimed", claimed)
-- The baton: whoever is woken next goes on from here.
if standing[at] or stale or call("EXISTS", ready) == 1 then ring() end
return reply

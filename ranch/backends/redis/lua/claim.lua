-- Take the next jobs, lane by lane as the strategy ranks them, and lease them.
-- @include lib.queue, lib.lanes, lib.ranks, lib.moves, lib.timers, lib.standing, lib.heads, lib.passes, lib.bell
-- @key meta            the queue's row
-- @key ready           index of the lanes that wait
-- @key jobs            records by job id
-- @key timers          what is to be seen to, by its time
-- @key lanes           keys of the lanes there are
-- @key bell            list of at most one token
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key stale_prefix    of the indexes of earlier strategies
-- @key dedup           by dedup_key the job that holds it
-- @key dead            dead letters by their time
-- @key letters         why they died
-- @arg now_ms          empty for the server's time
-- @arg own             text of the strategy that the client has
-- @arg moves_limit     how many lanes to take from earlier strategies first
-- @arg limit           how many jobs at most
-- @arg lease_ms        how long their leases last, if they do not say it themselves
-- @arg owner           whose they are
-- @arg timers_limit    how many timers to see to first
-- @returns ok, what was asked, what ended, now_ms, tick, ms to wait or -1, then of each job: id, token, record

-- Added to the tick of a lane's last service to make its order: lanes never served come first.
local SERVED = 281474976710656

limit = tonumber(limit)
move()
see_to(timers_limit)
stand(limit)
local reply, leases, rows = { "ok", asked, ended, now_ms, 0, -1 }, {}, {}
local claimed, idle_ms = tonumber(stored[3]) or 0

while standing[at] and #leases < 2 * limit and not idle_ms do
  local key, tag = string.sub(standing[at], 14), tonumber(standing[at + 1])
  local lane, pending = rows[key] or load_lane(key), pending_prefix .. key
  local id, record, cost, flags
  idle_ms = held_up(claimed)
  if not idle_ms then
    id, record, cost, flags = take_head(pending)
    if record == "spent" then
      idle_ms = 0
    elseif record == "empty" then
      replace()
    elseif record == "more" and reads_head then
      replace()
      rank_anew(lane)
    end
  end
  if id then
    rows[key] = lane
    queue.tick, claimed, lane.claimed = queue.tick + 1, claimed + 1, lane.claimed + 1
    lane.order, lane.tag = string.format("%013x", SERVED + queue.tick), tag
    queue.virtual = math.max(queue.virtual, tag)
    local place = rank(strategy_served, lane, cost)
    at = at + 2
    charge(lane)
    if call("EXISTS", pending) == 1 and not is_held_back(lane) then insert(lane.order .. key, place) end
    local token, n, m = string.format("%011x@", queue.tick) .. owner, #reply, #leases
    reply[n + 1], reply[n + 2], reply[n + 3] = id, token, record
    leases[m + 1], leases[m + 2] = string.format("%d", now_ms + lease_of(record, flags)), "l" .. id .. token
  end
end

reply[5] = queue.tick
local more = disperse()
if #leases == 0 then
  local soonest = call("ZRANGE", timers, 0, 0, "WITHSCORES")[2]
  if soonest then idle_ms = math.min(idle_ms or math.huge, math.max(0, soonest - now_ms)) end
  if idle_ms and idle_ms < math.huge then reply[6] = idle_ms end
  return reply
end
call("ZADD", timers, unpack(leases))
for key, lane in pairs(rows) do
  call("HSET", lane_prefix .. key, "claimed", lane.claimed, "tag", lane.tag, "order", lane.order)
end
call("HSET", meta, "virtual", queue.virtual, "tick", queue.tick, "claimed", claimed)
-- The baton: whoever is woken next goes on from here.
if more or stale or call("EXISTS", ready) == 1 then ring() end
return reply

-- Where lanes are selected: takes no others, and keeps their time.
-- @include lib.queue, lib.standing, lib.selections, lib.search, lib.bell, lib.ranks
-- @key ready  index of the lanes that wait
-- @key lanes  keys of the lanes there are
-- @key bell   list of at most one token
-- @constant KEPT_MS  for how long is kept what is known of a selection that nobody uses

-- For how long in ms one who waits for lanes is told of them: nobody waits as long without looking again.
local LISTENS = 5000

-- Whether the names of all selections are here; those that are stay for a while.
function selected.are_known()
  for _, selection in ipairs(chosen) do
    if selection[2] > 0 then
      local left = call("PTTL", names_of(selection))
      if left < 0 then return false end
      if left < KEPT_MS / 2 then call("PEXPIRE", names_of(selection), KEPT_MS) end
    end
  end
  return true
end

-- Whether more lanes may be put beside those that stand.
local has_more

-- Put lanes of the next selection that has some where none stands any more; return whether one is to be served.
function selected.take(wanted)
  if standing[at] then return not is_far() end
  -- Lanes of an earlier strategy, not ranked anew so far, may be of the selection whose turn it is.
  while not unfinished and turn < #chosen and not (turn > 0 and stale) do
    turn, seen, has_more = turn + 1, further[2] and { further[2], further[3] }, true
    local found = find(chosen[turn], wanted)
    for i = 1, #found do standing[at + i - 1] = found[i] end
    if #found > 0 then return true end
  end
  return false
end

-- Put more lanes beside those that stand, from where it was looked last: once, and so many that they stand in for all
-- whose jobs may have expired.
function selected.add()
  if not has_more or unfinished then return end
  has_more, further = false, { turn, seen and seen[1], seen and seen[2] }
  local found = find(chosen[turn], timers_limit)
  for i = 1, #found, 2 do insert(found[i], tonumber(found[i + 1])) end
end

-- Virtual time: the queue's is the lowest rank that waits, as it is where nothing is selected; the first selection has
-- its own, for its lanes may be served faster than others; lanes that are stolen have none in common.
local overall, own, served = queue.virtual, nil, strategy_served
local virtual = names_of(chosen[1]) .. ":virtual"

function strategy_served(lane, clock, cost)
  local tag, lowest = lane.tag, call("ZRANGE", ready, "0", "0", "WITHSCORES")[2]
  if turn == 1 and not own then
    local of, highest = string.match(call("GET", virtual) or "", "^(%d+) (.*)$")
    own = tonumber(of) == generation and tonumber(highest) or tag
  end
  if turn == 1 then own = math.max(own, tag) end
  overall = math.max(overall, math.min(tag, tonumber(lowest or tag)))
  clock.virtual = overall
  return served(lane, { virtual = turn == 1 and own or tag, tick = clock.tick, now = clock.now }, cost)
end

-- Write down what there is to know; where nothing was found, who listens.
function selected.close(reply, is_empty)
  if own then call("SET", virtual, string.format("%d %.17g", generation, own), "PX", KEPT_MS) end
  if not is_empty then return ring_for(chosen[turn]) end
  seen = seen or {}
  if unfinished then reply[9] = cjson.encode({ turn - 1, seen[1], seen[2] }) elseif stale then reply[9] = "[0]" end
  call("ZREMRANGEBYSCORE", bell .. "s", "-inf", string.format("%d", now_ms))
  for _, selection in ipairs(chosen) do
    if selection[2] > 0 or selection[3] then
      call("ZADD", bell .. "s", string.format("%d", now_ms + LISTENS), cjson.encode(selection))
    end
  end
  call("PEXPIRE", bell .. "s", "60000")
  if call("EXISTS", ready) == 1 then ring() end
end

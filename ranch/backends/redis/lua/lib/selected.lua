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

-- Put lanes of the next selection that has some where none stands any more; return whether there are any.
function selected.take(wanted)
  -- Lanes of an earlier strategy, not ranked anew so far, may be of the selection whose turn it is.
  while not unfinished and turn < #chosen and not (turn > 0 and stale) do
    turn = turn + 1
    local found = find(chosen[turn], wanted)
    for i = 1, #found do standing[at + i - 1] = found[i] end
    if #found > 0 then return true end
  end
  return false
end

-- One more lane of the selection whose lanes stand.
function selected.another() return find(chosen[turn], 1) end

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

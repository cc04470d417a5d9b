-- What holds for new jobs where there is more to it than their lane.
-- @include lib.queue, lib.limits
-- @key lane_prefix     of the keys of lanes' rows
-- @key pending_prefix  of the keys of lanes' ready jobs
-- @key dedup           by dedup_key the job that holds it

local NONE_AT_ALL = { delay_ms = 0 }
local queue_limits, limits_by_lane = queue.limits and read_limits(queue.limits), {}

-- Of each job in ms its delay, its expiry from now and how long its dedup_key counts, each "-" for none; then that key.
local function read_options(i)
  if ARGV[i + 2] == "" then return NONE_AT_ALL end
  local delay_ms, expires_ms, hold_ms, key = string.match(ARGV[i + 2], "^(%S+) (%S+) (%S+) (.*)$")
  return {
    delay_ms = tonumber(delay_ms) or 0, expires_ms = tonumber(expires_ms),
    hold_ms = tonumber(hold_ms), dedup_key = key ~= "" and key or nil,
  }
end

local function limits_of(lane)
  if limits_by_lane[lane] == nil then
    local text = call("HGET", lane_prefix .. lane, "limits")
    limits_by_lane[lane] = text and read_limits(text) or NONE_AT_ALL
  end
  return limits_by_lane[lane]
end

-- The id of the job that holds a key.
local function twin(key)
  local holder = key and call("HGET", dedup, key)
  if not holder then return end
  local until_ms = tonumber(string.sub(holder, 12))
  if not until_ms or until_ms > now_ms then return string.sub(holder, 1, 11) end
end

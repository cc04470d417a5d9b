-- How jobs have ended, for whoever asks.
-- @include lib.clock
-- @key result_prefix  of the keys of what is kept of jobs that have ended

-- Keep how a job has ended: a word, and what comes with it.
local function keep(id, lasts_ms, outcome)
  local key = result_prefix .. id
  call("RPUSH", key, struct.pack("<I6", now_ms + lasts_ms) .. outcome)
  call("PEXPIRE", key, string.format("%d", lasts_ms))
end

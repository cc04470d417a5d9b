-- The header of a job's record, and what follows it of the scripts' concern; the rest is the client's affair.

-- In ms: enqueued at, due at, expires at or 0; cost, priority, flags, attempts, reclaims, failures, length of the
-- lane's key. Then the lane's key, and as the flags say: bid, lease in ms, dedup_key after its length, result_ttl in ms.
local HEADER, HEADER_SIZE = "<I6I6I6dBBHHHH", 36

local function read_header(record)
  local job, size = {}, 0
  job.enqueued_ms, job.due_ms, job.expires_ms, job.cost, job.priority, job.flags,
    job.attempts, job.reclaims, job.failures, size = struct.unpack(HEADER, record)
  job.lane = string.sub(record, HEADER_SIZE + 1, HEADER_SIZE + size)
  if job.flags > 0 then
    local at = HEADER_SIZE + size + 1
    if job.flags % 2 >= 1 then job.bid, at = struct.unpack("<d", record, at) end
    if job.flags % 4 >= 2 then job.lease_ms, at = struct.unpack("<I6", record, at) end
    if job.flags % 8 >= 4 then
      size, at = struct.unpack("<H", record, at)
      job.dedup_key = string.sub(record, at, at + size - 1)
      at = at + size
    end
    if job.flags >= 8 then job.result_ms = struct.unpack("<I6", record, at) end
  end
  return job
end

-- The record with its header written anew. Counts stop at what two bytes hold.
local function write_header(record, job)
  return struct.pack(
    HEADER, job.enqueued_ms, job.due_ms, job.expires_ms, job.cost, job.priority, job.flags,
    math.min(job.attempts, 65535), math.min(job.reclaims, 65535), math.min(job.failures, 65535), #job.lane
  ) .. string.sub(record, HEADER_SIZE + 1)
end

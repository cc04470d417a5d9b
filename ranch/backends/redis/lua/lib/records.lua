-- The header of a job's record; what follows it, from the lane's key on, is the client's affair.

-- Enqueued at and due at in ms, cost, priority, attempts, reclaims, length of the lane's key.
local HEADER, HEADER_SIZE = "<I6I6dBHHH", 27

local function read_header(record)
  local job, size = {}, 0
  job.enqueued_ms, job.due_ms, job.cost, job.priority, job.attempts, job.reclaims, size =
    struct.unpack(HEADER, record)
  job.lane = string.sub(record, HEADER_SIZE + 1, HEADER_SIZE + size)
  return job
end

-- The record with its header written anew. Counts stop at what two bytes hold.
local function write_header(record, job)
  return struct.pack(
    HEADER, job.enqueued_ms, job.due_ms, job.cost, job.priority,
    math.min(job.attempts, 65535), math.min(job.reclaims, 65535), #job.lane
  ) .. string.sub(record, HEADER_SIZE + 1)
end

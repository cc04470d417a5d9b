-- Keep the names of a selection for an hour; claims keep it for longer.
-- @key lanes   keys of the lanes there are; selections lie beside them
-- @constant KEPT_MS  how long that is
-- @arg digest  of the selection
-- @rest first  names
-- @returns ok

local names = lanes .. ":" .. digest
-- So that it is not refused where memory is short: a claim needs it.
call("DEL", names)
for i = first, #ARGV do call("HSET", names, ARGV[i], "") end
call("PEXPIRE", names, KEPT_MS)
return { "ok" }

-- Keep the names of a selection for an hour; claims keep it for longer.
-- @key lanes   keys of the lanes there are; selections lie beside them
-- @arg digest  of the selection
-- @rest first  names
-- @returns ok

local names = lanes .. ":" .. digest
-- So that it is not refused where memory is short: a claim needs it.
call("DEL", names)
for i = first, #ARGV do call("HSET", names, ARGV[i], "") end
call("PEXPIRE", names, "3600000")
return { "ok" }

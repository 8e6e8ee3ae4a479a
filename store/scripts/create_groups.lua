#!lua
-- Creates the consumer group on each stream that lacks it. At 0: at `$` it would skip what is
-- there already.
-- KEYS: the streams of one partition. ARGV: group. Returns how many were created.
local created = 0
for _, stream in ipairs(KEYS) do
    local reply = redis.pcall('XGROUP', 'CREATE', stream, ARGV[1], '0', 'MKSTREAM')
    if not reply.err then
        created = created + 1
    elseif not string.find(reply.err, 'BUSYGROUP', 1, true) then
        return reply
    end
end
return created

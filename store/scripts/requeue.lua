#!lua
-- Brings entries whose time has come from the retry set back into their lanes: a stream knows no
-- delay, so they are added anew.
-- KEYS: retry set, stream of codes, stream of alerts. ARGV: now (ms), how many at the most.
-- Returns how many. A member that cannot be read stays where it is.
local streams = {code = KEYS[2], alert = KEYS[3]}
local members = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'LIMIT', '0', ARGV[2])
local moved = 0
for _, member in ipairs(members) do
    local readable, entry = pcall(cjson.decode, member)
    local stream = readable and type(entry) == 'table' and #entry == 5 and streams[entry[1]]
    if stream then
        redis.call('XADD', stream, '*', 'e', entry[5], 'r', entry[4], 'n', entry[3])
        redis.call('ZREM', KEYS[1], member)
        moved = moved + 1
    end
end
return moved

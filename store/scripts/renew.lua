#!lua
-- Entries that this consumer holds are as if they were just taken; no delivery is counted. What was
-- settled, or is another's by now, stays as it is.
-- KEYS: stream. ARGV: group, consumer, entry ids.
-- Returns how many were renewed.
local renewed = 0
for i = 3, #ARGV do
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[i], ARGV[i], '1')[1]
    if pending and pending[2] == ARGV[2] then
        redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], '0', ARGV[i], 'JUSTID')
        renewed = renewed + 1
    end
end
return renewed

#!lua
-- Counts a delivery of an entry that this consumer holds.
-- KEYS: stream. ARGV: group, consumer, entry id, how many deliveries that makes.
-- Returns 1, or 0 if the entry was settled or is another's by now.
local pending = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], ARGV[3], '1')[1]
if not pending or pending[2] ~= ARGV[2] then return 0 end
return #redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], '0', ARGV[3], 'RETRYCOUNT', ARGV[4],
    'JUSTID')

#!lua
-- Takes over what any consumer took longer than a time ago and did not settle, without counting a
-- delivery. A page of it: XAUTOCLAIM looks at a part of the list only.
-- KEYS: stream. ARGV: group, consumer, idle (ms), cursor, how many.
-- Returns {next cursor, entries: {id, fields, deliveries}}.
local claimed = redis.call('XAUTOCLAIM', KEYS[1], ARGV[1], ARGV[2], ARGV[3], ARGV[4], 'COUNT',
    ARGV[5], 'JUSTID')
local entries = {}
for _, id in ipairs(claimed[2]) do
    local entry = redis.call('XRANGE', KEYS[1], id, id)[1]
    local pending = redis.call('XPENDING', KEYS[1], ARGV[1], id, id, '1')[1]
    if entry and pending then entries[#entries + 1] = {id, entry[2], pending[4]} end
end
return {claimed[1], entries}

#!lua
-- What a consumer took and did not settle, a page of it, without counting a delivery. It is as
-- fresh as if it were just taken, so that nobody takes it over.
-- KEYS: stream. ARGV: group, consumer, where the page begins (XPENDING's start), how many.
-- Returns {last id of the page or '', entries: {id, fields, deliveries}}.
local page = redis.call('XPENDING', KEYS[1], ARGV[1], ARGV[3], '+', ARGV[4], ARGV[2])
local last, entries = '', {}
for _, pending in ipairs(page) do
    last = pending[1]
    redis.call('XCLAIM', KEYS[1], ARGV[1], ARGV[2], '0', last, 'JUSTID')
    local entry = redis.call('XRANGE', KEYS[1], last, last)[1]
    if entry then entries[#entries + 1] = {last, entry[2], pending[4]} end
end
return {last, entries}

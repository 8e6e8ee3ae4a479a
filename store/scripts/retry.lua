#!lua
-- Not now: the entry moves from its stream to the retry set. The payload is taken from the stream,
-- so an entry that another notifier has settled cannot come back.
-- KEYS: stream, retry set. ARGV: group, entry id, lane, due (ms), attempts, recipients ('' for
-- all). Returns 1, or 0 if the entry was gone.
local entry = redis.call('XRANGE', KEYS[1], ARGV[2], ARGV[2])[1]
if not entry then
    return 0
end
local fields = entry[2]
local payload = ''
for i = 1, #fields, 2 do
    if fields[i] == 'e' then
        payload = fields[i + 1]
    end
end
-- The lane and the entry's id make the member unique.
local member = cjson.encode({ARGV[3], ARGV[2], ARGV[5], ARGV[6], payload})
redis.call('ZADD', KEYS[2], ARGV[4], member)
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1

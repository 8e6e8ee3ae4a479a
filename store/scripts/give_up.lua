#!lua
-- Never: the entry moves from its stream to the dead letters, whose id tells when.
-- KEYS: stream, dead letters. ARGV: group, entry id, reason, attempts, recipients ('' for all).
-- Returns 1, or 0 if the entry was gone.
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
redis.call('XADD', KEYS[2], '*', 'e', payload, 'r', ARGV[5], 'n', ARGV[4], 'reason', ARGV[3],
    'id', ARGV[2])
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
redis.call('XDEL', KEYS[1], ARGV[2])
return 1

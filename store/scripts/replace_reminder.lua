#!lua
-- Another due time for a reminder, or none, unless it has changed since it was seen.
-- KEYS: reminders. ARGV: account's id, due time that was seen (ms), due time (ms; empty: none).
-- Returns 1, or 0 if it has changed.
local due = redis.call('ZSCORE', KEYS[1], ARGV[1])
if not due or tonumber(due) ~= tonumber(ARGV[2]) then
    return 0
end
if ARGV[3] == '' then
    redis.call('ZREM', KEYS[1], ARGV[1])
else
    redis.call('ZADD', KEYS[1], ARGV[3], ARGV[1])
end
return 1

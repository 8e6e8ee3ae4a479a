#!lua
-- KEYS: the listing of service keys; the index entry of one; where that goes (not if it ends).
-- ARGV: the key's id; what the listing said of it when it was read; what it says then (empty: the
--       key ends).
-- Answers 1, or 0 if the listing says something else by now: nothing was changed.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then return 0 end
if ARGV[3] == '' then
    redis.call('DEL', KEYS[2])
    redis.call('HDEL', KEYS[1], ARGV[1])
    return 1
end
if redis.call('EXISTS', KEYS[2]) == 1 then redis.call('RENAME', KEYS[2], KEYS[3]) end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1

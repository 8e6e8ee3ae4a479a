#!lua
-- KEYS: the cooldown. ARGV: its length in milliseconds.
-- Answers what is left of a running one in milliseconds; else starts it and answers 0.
local left = redis.call('PTTL', KEYS[1])
if left > 0 then return left end
redis.call('SET', KEYS[1], '1', 'PX', ARGV[1])
return 0

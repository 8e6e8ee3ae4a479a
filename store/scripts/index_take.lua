#!lua
-- KEYS: an index entry. ARGV: the value it has now (empty: none), the value to give it.
-- Answers 1 if it had that value, else 0.
local stored = redis.call('GET', KEYS[1]) or ''
if stored ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1

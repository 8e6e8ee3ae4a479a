#!lua
-- Deletes an account that has a version, with its reminder and its history, and adds its last
-- events.
-- KEYS: account, code stream, alert stream, retry set, reminders, history (one slot).
-- ARGV: expected version, 1 if an earlier run has an unknown outcome (then a missing account was
--       erased by it), the account's id, then triples as commit.lua's.
-- Answers 1 erased, 2 was erased before, 0 another version or no account, -1 wrong type.
local stored = redis.pcall('HGET', KEYS[1], 'v')
if type(stored) == 'table' then return -1 end
if not stored and ARGV[2] == '1' then return 2 end
if not stored or string.sub(stored, 1, 8) ~= ARGV[1] then return 0 end

for i = 4, #ARGV, 3 do
    local kind = redis.call('TYPE', KEYS[tonumber(ARGV[i])]).ok
    if kind ~= 'stream' and kind ~= 'none' then return -1 end
end
local kind = redis.call('TYPE', KEYS[5]).ok
if kind ~= 'zset' and kind ~= 'none' then return -1 end

for i = 4, #ARGV, 3 do
    redis.call('XADD', KEYS[tonumber(ARGV[i])], '*', 'e', ARGV[i + 2])
end
redis.call('ZREM', KEYS[5], ARGV[3])
redis.call('DEL', KEYS[1], KEYS[6])
return 1

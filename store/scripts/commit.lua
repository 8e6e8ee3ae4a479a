#!lua
-- Compare-and-set of an account, together with its events.
-- KEYS: account, code stream, alert stream (one slot).
-- ARGV: expected version (empty: the account must not exist), proposed version, document (empty:
--       unchanged), then pairs: the stream as its index in KEYS, payload.
-- Answers 1 committed, 2 was committed before by the same proposal, 0 another version,
--         -1 wrong type.
local stored = redis.pcall('HGET', KEYS[1], 'v')
if type(stored) == 'table' then return -1 end
if stored == ARGV[2] then return 2 end
if ARGV[1] == '' then
    if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
elseif stored ~= ARGV[1] then
    return 0
end

for i = 4, #ARGV, 2 do
    local kind = redis.call('TYPE', KEYS[tonumber(ARGV[i])]).ok
    if kind ~= 'stream' and kind ~= 'none' then return -1 end
end

-- Nothing is rolled back, so the events come first: a change without its alert must not be.
for i = 4, #ARGV, 2 do
    redis.call('XADD', KEYS[tonumber(ARGV[i])], '*', 'e', ARGV[i + 1])
end
if ARGV[3] == '' then
    redis.call('HSET', KEYS[1], 'v', ARGV[2])
else
    redis.call('HSET', KEYS[1], 'v', ARGV[2], 'd', ARGV[3])
end
return 1

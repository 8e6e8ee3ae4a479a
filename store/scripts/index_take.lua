#!lua
-- KEYS: an index entry. ARGV: the value that it was seen with (empty: none), the taker with the
--       separator that follows it, the time now and the life of a reservation (ms).
-- Answers 1 if it is the taker's now, 0 if somebody else changed it since it was seen.
-- A taker that holds it already gets another time, a later one, so that an entry which was seen can
-- be told from the one that replaced it. A time far in the future is none.
local stored = redis.call('GET', KEYS[1]) or ''
local time = tonumber(ARGV[3])
if string.sub(stored, 1, #ARGV[2]) == ARGV[2] then
    local before = tonumber(string.sub(stored, #ARGV[2] + 1))
    if before and before - time < tonumber(ARGV[4]) then time = math.max(time, before + 1) end
elseif stored ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[2] .. string.format('%.0f', time))
return 1

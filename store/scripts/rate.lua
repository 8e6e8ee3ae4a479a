#!lua
-- GCRA (ITU-T I.371 appendix I) in whole microseconds, which a Lua number holds exactly.
-- KEYS: the limit. It holds the theoretical arrival time of the next request.
-- ARGV: now in milliseconds, count, window in milliseconds.
-- Answers {1 allowed or 0, remaining burst, milliseconds until the next is allowed}.
local now = tonumber(ARGV[1]) * 1000
local count = tonumber(ARGV[2])
local interval = math.floor(tonumber(ARGV[3]) * 1000 / count)
local burst = interval * count

local arrival = math.max(tonumber(redis.call('GET', KEYS[1]) or '') or 0, now)
local after = arrival + interval - now
if after > burst then
    return {0, 0, math.ceil((after - burst) / 1000)}
end
redis.call('SET', KEYS[1], string.format('%.0f', now + after), 'PX', math.ceil(after / 1000))
return {1, math.floor((burst - after) / interval), 0}

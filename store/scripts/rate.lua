#!lua
-- GCRA (ITU-T I.371 appendix I) in whole microseconds, which a Lua number holds exactly.
-- KEYS: the limits. Each holds the theoretical arrival time of the next request.
-- ARGV: now in milliseconds; what is done: 1 takes a request, 0 looks, -1 gives one back; then for
--       each limit its count and its window in milliseconds.
-- Answers for each limit in turn, up to the first that refuses, which stays as it is:
-- 1 allowed or 0, remaining burst, milliseconds until the next is allowed, milliseconds until the
-- burst is whole again.
local now = tonumber(ARGV[1]) * 1000
local cost = tonumber(ARGV[2])
local answer = {}
for i, key in ipairs(KEYS) do
    local count = tonumber(ARGV[1 + 2 * i])
    local interval = math.floor(tonumber(ARGV[2 + 2 * i]) * 1000 / count)
    local burst = interval * count

    local ahead = math.max((tonumber(redis.call('GET', key) or '') or 0) - now, 0)
    local allowed = cost < 0 or ahead + interval <= burst
    local wait = 0
    if not allowed then
        wait = ahead + interval - burst
    elseif cost ~= 0 then
        ahead = math.max(ahead + cost * interval, 0)
        if ahead > 0 then
            redis.call('SET', key, string.format('%.0f', now + ahead), 'PX',
                math.ceil(ahead / 1000))
        else
            redis.call('DEL', key)
        end
    end
    answer[#answer + 1] = allowed and 1 or 0
    answer[#answer + 1] = math.max(math.floor((burst - ahead) / interval), 0)
    answer[#answer + 1] = math.ceil(wait / 1000)
    answer[#answer + 1] = math.ceil(ahead / 1000)
    if not allowed then break end
end
return answer

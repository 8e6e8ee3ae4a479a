#!lua
-- Compare-and-set of an account, together with its events and its reminder.
-- KEYS: account; where there are events or a reminder also: code stream, alert stream, retry set,
--       reminders; with a row for the account's history also that stream (one slot).
-- ARGV: expected version (empty: the account must not exist), proposed version, document (empty:
--       unchanged), how long it is kept from now (ms; empty: for ever); with the further keys also:
--       how many entries the code lane and the alert lane may hold before this commit (each empty:
--       as many as they do), the account's id, when to be reminded of it (ms; 'never'; empty: as
--       before), then triples: the stream as its index in KEYS, how many entries it keeps (empty:
--       all), payload.
-- Answers 1 committed, 2 was committed before by the same proposal, 0 another version,
--         -1 wrong type, -2 a lane holds more.
-- `v` is the version and, behind it, the eight before: a proposal whose answer was lost is known
-- again even when others have committed since. A version has eight bytes.
local versions = redis.pcall('HGET', KEYS[1], 'v')
if type(versions) == 'table' then return -1 end
versions = versions or ''
if string.find(versions, ARGV[2], 1, true) then return 2 end
if ARGV[1] == '' then
    if redis.call('EXISTS', KEYS[1]) == 1 then return 0 end
elseif string.sub(versions, 1, 8) ~= ARGV[1] then
    return 0
end

if #KEYS > 1 then
    for i = 9, #ARGV, 3 do
        local kind = redis.call('TYPE', KEYS[tonumber(ARGV[i])]).ok
        if kind ~= 'stream' and kind ~= 'none' then return -1 end
    end
    if ARGV[8] ~= '' then
        local kind = redis.call('TYPE', KEYS[5]).ok
        if kind ~= 'zset' and kind ~= 'none' then return -1 end
    end

    if ARGV[5] ~= '' and redis.call('XLEN', KEYS[2]) > tonumber(ARGV[5]) then return -2 end
    -- Retries of codes, which are few and die with their codes, count with the alerts.
    if ARGV[6] ~= '' and
        redis.call('XLEN', KEYS[3]) + redis.call('ZCARD', KEYS[4]) > tonumber(ARGV[6]) then
        return -2
    end

    -- Nothing is rolled back, so the events come first: a change without its alert must not be.
    for i = 9, #ARGV, 3 do
        local stream = KEYS[tonumber(ARGV[i])]
        if ARGV[i + 1] == '' then
            redis.call('XADD', stream, '*', 'e', ARGV[i + 2])
        else
            redis.call('XADD', stream, 'MAXLEN', '=', ARGV[i + 1], '*', 'e', ARGV[i + 2])
        end
    end
    if ARGV[8] == 'never' then
        redis.call('ZREM', KEYS[5], ARGV[7])
    elseif ARGV[8] ~= '' then
        redis.call('ZADD', KEYS[5], ARGV[8], ARGV[7])
    end
end

versions = string.sub(ARGV[2] .. versions, 1, 9 * 8)
if ARGV[3] == '' then
    redis.call('HSET', KEYS[1], 'v', versions)
else
    redis.call('HSET', KEYS[1], 'v', versions, 'd', ARGV[3])
end
if ARGV[4] ~= '' then
    redis.call('PEXPIRE', KEYS[1], ARGV[4])
    if KEYS[6] then redis.call('PEXPIRE', KEYS[6], ARGV[4]) end
end
return 1

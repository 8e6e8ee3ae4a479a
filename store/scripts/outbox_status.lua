#!lua flags=no-writes
-- KEYS of one partition: stream of codes, stream of alerts, retry set, dead codes, dead alerts.
-- ARGV: group.
-- Returns for each stream {length, first id or '', consumers: name, pending, idle in ms, name, …;
-- dead letters}, then {how many retries, when the first is due (ms) or ''}.
local function stream_status(key, dead)
    local first = redis.call('XRANGE', key, '-', '+', 'COUNT', '1')[1]
    local consumers = {}
    local listed = redis.pcall('XINFO', 'CONSUMERS', key, ARGV[1])
    if not listed.err then
        for _, fields in ipairs(listed) do
            local named = {}
            for i = 1, #fields, 2 do named[fields[i]] = fields[i + 1] end
            consumers[#consumers + 1] = named['name']
            consumers[#consumers + 1] = named['pending']
            consumers[#consumers + 1] = named['idle']
        end
    end
    return {redis.call('XLEN', key), first and first[1] or '', consumers, redis.call('XLEN', dead)}
end
local due = redis.call('ZRANGE', KEYS[3], '0', '0', 'WITHSCORES')
return {
    stream_status(KEYS[1], KEYS[4]),
    stream_status(KEYS[2], KEYS[5]),
    {redis.call('ZCARD', KEYS[3]), due[2] or ''},
}

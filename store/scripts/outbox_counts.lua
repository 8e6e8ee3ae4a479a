#!lua flags=no-writes
-- KEYS of one partition: stream of codes, stream of alerts, retry set, dead codes, dead alerts.
-- Returns the length of each.
return {
    redis.call('XLEN', KEYS[1]),
    redis.call('XLEN', KEYS[2]),
    redis.call('ZCARD', KEYS[3]),
    redis.call('XLEN', KEYS[4]),
    redis.call('XLEN', KEYS[5]),
}

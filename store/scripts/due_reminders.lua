#!lua flags=no-writes
-- KEYS: reminders. ARGV: now (ms), how many at the most.
-- Returns ids of accounts and their due times (ms, as text) in turn, the longest due first.
return redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', ARGV[1], 'WITHSCORES', 'LIMIT', '0', ARGV[2])

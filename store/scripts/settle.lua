#!lua
-- The mail is out: the entry is acknowledged and deleted. Settling again changes nothing.
-- KEYS: stream. ARGV: group, entry id. Returns 1, or 0 if the entry was gone.
redis.call('XACK', KEYS[1], ARGV[1], ARGV[2])
return redis.call('XDEL', KEYS[1], ARGV[2])

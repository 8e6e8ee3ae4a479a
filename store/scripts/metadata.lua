#!lua
-- KEYS: the metadata. ARGV: partitions and key fingerprint of data that is new.
-- Answers both as they are stored.
redis.call('HSETNX', KEYS[1], 'partitions', ARGV[1])
redis.call('HSETNX', KEYS[1], 'key_fingerprint', ARGV[2])
return redis.call('HMGET', KEYS[1], 'partitions', 'key_fingerprint')

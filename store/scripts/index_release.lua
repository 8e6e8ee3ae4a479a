#!lua
-- KEYS: an index entry. ARGV: its holder, with the separator that follows it; when it was taken
--       (empty: whenever).
-- Deletes the entry if it is that holder's. Answers how many were deleted.
local stored = redis.call('GET', KEYS[1]) or ''
if string.sub(stored, 1, #ARGV[1]) ~= ARGV[1] then return 0 end
if ARGV[2] ~= '' and string.sub(stored, #ARGV[1] + 1) ~= ARGV[2] then return 0 end
return redis.call('DEL', KEYS[1])

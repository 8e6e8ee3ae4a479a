#!lua
-- A dead letter goes back into its lane as a new entry: same event, same recipients, no attempts.
-- KEYS: dead letters, stream. ARGV: the dead letter's id. Returns 1, or 0 if it was gone.
local letter = redis.call('XRANGE', KEYS[1], ARGV[1], ARGV[1])[1]
if not letter then
    return 0
end
local fields = letter[2]
local payload, recipients = '', ''
for i = 1, #fields, 2 do
    if fields[i] == 'e' then
        payload = fields[i + 1]
    elseif fields[i] == 'r' then
        recipients = fields[i + 1]
    end
end
redis.call('XADD', KEYS[2], '*', 'e', payload, 'r', recipients)
redis.call('XDEL', KEYS[1], ARGV[1])
return 1

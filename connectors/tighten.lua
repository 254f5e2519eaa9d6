-- Make a bucket no fuller than the vendor says, and closed for a while if it says so. Never loosens.
-- KEYS: one bucket's hash. ARGV: least distance of tat from now (µs; -1: leave), block for (ms; 0: no), time to live (ms).
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local ahead, block = tonumber(ARGV[1]), tonumber(ARGV[2])
local state = redis.call('HMGET', KEYS[1], 'tat', 'until')
if ahead >= 0 then
  redis.call('HSET', KEYS[1], 'tat', string.format('%.0f', math.max(tonumber(state[1]) or 0, now + ahead)))
end
if block > 0 then
  redis.call('HSET', KEYS[1], 'until', string.format('%.0f', math.max(tonumber(state[2]) or 0, now + block * 1000)))
end
redis.call('PEXPIRE', KEYS[1], math.max(tonumber(ARGV[3]), block, redis.call('PTTL', KEYS[1])))

-- One call's tokens from all of its buckets, or none (generic cell rate algorithm, ITU-T I.371).
-- KEYS: a hash per bucket: tat = theoretical arrival time of the next call, until = blocked until (both µs, server time).
-- ARGV, four for each key, in µs: interval between calls, room = how far ahead of now tat may run,
-- cold = tat of a bucket that nobody knows (a new one, or Redis lost it), time to live in ms.
-- Returns 0 if the tokens were taken, else the ms to wait before it can succeed.
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local wait = 0
local taken = {}
for i, key in ipairs(KEYS) do
  local interval, room, cold = tonumber(ARGV[4 * i - 3]), tonumber(ARGV[4 * i - 2]), tonumber(ARGV[4 * i - 1])
  local state = redis.call('HMGET', key, 'tat', 'until')
  local tat = math.max(tonumber(state[1]) or now + cold, now)
  wait = math.max(wait, tat + interval - room - now, (tonumber(state[2]) or 0) - now)
  taken[i] = tat + interval
end
if wait > 0 then return math.ceil(wait / 1000) end
for i, key in ipairs(KEYS) do
  redis.call('HSET', key, 'tat', string.format('%.0f', taken[i]))
  redis.call('PEXPIRE', key, ARGV[4 * i])
end
return 0

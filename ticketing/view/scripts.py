"""The one Lua script that changes the view: newer versions in, tombstones and expired ones out."""

from __future__ import annotations

# KEYS  pointers, then docs, list, entry, version, changed, seq, gone, ended of a section of a build
# ARGV  build, now, the time before which an ended entry is dropped, the time before which a
#       tombstone is, 1 where a tombstone is for good (0: ids come again); then six an entry: id,
#       version (text, ordered as such; empty: tombstone), time of its end (empty: none), its entry
#       of the index, document for lists, whole document (empty: the other one is all)
# Returns {written, stale, deleted}, or an empty table where the build is no longer in use.
#
# The tombstone of an incident is remembered for a while: a process that lost its partition may
# still write the revision before it, and an incident's id is never used twice. The fingerprint of
# an alert is; what such a process writes of a forgotten alert is dropped at its end.
WRITE = """
local pointers, docs, list, entry, known = KEYS[1], KEYS[2], KEYS[3], KEYS[4], KEYS[5]
local changed, seq, gone, ended = KEYS[6], KEYS[7], KEYS[8], KEYS[9]
local build, now, for_good = ARGV[1], ARGV[2], ARGV[5] == '1'
if redis.call('HGET', pointers, 'live') ~= build
  and redis.call('HGET', pointers, 'building') ~= build then
  return {}
end

local function note_change(id)
  redis.call('ZADD', changed, redis.call('INCR', seq), id)
end

local function remove(id)
  redis.call('ZREM', ended, id)
  redis.call('ZADD', gone, now, id)
  if redis.call('HDEL', known, id) == 0 then return 0 end
  redis.call('HDEL', docs, id)
  redis.call('HDEL', list, id)
  redis.call('HDEL', entry, id)
  note_change(id)
  return 1
end

local written, stale, deleted = 0, 0, 0
for at = 6, #ARGV, 6 do
  local id, version, ended_at, whole = ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 5]
  if version == '' then
    deleted = deleted + remove(id)
  else
    local before = redis.call('HGET', known, id)
    if (before and before >= version) or (for_good and redis.call('ZSCORE', gone, id)) then
      stale = stale + 1
    else
      if not for_good then redis.call('ZREM', gone, id) end
      if ended_at ~= '' then
        redis.call('ZADD', ended, ended_at, id)
      else
        redis.call('ZREM', ended, id)
      end
      redis.call('HSET', known, id, version)
      redis.call('HSET', entry, id, ARGV[at + 3])
      redis.call('HSET', list, id, ARGV[at + 4])
      if whole ~= '' then redis.call('HSET', docs, id, whole) end
      note_change(id)
      written = written + 1
    end
  end
end

for _, id in ipairs(redis.call('ZRANGEBYSCORE', ended, '-inf', ARGV[3], 'LIMIT', 0, 200)) do
  deleted = deleted + remove(id)
end
for _, id in ipairs(redis.call('ZRANGEBYSCORE', gone, '-inf', ARGV[4], 'LIMIT', 0, 200)) do
  redis.call('ZREM', gone, id)
  redis.call('ZREM', changed, id)
end
return {written, stale, deleted}
"""
